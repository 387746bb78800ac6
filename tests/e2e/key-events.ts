import { setTimeout as delay } from 'node:timers/promises'
import type { CDPSession, Page, Locator } from 'playwright-core'
import { quietMs } from '#renderer/ui/quiet-keys.ts'

/** From key to key: a slow scanner, and faster than any hand. */
const usualGapMs = 4
/** For codes that are longer, a fast one, whose keys are not released one by one: the test would take its time. */
const longCode = 500

/** Presses a key as a person does: after the silence that tells theirs from a scanner's, which a character needs longer. */
export async function pressKey(page: Page, name: string): Promise<void> {
  await page.waitForTimeout(name.length === 1 ? quietMs + 50 : 120)
  await page.keyboard.press(name)
}

/** Presses a key on an element as a person does: no scanner's keys are right before it. */
export async function pressOn(target: Locator, name: 'Enter' | 'Space'): Promise<void> {
  await target.page().waitForTimeout(quietMs + 50)
  await target.press(name)
}

/** Types a code as a scanner does, ended by Enter unless said otherwise. */
export async function typeCode(keyboard: CDPSession, code: string, end: readonly string[] = ['Enter']): Promise<void> {
  // Each key carries the time it was pressed, as from a real keyboard, whatever the window is busy with.
  const startMs = Date.now()
  const isLong = code.length > longCode
  const gapMs = isLong ? 1 : usualGapMs
  const names = [...code, ...end]
  await Promise.all(
    names.flatMap((name, index) =>
      keyEvents(name)
        .slice(0, isLong ? 1 : 2)
        .map((event) =>
          keyboard.send('Input.dispatchKeyEvent', { ...event, timestamp: (startMs + index * gapMs) / 1_000 }),
        ),
    ),
  )
  await delay(Math.max(0, startMs + names.length * gapMs - Date.now()))
}

/** The press and the release of a key, by the character it types or by its name. */
export function keyEvents(name: string) {
  const isControl = name.length === 1 && name < ' '
  const key = isControl ? String.fromCharCode(name.charCodeAt(0) + 0x40).toLowerCase() : name
  const codes: Readonly<Record<string, string>> = { ']': 'BracketRight', ' ': 'Space' }
  const code = codes[key] ?? (/^[a-z]$/i.test(key) ? `Key${key.toUpperCase()}` : /^\d$/.test(key) ? `Digit${key}` : key)
  const types = name === 'Enter' ? '\r' : name
  const text = name.length === 1 || name === 'Enter' ? { text: types } : {}
  const virtual = name === 'Enter' ? 13 : name === 'Tab' ? 9 : key.toUpperCase().charCodeAt(0)
  const common = { key, code, modifiers: isControl ? 2 : 0, windowsVirtualKeyCode: virtual }
  return [
    { ...common, ...(isControl ? {} : text), type: 'keyDown' as const },
    { ...common, type: 'keyUp' as const },
  ]
}
