import { ok } from '#contract/result.ts'
import { extractFields } from './fields/extract-fields.ts'
import { checkPhoto } from './photo-file.ts'
import { createReaderProcess, type ReaderProcess, type ReaderProcessOptions } from './ocr/reader-process.ts'
import type { Vision } from './vision.ts'

/** What the offline extractor is beside `Vision`: the process that may touch photos. */
export type OfflineVision = Vision & Pick<ReaderProcess, 'shrink' | 'peakBytes'>

/** Vision that needs no network: the photo's text by models that came with the program, fields by rules. */
export function createOfflineVision(options: ReaderProcessOptions = {}): OfflineVision {
  const reader = createReaderProcess(options)
  return {
    async extract({ path, type, brands }, signal) {
      const startedMs = performance.now()
      const checked = await checkPhoto(path)
      if (!checked.ok) return checked
      const page = await reader.read(path, signal)
      if (!page.ok) return page
      const { fields, text } = extractFields(page.value, { type, ...(brands === undefined ? {} : { brands }) })
      return ok({
        fields,
        text,
        ms: Math.round(performance.now() - startedMs),
        engine: 'ppocr-v4+tesseract',
        fallback: null,
      })
    },
    shrink: (path, limits, signal) => reader.shrink(path, limits, signal),
    peakBytes: () => reader.peakBytes(),
    close: () => reader.close(),
  }
}
