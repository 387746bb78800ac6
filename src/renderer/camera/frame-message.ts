import type { CodeGroup } from '#contract/symbology.ts'
import type { Corner } from './outlines.ts'

/** What the window gives the decode worker, once: the camera's frames, newest only, and how to read them. */
export interface StartMessage {
  readonly frames: ReadableStream<VideoFrame>
  /** The part of each frame that is read: its middle half or all of it. */
  readonly region: 'centre' | 'full'
  /** What they are searched for. */
  readonly formats: CodeGroup
}

/** A code as the decoder names it; `corners` in order round the code, in pixels of the whole frame. */
export interface ReadCode {
  readonly format: string
  readonly text: string
  readonly symbologyIdentifier: string
  /** Whether it takes a second look to believe it. */
  readonly isWeak: boolean
  readonly corners: readonly Corner[]
}

/**
 * One read frame: its codes, its size in pixels, its own time stamp in microseconds, and when it came from the camera, in
 * milliseconds since 1970 on the monotonic clock that window and worker share.
 */
export interface ReadFrame {
  readonly codes: readonly ReadCode[]
  readonly width: number
  readonly height: number
  readonly timestamp: number
  readonly takenAt: number
}

/** What the worker says: that it can decode, one answer a frame, that the frames have ended, or why it cannot go on. */
export type DecodeMessage =
  | { readonly kind: 'ready' }
  | ({ readonly kind: 'read' } & ReadFrame)
  | { readonly kind: 'skipped'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string }
