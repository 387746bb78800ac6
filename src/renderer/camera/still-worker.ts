/**
 * Makes a JPEG of a frame, away from the window's own thread: there Chromium encodes in the pauses of the page only, of
 * which one with a live picture has few, and begins without one after a second.
 */

/** A frame to make a JPEG of; it is the worker's to close. */
export interface StillRequest {
  readonly id: number
  readonly frame: VideoFrame
}

/** The JPEG, or why there is none. */
export type StillAnswer =
  | { readonly id: number; readonly photo: Blob }
  | { readonly id: number; readonly message: string }

const jpegQuality = 0.92

async function encode(frame: VideoFrame): Promise<Blob> {
  try {
    const canvas = new OffscreenCanvas(frame.displayWidth, frame.displayHeight)
    const context = canvas.getContext('2d', { alpha: false })
    if (!context) throw new Error('no canvas to draw the photo on')
    context.drawImage(frame, 0, 0)
    return await canvas.convertToBlob({ type: 'image/jpeg', quality: jpegQuality })
  } finally {
    frame.close()
  }
}

self.onmessage = ({ data: { id, frame } }: MessageEvent<StillRequest>) => {
  const send = (answer: StillAnswer): void => self.postMessage(answer)
  encode(frame).then(
    (photo) => send({ id, photo }),
    (error: unknown) => send({ id, message: String(error) }),
  )
}
