import { useEffect, useEffectEvent } from 'react'
import { createQuietKeys } from './quiet-keys.ts'

/** What a browser zooms by, together with Control or Command. */
const zoomKeys = new Set(['+', '-', '_', '=', '0'])

type Handler = () => void
const handlers = new Map<string, Handler[]>()

function run(key: string): void {
  // The control that came last is the one on top.
  handlers.get(key)?.at(-1)?.()
}

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
    onKey: run,
  })
  const listen = (event: KeyboardEvent) => {
    // The keys reach the scanner listener, for Ctrl+- may be part of a code; they zoom nothing.
    if ((event.ctrlKey || event.metaKey) && zoomKeys.has(event.key)) event.preventDefault()
    if (event.altKey && !event.ctrlKey && /^Digit\d$/.test(event.code)) {
      event.preventDefault()
      run(`Alt ${event.code.slice(-1)}`)
    }
    if (event.key === 'Escape') run('Esc')
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
