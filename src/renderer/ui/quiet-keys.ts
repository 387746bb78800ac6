/** The part of a KeyboardEvent that matters here. */
export interface KeyPress {
  readonly key: string
  readonly ctrlKey: boolean
  readonly altKey: boolean
  readonly metaKey: boolean
  readonly repeat: boolean
}

export interface QuietKeysPorts {
  readonly now: () => number
  /** Runs something later; returns what calls it off. */
  readonly later: (run: () => void, waitMs: number) => () => void
  readonly onKey: (key: string) => void
}

/** A person's single key has this much silence on both sides; a scanner's keys are at most a tenth of it apart. */
export const quietMs = 300

/**
 * Tells a person's single key from a scanner's burst by the silence before and after it.
 *
 * A scanner is a keyboard that nobody sees: without the silence after, the first character of a code would be a command.
 */
export function createQuietKeys({ now, later, onKey }: QuietKeysPorts): (press: KeyPress) => void {
  let lastPressAt = Number.NEGATIVE_INFINITY
  let callOff: (() => void) | undefined
  return (press) => {
    const quietBefore = now() - lastPressAt >= quietMs
    lastPressAt = now()
    callOff?.()
    callOff = undefined
    const plain = press.key.length === 1 && !press.ctrlKey && !press.altKey && !press.metaKey && !press.repeat
    if (!plain || !quietBefore) return
    const key = press.key.toLowerCase()
    callOff = later(() => {
      callOff = undefined
      onKey(key)
    }, quietMs)
  }
}
