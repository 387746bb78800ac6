import type { Point } from './reading.ts'

/** How the pixels of a file lie, as EXIF counts it: 1 is upright, 3 upside down, 6 and 8 on a side, even ones mirrored. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8

export interface Size {
  readonly width: number
  readonly height: number
}

/** A rectangle in whole pixels, from the image's top left. */
export interface Region extends Size {
  readonly x: number
  readonly y: number
}

/** What makes the stored pixels upright: mirrored top to bottom first, then turned clockwise. */
export interface Turn {
  readonly flip: boolean
  readonly degrees: 0 | 90 | 180 | 270
}

const turns: Readonly<Record<Orientation, Turn>> = {
  1: { flip: false, degrees: 0 },
  2: { flip: true, degrees: 180 },
  3: { flip: false, degrees: 180 },
  4: { flip: true, degrees: 0 },
  5: { flip: true, degrees: 90 },
  6: { flip: false, degrees: 90 },
  7: { flip: true, degrees: 270 },
  8: { flip: false, degrees: 270 },
}

/** A number that EXIF does not know means upright, as for every viewer. */
export function orientationOf(exif: number | undefined): Orientation {
  return exif !== undefined && exif in turns ? (exif as Orientation) : 1
}

export function turnOf(orientation: Orientation): Turn {
  return turns[orientation]
}

/** The size of the upright image. */
export function uprightSize({ width, height }: Size, orientation: Orientation): Size {
  return turns[orientation].degrees % 180 === 0 ? { width, height } : { width: height, height: width }
}

/** Where a point of the stored image of size `stored` is in the upright one. */
export function toUpright({ x, y }: Point, stored: Size, orientation: Orientation): Point {
  const { flip, degrees } = turns[orientation]
  const down = flip ? stored.height - y : y
  switch (degrees) {
    case 0:
      return { x, y: down }
    case 90:
      return { x: stored.height - down, y: x }
    case 180:
      return { x: stored.width - x, y: stored.height - down }
    case 270:
      return { x: down, y: stored.width - x }
  }
}

/** Which part of the stored image of size `stored` shows `region` of the upright one. */
export function toStored({ x, y, width, height }: Region, stored: Size, orientation: Orientation): Region {
  const { flip, degrees } = turns[orientation]
  const turned = degrees % 180 === 0 ? { width, height } : { width: height, height: width }
  const place = {
    0: { x, y },
    90: { x: y, y: stored.height - x - width },
    180: { x: stored.width - x - width, y: stored.height - y - height },
    270: { x: stored.width - y - height, y: x },
  }[degrees]
  return { ...turned, x: place.x, y: flip ? stored.height - place.y - turned.height : place.y }
}
