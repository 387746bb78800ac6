import { useEffect, useEffectEvent } from 'react'
import { createQuietKeys } from './quiet-keys.ts'

/** What a browser zooms by, together with Control or Command. */
const zoomKeys = new Set(['+', '-', '_', '=', '0'])

type Handler = () => void
const handlers = new Map<string, Handler[]>()

function run(key: string): boolean {
  // The control that came last is the one on top.
  const handler = handlers.get(key)?.at(-1)
  handler?.()
  return handler !== undefined
}

/** These are the browser's and the fields' own, or come with another key. */
const notShortcuts = new Set(
  'Enter Tab Escape Shift Control Alt AltGraph Meta CapsLock NumLock Process Dead Unidentified'.split(' '),
)
/**
 * Keys that stand for no character, those of pedals and remote controls among them, act at once; within a burst even they
 * are a scanner's (as its group separator).
 */
export const isNamedKey = (key: string): boolean => key.length > 1 && !notShortcuts.has(key)
const burstGapMs = 80

/**
 * Starts listening for shortcuts; to be called before any scanner listener, so that it sees the silence between keys
 * even when a burst is swallowed. Returns the function that stops it.
 */
export function listenToShortcuts(): () => void {
  const press = createQuietKeys({
    now: () => performance.now(),
    later(action, waitMs) {
      const timer = setTimeout(action, waitMs)
      return () => clearTimeout(timer)
    },
    onKey: (key) => void run(key),
  })
  let lastKeyMs = Number.NEGATIVE_INFINITY
  const listen = (event: KeyboardEvent) => {
    // The keys reach the scanner listener, for Ctrl+- may be part of a code; they zoom nothing.
    if ((event.ctrlKey || event.metaKey) && zoomKeys.has(event.key)) event.preventDefault()
    if (event.altKey && !event.ctrlKey && /^Digit\d$/.test(event.code)) {
      event.preventDefault()
      run(`Alt ${event.code.slice(-1)}`)
    }
    if (event.key === 'Escape') run('Esc')
    const isInBurst = event.timeStamp - lastKeyMs < burstGapMs
    lastKeyMs = event.timeStamp
    const isBare = !event.ctrlKey && !event.altKey && !event.metaKey && !event.repeat && !isEditable(event.target)
    if (isNamedKey(event.key) && isBare && !isInBurst && run(event.key)) event.preventDefault()
    // A key typed into a field is text; it still breaks the silence.
    press(isEditable(event.target) ? { ...modifiers(event), repeat: true } : modifiers(event))
  }
  window.addEventListener('keydown', listen, { capture: true })
  return () => window.removeEventListener('keydown', listen, { capture: true })
}

function modifiers({ key, ctrlKey, altKey, metaKey, repeat }: KeyboardEvent) {
  return { key, ctrlKey, altKey, metaKey, repeat }
}

function isEditable(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target instanceof HTMLInputElement) return !['radio', 'checkbox', 'range', 'button', 'file'].includes(target.type)
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable
}

/** Runs `handler` on a key (`n`, `Alt 1`, `Esc`) while the component is shown; undefined takes the key away. */
export function useShortcut(key: string | undefined, handler: Handler | undefined): void {
  const own = useEffectEvent(() => handler?.())
  const active = key !== undefined && handler !== undefined
  useEffect(() => {
    if (!active) return
    const press = () => own()
    const all = handlers.get(key) ?? []
    handlers.set(key, all)
    all.push(press)
    return () => void all.splice(all.indexOf(press), 1)
  }, [key, active])
}
