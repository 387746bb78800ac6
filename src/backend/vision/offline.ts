import { ok } from '#contract/result.ts'
import { extractFields } from './fields/extract-fields.ts'
import type { BrandSource } from './fields/front.ts'
import { checkPhoto } from './photo-file.ts'
import { createReaderProcess, type ReaderProcess, type ReaderProcessOptions } from './ocr/reader-process.ts'
import type { Vision } from './vision.ts'

export interface OfflineVisionOptions extends ReaderProcessOptions {
  /** Brands that the site knows of its own. */
  readonly brands?: BrandSource
}

/** Vision that needs no network: the photo's text by models that came with the program, fields by rules. */
export function createOfflineVision(options: OfflineVisionOptions = {}): Vision & Pick<ReaderProcess, 'peakBytes'> {
  const reader = createReaderProcess(options)
  return {
    async extract({ path, type, gtin }, signal) {
      const startedMs = performance.now()
      const checked = await checkPhoto(path)
      if (!checked.ok) return checked
      const page = await reader.read(path, signal)
      if (!page.ok) return page
      const { fields, text } = extractFields(page.value, {
        type,
        ...(gtin === undefined ? {} : { gtin }),
        ...(options.brands === undefined ? {} : { brands: options.brands }),
      })
      return ok({
        fields,
        text,
        ms: Math.round(performance.now() - startedMs),
        engine: 'ppocr-v4+tesseract',
        fallback: null,
      })
    },
    peakBytes: () => reader.peakBytes(),
    close: () => reader.close(),
  }
}
