import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { normaliseGtin } from '#domain/gtin.ts'
import { judgeSameProduct, type SameProduct } from '#domain/review/same-product.ts'
import { createDecoder } from '#station/imaging/decode.ts'
import type { FoundCode } from '#station/imaging/reading.ts'

/**
 * The rest of `npm run bench -- quality`: photos of another product and photos whose code is hidden, by photos of
 * products whose codes are known. Each photo is taken for its own item, and for the item of the photo before it.
 */
const folder = fileURLToPath(new URL('../../shared/data/codes/', import.meta.url))

interface Photo {
  readonly name: string
  readonly gtin: string
}

/** The photos of products; the first GTIN that a photo shows is its own. */
export async function benchProducts(say: (line: string) => void): Promise<void> {
  const manifest = `${folder}manifest.json`
  if (!existsSync(manifest)) {
    say('quality: swapped products and hidden codes: skipped, there are no photos in ../shared/data/codes')
    return
  }
  const { default: entries } = (await import(manifest, { with: { type: 'json' } })) as {
    default: readonly { readonly file: string; readonly expected: readonly { readonly text: string | null }[] }[]
  }
  const present = new Set(readdirSync(folder))
  const photos = entries
    .filter(({ file }) => file.startsWith('off-') && present.has(file))
    .flatMap(({ file, expected }): Photo[] => {
      const gtin = expected.map(({ text }) => normaliseGtin(text ?? '')).find((one) => one !== null)
      // A shop's own number names no product.
      return gtin === undefined || /^0(?:02|04|2)/.test(gtin) ? [] : [{ name: file, gtin }]
    })
    .filter((_, index) => index % Number(process.env['BENCH_EVERY'] ?? 1) === 0)

  const decoder = createDecoder()
  const own = new Map<SameProduct['verdict'], number>()
  const swapped = new Map<SameProduct['verdict'], number>()
  const count = (into: Map<SameProduct['verdict'], number>, verdict: SameProduct['verdict']): void =>
    void into.set(verdict, (into.get(verdict) ?? 0) + 1)
  let asked = 0
  let [hidden, readThough, readable] = [0, 0, 0]
  for (const [index, photo] of photos.entries()) {
    const image = sharp(`${folder}${photo.name}`)
      .autoOrient()
      .flatten({ background: '#fff' })
      .toColourspace('srgb')
      .resize({ width: 2048, height: 2048, fit: 'inside', withoutEnlargement: true })
      .removeAlpha()
    const { data, info } = await image.raw().toBuffer({ resolveWithObject: true })
    const pixels = { data, width: info.width, height: info.height, channels: 3 as const }
    const codes = await decoder.decode(pixels)
    const judged = (itemGtin: string): SameProduct['verdict'] =>
      judgeSameProduct({
        itemGtin,
        photoGtins: codes.map(({ text }) => text),
        text: null,
        view: null,
        product: null,
      }).verdict
    count(own, judged(photo.gtin))
    const other = photos.map(({ gtin }) => gtin).at(index - 1)
    if (other !== undefined && other !== photo.gtin) {
      asked += 1
      count(swapped, judged(other))
    }
    if (codes.length === 0) continue
    readable += 1
    for (const code of codes) hide(data, info.width, info.height, code)
    const left = await decoder.decode(pixels)
    if (left.length === 0) hidden += 1
    else readThough += 1
  }
  const of = (counts: ReadonlyMap<SameProduct['verdict'], number>, verdict: SameProduct['verdict']): number =>
    counts.get(verdict) ?? 0
  say(
    `quality: swapped product: caught by its code ${of(swapped, 'other') + of(swapped, 'check')} of ${asked}, undecided for want of a code ${of(swapped, 'unknown')}; false alarms ${of(own, 'other') + of(own, 'check')} of ${photos.length}, right product told so ${of(own, 'same')}`,
  )
  say(
    `quality: no code: caught ${hidden} of ${readable} photos whose codes were painted over${readThough > 0 ? `, ${readThough} still had one` : ''}; false alarms ${photos.length - readable} of ${photos.length} (a code that was there was not read)`,
  )
}

/** Paints over a code, quiet zones and all. */
function hide(data: Buffer, width: number, height: number, { position }: FoundCode): void {
  const corners = [position.topLeft, position.topRight, position.bottomRight, position.bottomLeft]
  const xs = corners.map(({ x }) => x)
  const ys = corners.map(({ y }) => y)
  const margin = Math.max(40, (Math.max(...xs) - Math.min(...xs) + Math.max(...ys) - Math.min(...ys)) * 0.3)
  const [left, right] = [Math.max(0, Math.min(...xs) - margin), Math.min(width, Math.max(...xs) + margin)]
  const [top, bottom] = [Math.max(0, Math.min(...ys) - margin), Math.min(height, Math.max(...ys) + margin)]
  for (let y = Math.floor(top); y < bottom; y += 1)
    data.fill(128, (y * width + Math.floor(left)) * 3, (y * width + Math.floor(right)) * 3)
}
