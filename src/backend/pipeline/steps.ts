import type { CaptureRow } from '../db/tables.ts'
import { readingFault } from '../reading.ts'

/** The states in which a capture waits for a step. */
export type OpenStatus = 'PENDING' | 'LOOKING_UP' | 'ENRICHING' | 'RESOLVING'

/** Where a step sends a capture; the last three are ends. */
export interface Decision {
  readonly status: Exclude<OpenStatus, 'PENDING'> | 'COMPLETED' | 'NOT_FOUND' | 'FAILED'
  readonly message: string
  readonly productId: string | null
}

/** What a step may look at beside the capture. */
export interface StepContext {
  /** Ids of the products of this batch by GTIN-14. */
  readonly products: ReadonlyMap<string, string>
  readonly at: Date
}

/**
 * A step decides and changes nothing, so that it can be repeated after a crash. What it throws fails its own
 * capture only.
 */
export type Step = (capture: CaptureRow, context: StepContext) => Decision

/** Whether the codes of a capture's photo have been read. */
export const imageReads = { waiting: 0, read: 1, unreadable: 2 } as const

/** Why a photo fails that cannot be unpacked. */
const unreadablePhoto = 'The photo cannot be unpacked: it is damaged, or not what it begins as. Take it again.'

const moveOn = (status: Decision['status']): Decision => ({ status, message: '', productId: null })
const notFound = (message: string): Decision => ({ status: 'NOT_FOUND', message, productId: null })

/** The road of a capture: look its GTIN up, enrich it, match it with its product. */
export const steps: Readonly<Record<OpenStatus, Step>> = {
  PENDING: () => moveOn('LOOKING_UP'),

  LOOKING_UP(capture, { products, at }) {
    if (capture.gtin !== '') {
      return products.has(capture.gtin) ? moveOn('ENRICHING') : notFound('')
    }
    if (capture.raw_value !== '') {
      const fault = readingFault(capture.raw_value, JSON.parse(capture.gs1_dl_data) as Record<string, string>, at)
      if (fault !== undefined) return { status: 'FAILED', message: fault, productId: null }
    }
    // A photo may show what the scan did not say.
    if (capture.image_key !== null) return moveOn('ENRICHING')
    return notFound('The value holds no GTIN, so there is no product to look up.')
  },

  ENRICHING(capture) {
    if (capture.gtin !== '') return moveOn('RESOLVING')
    if (capture.image_read === imageReads.unreadable) {
      return { status: 'FAILED', message: unreadablePhoto, productId: null }
    }
    return notFound(
      capture.image_read === imageReads.read
        ? 'No code with a GTIN was found in the photo.'
        : 'The photo has no GTIN with it, and this server does not read photos.',
    )
  },

  RESOLVING(capture, { products }) {
    const productId = products.get(capture.gtin)
    if (productId === undefined) return notFound('')
    return { status: 'COMPLETED', message: '', productId }
  },
}
