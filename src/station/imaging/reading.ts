import type { Symbology } from '#contract/symbology.ts'
import type { DecodeOptions, Pass } from '#domain/decoding/engine.ts'

/** A corner of a code, in pixels of the upright image, from its top left. */
export interface Point {
  readonly x: number
  readonly y: number
}

/** One code found in an image. */
export interface FoundCode {
  /** The decoder's name of the format: `EAN13`, `UPCA`, `QR`, `DataMatrix`, `DataBarExp`, ... */
  readonly format: string
  /** The content as the decoder gives it, control characters included; UPC-A and UPC-E have 13 digits, as `]E0` promises. */
  readonly text: string
  /** The content as bytes, before any character set: base64. */
  readonly bytes: string
  /** The AIM symbology identifier, as `]E0`; empty when the decoder knows none. */
  readonly symbologyIdentifier: string
  readonly symbology: Symbology
  readonly position: {
    readonly topLeft: Point
    readonly topRight: Point
    readonly bottomRight: Point
    readonly bottomLeft: Point
  }
  /** The pass that read it, from the whole image as it is to the last rescue. */
  readonly pass: Pass
  /** From 0 to 1: by error correction, scan lines or likelihood. */
  readonly confidence: number
  /** The two or five digits that stand beside an EAN or UPC, which are no part of its text; null where none were read. */
  readonly addOn: string | null
}

/** The codes of an image, and how long opening and reading it took. */
export interface CodesReading {
  readonly codes: readonly FoundCode[]
  readonly ms: number
}

/** An image whose codes are wanted and nothing else. */
export interface CodesInput {
  readonly path: string
  /** The formats to look for and the effort to make; all formats, as for a photo, when it is not said. */
  readonly decode?: DecodeOptions
}
