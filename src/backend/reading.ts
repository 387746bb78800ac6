import type { FieldError } from '#contract/backend/problem.ts'
import { checkDigit, expandUpcE, isGtin, normaliseGtin } from '#domain/gtin.ts'
import { readScan } from '#domain/scan.ts'

/** What a raw value and the client's own reading of it come to. */
export interface Reading {
  /** GTIN-14, or empty. */
  readonly gtin: string
  readonly gs1Data: Readonly<Record<string, string>>
}

const retailShape = /^(?:\d{8}|\d{12,14})$/

/** A GTIN as people write it, separators allowed, as 14 digits; undefined when it is none. */
export function gtin14FromInput(text: string): string | undefined {
  return normaliseGtin(text.replaceAll(/[\s-]/g, '')) ?? undefined
}

/** Why a text is no GTIN, in the documented words where there are some. */
export function gtinFault(text: string): string {
  const digits = text.replaceAll(/[\s-]/g, '')
  if (!retailShape.test(digits)) return 'must be 8, 12, 13, or 14 digits'
  return `the check digit is wrong: ${digits} should end in ${checkDigit(digits.slice(0, -1))}`
}

/**
 * Reads a raw value and holds the client's GTIN against it (contracts 1.12).
 *
 * The client may know more than the value shows, since the symbology is not sent: eight digits can be a UPC-E, and
 * sixteen a GS1-128. Its GTIN is therefore kept where the value alone has none, and refused where it contradicts.
 */
export function checkReading(
  rawValue: string,
  clientGtin: string,
  clientData: Readonly<Record<string, string>>,
  at: Date,
): Reading | { readonly fault: FieldError } {
  const claimed = clientGtin === '' ? '' : normaliseGtin(clientGtin)
  if (claimed === null) return { fault: { field: 'gtin', message: gtinFault(clientGtin) } }
  if (rawValue === '') return { gtin: claimed, gs1Data: clientData }

  const scan = readScan({ data: rawValue }, { now: at })
  if (claimed !== '' && claimed !== scan.gtin && claimed !== upcEGtin(scan.raw)) {
    if (scan.gtin !== null || retailShape.test(scan.raw)) {
      return { fault: { field: 'gtin', message: `is not what raw_value says: ${scan.gtin ?? 'that is no GTIN'}` } }
    }
  }
  return {
    gtin: claimed === '' ? (scan.gtin ?? '') : claimed,
    gs1Data: dataOf(scan, clientData),
  }
}

/** The AIs to keep: of a link what it says itself, of anything else what the client read, if it did. */
function dataOf(scan: ReturnType<typeof readScan>, clientData: Reading['gs1Data']): Reading['gs1Data'] {
  const isLink = /^https?:\/\//i.test(scan.raw)
  if (!isLink && Object.keys(clientData).length > 0) return clientData
  // A plain retail number is a GTIN, but it is no GS1 data.
  if (retailShape.test(scan.raw)) return {}
  return Object.fromEntries(scan.elements.map(({ ai, value }) => [ai, value]))
}

function upcEGtin(raw: string): string | undefined {
  return expandUpcE(raw)?.padStart(14, '0')
}

/** Why a value without a GTIN is wrong, as a plain sentence; undefined when it is only no GTIN. */
export function readingFault(rawValue: string, gs1Data: Reading['gs1Data'], at: Date): string | undefined {
  const scan = readScan({ data: rawValue }, { now: at })
  if (scan.error !== null) return `The code cannot be read: ${scan.error.message}.`
  // With AIs it is a GS1 message that happens to be all digits.
  if (!retailShape.test(scan.raw) || isGtin(scan.raw) || Object.keys(gs1Data).length > 0) return undefined
  const expected = checkDigit(scan.raw.slice(0, -1))
  return `The check digit of ${scan.raw} is wrong: the last digit should be ${expected}. Scan it again.`
}
