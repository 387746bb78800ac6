import type { Part } from './luminance.ts'
import type { Corner } from './outlines.ts'

/** One look at a part of one frame. */
export interface Look extends Part {
  /**
   * `quick`: the decoder's cheap options; `thorough`: all of them, which cost about five times as much a pixel; `bars`: the
   * cheap ones, and what looks like bars laid straight, at about the same cost.
   */
  readonly effort: 'quick' | 'thorough' | 'bars'
  /** The only format to look for, where a code is followed; null for all. */
  readonly format: string | null
}

/** A code that a look found; `corners` in pixels of the whole frame. */
export interface Sighting {
  readonly format: string
  readonly text: string
  readonly corners: readonly Corner[]
}

/** Decides where each frame is looked at, so that every frame costs little and nothing stays unseen. */
export interface FramePlan {
  /** The looks at the next frame. `bounds` is the part of it that is read at all, in pixels. */
  next(bounds: Omit<Part, 'scale'>, timeMs: number): readonly Look[]
  /** Takes what the looks of the last `next` have found. */
  saw(found: readonly (Sighting & { readonly effort: Look['effort'] })[], timeMs: number): void
}

/** A picture of about this many pixels is read quickly in a frame's time. */
const overviewPixels = 1_000_000
/** What a full look may have: 1920x1080. */
const finePixels = 2_200_000
/** The size of the parts that are read thoroughly, in pixels of the frame; their neighbours overlap by half. */
const tile = { width: 640, height: 360 }
/** While codes are followed the whole is looked at this often, for those that have come in. */
const searchEveryMs = 120
/** A followed code that is not seen for this long is looked for everywhere. */
const lostMs = 350
/** More codes than these are not followed one by one: a look at the whole is cheaper. */
const followLimit = 6
/** A code is looked for in the place where it was, with this part of its size around it. */
const roomAround = 0.4
const leastRoom = 32

interface Followed {
  readonly sighting: Sighting
  readonly effort: Look['effort']
  readonly seenMs: number
}

/**
 * Creates the plan.
 *
 * While nothing is seen, quick looks at the whole alternate with dearer looks at fewer pixels: at the whole in a coarse
 * picture, at one tile after the other, from the middle outwards, and at what looks like bars. Once codes are seen, most frames are
 * looked at only where they were, each for its own format.
 */
export function createFramePlan(): FramePlan {
  let followed = new Map<string, Followed>()
  let step = 0
  let searches = 0
  let coarse = 0
  let tileAt = 0
  let searchedMs = Number.NEGATIVE_INFINITY

  const search = (bounds: Omit<Part, 'scale'>, isFollowing: boolean): Look => {
    const overview = scaleFor(bounds, overviewPixels)
    step += 1
    // Beside codes that are followed a newcomer is mostly as easy as they are.
    const kind = isFollowing && step % 3 !== 0 ? 0 : searches++ % 4
    if (kind === 0) return look(bounds, overview, 'quick')
    if (kind === 1) return look(bounds, overview * 2, coarse++ % 2 === 0 ? 'thorough' : 'bars')
    if (kind === 2) return look(bounds, scaleFor(bounds, finePixels), 'quick')
    const tiles = tilesOf(bounds)
    const chosen = tiles[tileAt % tiles.length] ?? bounds
    tileAt += 1
    return look(chosen, 1, 'thorough')
  }

  return {
    next(bounds, timeMs) {
      const near = [...followed.values()].filter(({ seenMs }) => timeMs - seenMs <= lostMs)
      const isFollowing = near.length > 0 && near.length <= followLimit
      if (!isFollowing || timeMs - searchedMs >= searchEveryMs) {
        searchedMs = timeMs
        return [search(bounds, isFollowing)]
      }
      return near.map(({ sighting, effort }) => ({
        ...around(sighting.corners, bounds),
        effort,
        format: sighting.format,
      }))
    },
    saw(found, timeMs) {
      const next = new Map([...followed].filter(([, { seenMs }]) => timeMs - seenMs <= lostMs))
      for (const { effort, ...sighting } of found) {
        const key = `${sighting.format} ${sighting.text}`
        next.set(key, { sighting, effort: next.get(key)?.effort === 'quick' ? 'quick' : effort, seenMs: timeMs })
      }
      followed = next
    },
  }
}

function look(part: Omit<Part, 'scale'>, scale: number, effort: Look['effort']): Look {
  return { ...part, scale, effort, format: null }
}

/** The smallest whole number by which a part is divided to have no more pixels than that. */
function scaleFor({ width, height }: Omit<Part, 'scale'>, pixels: number): number {
  return Math.max(1, Math.ceil(Math.sqrt((width * height) / pixels)))
}

/** Overlapping tiles, those nearest to the middle first. */
function tilesOf(bounds: Omit<Part, 'scale'>): readonly Omit<Part, 'scale'>[] {
  const columns = starts(bounds.width, tile.width)
  const rows = starts(bounds.height, tile.height)
  const width = Math.min(tile.width, bounds.width)
  const height = Math.min(tile.height, bounds.height)
  const offCentre = ({ x, y }: { readonly x: number; readonly y: number }): number =>
    Math.hypot((x + width / 2) / bounds.width - 0.5, (y + height / 2) / bounds.height - 0.5)
  return rows
    .flatMap((y) => columns.map((x) => ({ x, y })))
    .toSorted((a, b) => offCentre(a) - offCentre(b))
    .map(({ x, y }) => ({ x: bounds.x + x, y: bounds.y + y, width, height }))
}

/** Where tiles of that size begin so that each overlaps the next by half or more; even, as the frame's colour is. */
function starts(whole: number, size: number): readonly number[] {
  const last = whole - size
  if (last <= 0) return [0]
  const count = Math.ceil(last / (size / 2))
  return Array.from({ length: count + 1 }, (_, index) => even((last * index) / count))
}

/** The place of a code with room for it to move, in a picture of no more pixels than an overview's. */
function around(corners: readonly Corner[], bounds: Omit<Part, 'scale'>): Part {
  const xs = corners.map(({ x }) => x)
  const ys = corners.map(({ y }) => y)
  const size = Math.max(Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys))
  const room = Math.max(leastRoom, size * roomAround)
  const left = clamp(Math.min(...xs) - room, bounds.x, bounds.x + bounds.width - 2)
  const top = clamp(Math.min(...ys) - room, bounds.y, bounds.y + bounds.height - 2)
  const right = clamp(Math.max(...xs) + room, left + 2, bounds.x + bounds.width)
  const bottom = clamp(Math.max(...ys) + room, top + 2, bounds.y + bounds.height)
  const part = { x: even(left), y: even(top), width: even(right - even(left)), height: even(bottom - even(top)) }
  return { ...part, scale: scaleFor(part, overviewPixels) }
}

/** The even number below: the frame's colour is stored for two by two pixels. */
function even(value: number): number {
  return Math.floor(value / 2) * 2
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value))
}
