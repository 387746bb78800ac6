/** What was read on a photo, as it crosses from the process that reads to the one that understands. */
export interface Page {
  /** Of the upright photo, in pixels. */
  readonly width: number
  readonly height: number
  /** The language of most of its words, as ISO 639-2 has it. */
  readonly language: string
  /** In no particular order. */
  readonly lines: readonly PageLine[]
  /** Phrases that were looked for, and are borne out by print whose letters alone do not say them. */
  readonly heard: readonly HeardPhrase[]
}

export interface HeardPhrase {
  /** As it was looked for: lower case, without spaces. */
  readonly phrase: string
  /** Of the line that says it, or around the seal. */
  readonly corners: Corners
}

export type Corners = readonly [Point, Point, Point, Point]
type Point = readonly [x: number, y: number]

export interface PageLine {
  readonly words: readonly PageWord[]
  readonly confidence: number
  /** In radians clockwise: 0 reads to the right, a half turn is upside down. */
  readonly angle: number
  /** In reading order: top left, top right, bottom right, bottom left of the text. */
  readonly corners: Corners
}

export interface PageWord {
  readonly text: string
  readonly confidence: number
  readonly corners: Corners
}
