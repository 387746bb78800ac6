/** Work for the screen that waits for the next frame. */
export interface Frames {
  /** Plans work; it runs in the order of the calls. */
  add(work: () => void): void
  /** Does now what waits. */
  flush(): void
}

/** A window that is not in sight has no frames: then its work is done this late, in milliseconds. */
const hiddenMs = 100

/** Creates the queue. */
export function createFrames(ports: {
  readonly requestFrame: (run: () => void) => void
  readonly later: (run: () => void, waitMs: number) => void
}): Frames {
  let waiting: (() => void)[] = []
  let turn = 0

  const flush = (): void => {
    const works = waiting
    waiting = []
    turn += 1
    for (const work of works) {
      try {
        work()
      } catch (error) {
        // One that fails must not take the others with it.
        reportError(error)
      }
    }
  }

  return {
    add(work) {
      waiting.push(work)
      if (waiting.length > 1) return
      const own = turn
      const run = (): void => {
        if (own === turn) flush()
      }
      ports.requestFrame(run)
      ports.later(run, hiddenMs)
    },
    flush() {
      if (waiting.length > 0) flush()
    },
  }
}
