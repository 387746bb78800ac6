import type { GreyImage } from '#domain/decoding/image.ts'

/** The brightness of a part of a frame, in the one buffer that every frame goes through. */
export interface Luminance {
  /** The picture as it was last taken. It is overwritten by the next one. */
  take(frame: VideoFrame, part: Part): Promise<GreyImage>
}

/** A part of a frame in pixels, and how many of them become one: each picture element is the mean of `scale` squared. */
export interface Part {
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  readonly scale: number
}

/** Formats whose first plane is the brightness, a byte a pixel. */
const planar: readonly string[] = ['I420', 'I420A', 'I422', 'I444', 'NV12']

/** Creates the buffers; they grow to the largest picture asked for and are kept. */
export function createLuminance(): Luminance {
  let picture = new Uint8Array(0)
  let layers = new Uint8Array(0)

  return {
    async take(frame, part) {
      const { scale } = part
      const width = Math.floor(part.width / scale)
      const height = Math.floor(part.height / scale)
      const length = width * height
      if (picture.byteLength < length) picture = new Uint8Array(length)
      const rect = { x: part.x, y: part.y, width: part.width, height: part.height }
      const isPlanar = planar.includes(frame.format ?? '')
      // A layout is given so that the brightness comes first, without gaps between its lines.
      const options: VideoFrameCopyToOptions = isPlanar ? { rect } : { rect, format: 'RGBA' }
      const size = frame.allocationSize(options)
      if (layers.byteLength < size) layers = new Uint8Array(size)
      const [layout] = await frame.copyTo(layers, options)
      const offset = layout?.offset ?? 0
      const stride = layout?.stride ?? part.width * (isPlanar ? 1 : 4)
      // Green carries most of the brightness, and is where an RGBA pixel has its second byte.
      const step = isPlanar ? 1 : 4
      shrink(layers, isPlanar ? offset : offset + 1, stride, step, picture, width, height, scale)
      return { data: picture.subarray(0, length), width, height }
    },
  }
}

/** Copies with the mean of up to four pixels of each square: more of them would cost more than they tell. */
function shrink(
  from: Uint8Array,
  offset: number,
  stride: number,
  step: number,
  to: Uint8Array,
  width: number,
  height: number,
  scale: number,
): void {
  if (scale === 1 && step === 1) {
    for (let y = 0; y < height; y += 1) {
      const line = offset + y * stride
      to.set(from.subarray(line, line + width), y * width)
    }
    return
  }
  const far = scale === 1 ? 0 : Math.floor(scale / 2)
  const right = far * step
  const below = far * stride
  let at = 0
  for (let y = 0; y < height; y += 1) {
    let pixel = offset + y * scale * stride
    for (let x = 0; x < width; x += 1) {
      const sum =
        (from[pixel] as number) +
        (from[pixel + right] as number) +
        (from[pixel + below] as number) +
        (from[pixel + below + right] as number)
      to[at] = sum >> 2
      at += 1
      pixel += scale * step
    }
  }
}
