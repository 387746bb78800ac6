import type { Corner } from './outlines.ts'

/** What the window asks of the decode worker: one frame, of which the worker becomes the owner. */
export interface FrameMessage {
  readonly frame: VideoFrame
  /** The part of the frame to read: its middle half or all of it. */
  readonly region: 'centre' | 'full'
  /** Every option of the decoder instead of the quick ones. */
  readonly thorough: boolean
}

/** A code as the decoder names it; `corners` in order round the code, in pixels of the whole frame. */
export interface ReadCode {
  readonly format: string
  readonly text: string
  readonly symbologyIdentifier: string
  readonly corners: readonly Corner[]
}

/** What the worker says: that it can decode, one answer a frame, or why it cannot go on. */
export type DecodeMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'read'; readonly codes: readonly ReadCode[]; readonly width: number; readonly height: number }
  | { readonly kind: 'failed'; readonly message: string }
