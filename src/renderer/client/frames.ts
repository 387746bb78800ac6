/** Work for the screen that waits for the next drawing. */
export interface Frames {
  /** Plans work; it runs in the order of the calls. */
  add(work: () => void): void
  /** Does now what waits. */
  flush(): void
}

/** A window that is not in sight has no frames: then its work is done this late, in milliseconds. */
const hiddenMs = 100
/** Drawing rests so many times as long as the last drawing took. */
const restShare = 3
/** However long a drawing took, the next one does not wait longer than this, in milliseconds. */
const longestRestMs = 1_000
/** A window that is so many pieces of work behind asks anew for what is true now. */
const longestLine = 1_000

/**
 * Creates the queue: at most one drawing a frame, and drawing takes at most a quarter of the window's time. What has to be
 * heard comes through the same thread, and must not wait behind drawings: on a slow machine the screen is drawn
 * less often, and nothing else is slower.
 *
 * `onBehind` is called, and what waits is dropped, when more waits than a window can ever need.
 */
export function createFrames(ports: {
  readonly requestFrame: (run: () => void) => void
  readonly later: (run: () => void, waitMs: number) => void
  /** A monotonic clock, in milliseconds. */
  readonly now: () => number
  readonly onBehind: () => void
}): Frames {
  let waiting: (() => void)[] = []
  let turn = 0
  let restsUntilMs = 0

  const attempt = (work: () => void): void => {
    try {
      work()
    } catch (error) {
      // One that fails must not take the others with it.
      reportError(error)
    }
  }

  const draw = (): void => {
    const startedMs = ports.now()
    const works = waiting
    waiting = []
    turn += 1
    for (const work of works) attempt(work)
    // Comes behind the browser's own part of the drawing: style, layout and paint.
    ports.later(() => {
      const endedMs = ports.now()
      restsUntilMs = endedMs + Math.min((endedMs - startedMs) * restShare, longestRestMs)
    }, 0)
  }

  /** Draws what waits in the next frame after the rest, unless it has been drawn by then. */
  const plan = (): void => {
    const own = turn
    const restMs = restsUntilMs - ports.now()
    if (restMs > 0) {
      ports.later(() => own === turn && plan(), restMs)
      return
    }
    const run = (): void => {
      if (own === turn) draw()
    }
    ports.requestFrame(run)
    ports.later(run, hiddenMs)
  }

  return {
    add(work) {
      if (waiting.length >= longestLine) {
        waiting = []
        turn += 1
        attempt(ports.onBehind)
      }
      waiting.push(work)
      if (waiting.length === 1) plan()
    },
    flush() {
      if (waiting.length > 0) draw()
    },
  }
}
