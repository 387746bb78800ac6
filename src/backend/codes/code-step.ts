import { readScan } from '#domain/scan.ts'
import type { Media } from '../media/media.ts'
import type { SlowStep } from '../pipeline/pipeline.ts'
import { imageReads } from '../pipeline/steps.ts'
import type { PhotoCodes } from './codes.ts'

/** The slow step of a photo without a GTIN: its codes are read, and the first that says a GTIN gives it. */
export function codeStep(parts: {
  readonly codes: PhotoCodes
  readonly media: Media
  readonly now: () => Date
}): SlowStep {
  const { codes, media, now } = parts
  return {
    queue: 'photo',
    concurrency: 1,
    isFor: ({ gtin, image_key, image_read }) => gtin === '' && image_key !== null && image_read === imageReads.waiting,
    async run(capture, signal) {
      const found = await media.withFile(capture.image_key ?? '', (path) => codes.read(path, signal))
      if (found === null) return () => Promise.resolve({ image_read: imageReads.unreadable })
      const scans = found.map(({ text, symbologyIdentifier }) =>
        readScan({ data: text, aim: symbologyIdentifier }, { now: now() }),
      )
      const scan = scans.find(({ gtin }) => gtin !== null)
      const elements = scan?.elements.map(({ ai, value }): [string, string] => [ai, value]) ?? []
      return () =>
        Promise.resolve({
          image_read: imageReads.read,
          gtin: scan?.gtin ?? '',
          // The raw value stays what the client sent; a plain retail number is a GTIN, but it is no GS1 data.
          ...(elements.length > 1 ? { gs1_dl_data: JSON.stringify(Object.fromEntries(elements)) } : {}),
        })
    },
  }
}
