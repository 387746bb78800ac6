import { createRequire } from 'node:module'
import type * as Library from '@zxing/library'
import type { ReadSymbols } from '#domain/decoding/engine.ts'

let loaded: typeof Library | undefined

/** A tenth of a second to load, so it is loaded for the first image that needs it. */
function load(): typeof Library {
  return (loaded ??= createRequire(import.meta.url)('@zxing/library') as typeof Library)
}

/**
 * @zxing/library as the second reader of PDF417, whose rows it finds where zxing-cpp does not.
 *
 * Of the other formats it reads nothing that the passes before it leave (docs/adr/0009).
 */
export const readPdf417: ReadSymbols = ({ data, width, height }, { formats }) => {
  if (formats.length > 0 && !formats.includes('PDF417')) return []
  const { BinaryBitmap, DecodeHintType, HybridBinarizer, PDF417Reader, RGBLuminanceSource } = load()
  try {
    const bitmap = new BinaryBitmap(
      new HybridBinarizer(new RGBLuminanceSource(Uint8ClampedArray.from(data), width, height)),
    )
    const result = new PDF417Reader().decode(bitmap, new Map([[DecodeHintType.TRY_HARDER, true]]))
    const corners = result.getResultPoints().filter(Boolean)
    const [left, right] = extent(corners.map((point) => point.getX()))
    const [top, bottom] = extent(corners.map((point) => point.getY()))
    const text = result.getText()
    return [
      {
        format: 'PDF417',
        text,
        bytes: new TextEncoder().encode(text),
        symbologyIdentifier: ']L0',
        lines: 0,
        position: {
          topLeft: { x: left, y: top },
          topRight: { x: right, y: top },
          bottomRight: { x: right, y: bottom },
          bottomLeft: { x: left, y: bottom },
        },
      },
    ]
  } catch {
    // It says that it found nothing, and that it found nothing whole, by throwing; it has no other failures.
    return []
  }
}

function extent(values: readonly number[]): readonly [number, number] {
  return [Math.round(Math.min(...values)), Math.round(Math.max(...values))]
}
