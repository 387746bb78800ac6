import type { Settings } from '#contract/station/settings.ts'
import { createWedgeReader } from '#domain/wedge.ts'
import type { WedgeDecision, WedgeKey } from '#domain/wedge.ts'

/** What becomes of a keyboard scanner's bursts. */
export interface WedgeListener {
  /** A code, verbatim, control characters included; without prefix and terminator. */
  readonly onScan: (data: string) => void
  /** A burst that cannot be a code; it was swallowed. Never told what it was: it may have been a secret. */
  readonly onStrange?: (reason: 'too_long', length: number) => void
}

type TextField = HTMLInputElement | HTMLTextAreaElement

/** A key on hold, with the field it would have gone to. */
interface HeldKey extends WedgeKey {
  readonly field: HTMLElement | undefined
}

/** A timer this late means that the window stood still: the keys pressed meanwhile are still to come. */
const lateMs = 12
/** How long those are waited for. */
const graceMs = 25

/**
 * Hears keyboard scanners in the whole window, whatever has the focus, and returns the function that stops it.
 *
 * What a person types reaches its field, at most `maxGapMs` late; nothing of a burst reaches a field or presses a
 * button. Password fields are treated alike, so that a scan does not end in a PIN; what is given back goes to the
 * field it was typed into and nowhere else. While an input method composes, nothing is held.
 */
export function listenToWedge(target: Window, settings: Settings['wedge'], listener: WedgeListener): () => void {
  const reader = createWedgeReader<HeldKey>(settings)
  /** Keys whose press was swallowed: their release is none of the page's business either. */
  const swallowed = new Set<string>()
  let timer: number | undefined

  function act(decisions: readonly WedgeDecision<HeldKey>[]): WedgeDecision<HeldKey> | undefined {
    for (const decision of decisions) {
      if (decision.kind === 'release') giveBack(decision.keys)
      else if (decision.kind === 'takeBack') takeBack(decision.keys)
      else if (decision.kind === 'scan') listener.onScan(decision.data)
      else if (decision.kind === 'strange') listener.onStrange?.(decision.reason, decision.length)
    }
    return decisions.at(-1)
  }

  function schedule(): void {
    target.clearTimeout(timer)
    const deadlineMs = reader.deadlineMs()
    if (deadlineMs === undefined) return
    const waitMs = Math.max(0, deadlineMs - target.performance.now()) + 1
    timer = target.setTimeout(() => {
      const isLate = target.performance.now() > deadlineMs + lateMs
      timer = target.setTimeout(tick, isLate ? graceMs : 0)
    }, waitMs)
  }

  function tick(): void {
    act(reader.tick(target.performance.now()))
    schedule()
  }

  function swallow(event: KeyboardEvent): void {
    swallowed.add(event.code)
    event.preventDefault()
    event.stopImmediatePropagation()
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (event.isComposing || event.key === 'Process') {
      act(reader.tick(Number.POSITIVE_INFINITY))
      schedule()
      return
    }
    // The repeats of a key that a burst pressed and has not released yet.
    if (event.repeat && swallowed.has(event.code)) {
      swallow(event)
      return
    }
    const field = fieldOf(event)
    const isFirst = reader.deadlineMs() === undefined
    const verdict = act(reader.key(heldKey(event, field)))
    schedule()
    if (verdict?.kind === 'pass') swallowed.delete(event.code)
    // Outside a field a single character does nothing that would have to be taken back, and a person's key on a button or
    // a list must act at once. From the second on it is swallowed: a space would press the button.
    else if (verdict?.kind === 'swallow' || field || !isFirst) swallow(event)
  }

  function onKeyUp(event: KeyboardEvent): void {
    if (!swallowed.delete(event.code)) return
    event.preventDefault()
    event.stopImmediatePropagation()
  }

  target.addEventListener('keydown', onKeyDown, { capture: true })
  target.addEventListener('keyup', onKeyUp, { capture: true })
  return () => {
    act(reader.tick(Number.POSITIVE_INFINITY))
    target.clearTimeout(timer)
    target.removeEventListener('keydown', onKeyDown, { capture: true })
    target.removeEventListener('keyup', onKeyUp, { capture: true })
  }
}

function heldKey(event: KeyboardEvent, field: HTMLElement | undefined): HeldKey {
  return {
    code: event.code,
    key: event.key,
    shift: event.shiftKey,
    ctrl: event.ctrlKey,
    alt: event.altKey,
    meta: event.metaKey,
    altGraph: event.getModifierState('AltGraph'),
    repeat: event.repeat,
    // When the key was pressed, not when the window found time to hear of it.
    timeMs: event.timeStamp,
    field,
  }
}

/** The inputs a character is typed into; the others (checkbox, date, range, ...) make something else of a key. */
const textTypes = new Set(['text', 'search', 'url', 'tel', 'email', 'password', 'number'])

function fieldOf(event: KeyboardEvent): HTMLElement | undefined {
  const target = event.composedPath()[0]
  if (target instanceof HTMLInputElement) return textTypes.has(target.type) ? target : undefined
  if (target instanceof HTMLTextAreaElement) return target
  return target instanceof HTMLElement && target.isContentEditable ? target : undefined
}

/** Types what a person typed into the fields it was meant for, in order. */
function giveBack(keys: readonly HeldKey[]): void {
  let rest = [...keys]
  while (rest.length > 0) {
    const field = rest[0]?.field
    const end = rest.findIndex((key) => key.field !== field)
    const own = end === -1 ? rest : rest.slice(0, end)
    rest = rest.slice(own.length)
    // A held control character was a burst's beginning that came to nothing: no key that types.
    const text = own.map((key) => (key.ctrl && !key.altGraph ? '' : key.key)).join('')
    if (field?.isConnected && text !== '') insert(field, text)
  }
}

/** Takes characters out again that were given back too early, as far as they still stand before the caret. */
function takeBack(keys: readonly HeldKey[]): void {
  for (const { field, key } of keys.toReversed()) {
    if (!field?.isConnected || key.length !== 1) continue
    if ((field.getRootNode() as Document | ShadowRoot).activeElement !== field) continue
    const isThere = isTextField(field)
      ? field.selectionStart === null || field.value.slice(0, field.selectionStart).endsWith(key)
      : true
    if (isThere) document.execCommand('delete')
  }
}

function insert(field: HTMLElement, text: string): void {
  const hasFocus = (field.getRootNode() as Document | ShadowRoot).activeElement === field
  // Deprecated, and the only way to type so that undo, `maxlength` and the frameworks' controlled inputs all work.
  if (hasFocus && document.execCommand('insertText', false, text)) return
  if (isTextField(field) && !field.readOnly && !field.disabled) insertUnfocused(field, text)
}

function isTextField(field: HTMLElement): field is TextField {
  return field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement
}

/** The focus has moved on meanwhile; the text still belongs where it was typed. */
function insertUnfocused(field: TextField, text: string): void {
  const prototype = field instanceof HTMLInputElement ? HTMLInputElement.prototype : HTMLTextAreaElement.prototype
  // The prototype's own setter: React replaces the element's to know which changes are its own.
  const setValue = Object.getOwnPropertyDescriptor(prototype, 'value')?.set
  const start = field.selectionStart ?? field.value.length
  const stop = field.selectionEnd ?? start
  setValue?.call(field, field.value.slice(0, start) + text + field.value.slice(stop))
  field.dispatchEvent(new InputEvent('input', { bubbles: true, inputType: 'insertText', data: text }))
}
