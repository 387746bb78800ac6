import type { Settings } from '#contract/station/settings.ts'
import { createAstrayKeys } from '#domain/astray-keys.ts'
import { createWedgeReader } from '#domain/wedge.ts'
import type { StrangeBurst, WedgeDecision, WedgeKey, WedgePace } from '#domain/wedge.ts'

/** What becomes of a keyboard scanner's bursts. */
export interface WedgeListener {
  /**
   * A code, verbatim, control characters included; without prefix and terminator. `timeMs`: when its last key was pressed,
   * on the window's monotonic clock.
   */
  readonly onScan: (data: string, pace: WedgePace, timeMs: number) => void
  /** A burst that cannot be told; nothing of it is a scan. */
  readonly onStrange?: (strange: StrangeBurst) => void
}

type TextField = HTMLInputElement | HTMLTextAreaElement

/** A key on hold, with the field it would have gone to. */
interface HeldKey extends WedgeKey {
  readonly field: HTMLElement | undefined
  /** What the system made of Alt and the digits that end with this one. */
  composed?: string
}

/** A timer this late means that the window stood still: the keys pressed meanwhile are still to come. */
const lateMs = 12
/** How long those are waited for. */
const graceMs = 25

/**
 * Hears keyboard scanners in the whole window, whatever has the focus, and returns the function that stops it.
 *
 * What a person types reaches its field, at most `maxGapMs` after it was heard; nothing of a burst reaches a field or presses a
 * button. Password fields are treated alike, so that a scan does not end in a PIN; what is given back goes to the
 * field it was typed into and nowhere else. While an input method composes, nothing is held.
 */
export function listenToWedge(target: Window, settings: Settings['wedge'], listener: WedgeListener): () => void {
  const reader = createWedgeReader<HeldKey>(settings)
  /** Hears what an input method takes for itself: it cannot be kept from the field, but nobody shall think it was saved. */
  const { scannerLayout } = settings
  const deaf = createWedgeReader({ ...settings, scannerLayout: scannerLayout === 'as_typed' ? 'us' : scannerLayout })
  /** Keys whose press was swallowed: their release is none of the page's business either. */
  const swallowed = new Set<string>()
  /** The last digit of an Alt+keypad sequence on hold: the system is about to type what it made of it. */
  let composing: HeldKey | undefined
  let lastDigit: HeldKey | undefined
  let timer: number | undefined
  const astray = createAstrayKeys()
  let astrayTimer: number | undefined

  function tellSlow(length: number): void {
    if (length > 0) listener.onStrange?.({ reason: 'slow', length })
  }

  /** Characters that turned out to be no code of a scanner, and that no field takes. */
  function goAstray(keys: readonly HeldKey[]): void {
    for (const held of keys) if (held.field === undefined && typedBy(held) !== '') tellSlow(astray.key(held.timeMs))
    const deadlineMs = astray.deadlineMs()
    target.clearTimeout(astrayTimer)
    if (deadlineMs === undefined) return
    astrayTimer = target.setTimeout(
      () => tellSlow(astray.end()),
      Math.max(0, deadlineMs - target.performance.now()) + graceMs,
    )
  }

  function act(decisions: readonly WedgeDecision<HeldKey>[]): WedgeDecision<HeldKey> | undefined {
    for (const decision of decisions) {
      if (decision.kind === 'release') {
        giveBack(decision.keys)
        goAstray(decision.keys)
      } else if (decision.kind === 'takeBack') takeBack(decision.keys)
      else if (decision.kind === 'scan') listener.onScan(decision.data, decision.pace, decision.timeMs)
      else if (decision.kind === 'strange') listener.onStrange?.(decision.strange)
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
      for (const decision of deaf.key({ ...heldKey(event, undefined), key: 'Process' }, target.performance.now())) {
        if (decision.kind !== 'scan') continue
        listener.onStrange?.({ reason: 'input_method', length: [...decision.data].length })
      }
      return
    }
    // The repeats of a key that a burst pressed and has not released yet.
    if (event.repeat && swallowed.has(event.code)) {
      swallow(event)
      return
    }
    composing = undefined
    const field = fieldOf(event)
    const isFirst = reader.deadlineMs() === undefined
    const held = heldKey(event, field)
    const verdict = act(reader.key(held, target.performance.now()))
    if (verdict?.kind === 'hold' && held.alt) lastDigit = held
    schedule()
    if (verdict?.kind === 'pass') swallowed.delete(event.code)
    // Outside a field a single character does nothing that would have to be taken back, and a person's key on a button or
    // a list must act at once. From the second on it is swallowed: a space would press the button.
    else if (verdict?.kind === 'swallow' || field || !isFirst) swallow(event)
  }

  function onKeyUp(event: KeyboardEvent): void {
    const decisions = reader.keyUp({ code: event.code, timeMs: event.timeStamp })
    act(decisions)
    schedule()
    if (event.code === 'AltLeft') {
      const isReleased = decisions.some((one) => one.kind === 'release' && lastDigit && one.keys.includes(lastDigit))
      composing = isReleased ? undefined : lastDigit
      lastDigit = undefined
    }
    if (!swallowed.delete(event.code)) return
    event.preventDefault()
    event.stopImmediatePropagation()
  }

  function onKeyPress(event: KeyboardEvent): void {
    if (!composing || event.key.length !== 1) return
    composing.composed = event.key
    composing = undefined
    event.preventDefault()
    event.stopImmediatePropagation()
  }

  function onBlur(event: FocusEvent): void {
    if (event.target === target) reader.interrupt()
  }

  target.addEventListener('keydown', onKeyDown, { capture: true })
  target.addEventListener('keypress', onKeyPress, { capture: true })
  target.addEventListener('blur', onBlur)
  target.addEventListener('keyup', onKeyUp, { capture: true })
  return () => {
    act(reader.tick(Number.POSITIVE_INFINITY))
    target.clearTimeout(timer)
    target.clearTimeout(astrayTimer)
    target.removeEventListener('keydown', onKeyDown, { capture: true })
    target.removeEventListener('keypress', onKeyPress, { capture: true })
    target.removeEventListener('blur', onBlur)
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
    capsLock: event.getModifierState('CapsLock'),
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
    const text = own.map(typedBy).join('')
    if (field?.isConnected && text !== '') insert(field, text)
  }
}

/** What a key types into a field; nothing for a control character, a burst's beginning that came to nothing. */
function typedBy({ key, ctrl, alt, altGraph, composed }: HeldKey): string {
  if (composed !== undefined) return composed
  if ([...key].length !== 1 || (ctrl && !altGraph)) return ''
  // Alt with the keypad types digits on a Mac; elsewhere the character of that number, or nothing.
  return alt && !altGraph && !navigator.userAgent.includes('Macintosh') ? '' : key
}

/** Takes characters out again that were given back too early, as far as they still stand before the caret. */
function takeBack(keys: readonly HeldKey[]): void {
  for (const held of keys.toReversed()) {
    const { field } = held
    const typed = typedBy(held)
    if (!field?.isConnected || typed === '') continue
    if ((field.getRootNode() as Document | ShadowRoot).activeElement !== field) continue
    const isThere = isTextField(field)
      ? field.selectionStart === null || field.value.slice(0, field.selectionStart).endsWith(typed)
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
