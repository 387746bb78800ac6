/** A corner, in pixels of the camera's frame. */
export interface Corner {
  readonly x: number
  readonly y: number
}

/** The outline of a code as it is drawn: four corners in order. */
export interface Outline {
  readonly key: string
  readonly corners: readonly Corner[]
}

/** Keeps outlines steady: a hand shakes and a decoder misses a frame now and then. */
export interface Outlines {
  /** Takes what one frame holds and answers what is to be drawn. */
  follow(found: readonly Outline[], timeMs: number): readonly Outline[]
}

/** An outline stays this long after its code was last read. */
const stayMs = 350
/** Each frame moves a corner this part of the way to where it was found. */
const pull = 0.45
/** A code that has moved further than this part of its own size is drawn where it is, at once. */
const jump = 0.5

/** Creates the memory of outlines. */
export function createOutlines(): Outlines {
  const drawn = new Map<string, { outline: Outline; seenMs: number }>()

  return {
    follow(found, timeMs) {
      for (const outline of found) {
        const before = drawn.get(outline.key)?.outline
        drawn.set(outline.key, { outline: before ? eased(before, outline) : outline, seenMs: timeMs })
      }
      for (const [key, { seenMs }] of drawn) {
        if (timeMs - seenMs > stayMs) drawn.delete(key)
      }
      return [...drawn.values()].map(({ outline }) => outline)
    },
  }
}

function eased(from: Outline, to: Outline): Outline {
  const size = Math.max(1, ...to.corners.map((corner) => distance(corner, to.corners[0])))
  const moved = Math.max(0, ...to.corners.map((corner, index) => distance(corner, from.corners[index])))
  if (moved > size * jump) return to
  return {
    key: to.key,
    corners: to.corners.map((corner, index) => {
      const start = from.corners[index] ?? corner
      return { x: start.x + (corner.x - start.x) * pull, y: start.y + (corner.y - start.y) * pull }
    }),
  }
}

function distance(a: Corner, b: Corner = a): number {
  return Math.hypot(a.x - b.x, a.y - b.y)
}
