import type { RetailRead } from './retail.ts'

/**
 * What a read has to bring before it is believed.
 *
 * Matrix codes correct their own errors and are believed at once. A linear code is one line of bars among others: text
 * and textures give such lines too, and a check digit passes one wrong read in ten. So many lines have to say the same,
 * or the mean of the bars has to say it again.
 */

/**
 * How many scan lines have to say the same for a linear read to be believed without a second look.
 *
 * Two where the format has a strong checksum (modulo 79, 103 or twice 47); three where every character of a long text
 * checks itself. Everything else needs six: of 30 reads of five lines or fewer, eight were wrong, all of them EAN and UPC-E.
 */
export function linesToBelieve({ format, text }: { readonly format: string; readonly text: string }): number {
  if (/^(?:DataBar|Code128|Code93)/.test(format)) return 2
  return /^(?:Code39|Codabar)/.test(format) && text.length >= 8 ? 3 : 6
}

/** zxing's names of what is made of parallel bars. */
const linearNames: ReadonlySet<string> = new Set([
  'AllLinear',
  'Codabar',
  'Code39',
  'Code39Std',
  'Code39Ext',
  'Code32',
  'PZN',
  'Code93',
  'Code128',
  'ITF',
  'ITF14',
  'DataBar',
  'DataBarOmni',
  'DataBarStk',
  'DataBarStkOmni',
  'DataBarLtd',
  'DataBarExp',
  'DataBarExpStk',
  'EAN13',
  'EAN8',
  'ISBN',
  'UPCA',
  'UPCE',
  'Telepen',
  'TelepenAlpha',
  'TelepenNumeric',
  'DXFilmEdge',
])

const matrixNames: ReadonlySet<string> = new Set([
  'PDF417',
  'MicroPDF417',
  'Aztec',
  'QRCode',
  'MicroQRCode',
  'RMQRCode',
  'DataMatrix',
  'MaxiCode',
])

/** Whether this is a format that can be looked for, by zxing's name of it. */
export function isFormat(name: string): boolean {
  return linearNames.has(name) || matrixNames.has(name)
}

/** The linear ones of some formats; of no formats, which stands for all, zxing's name for every linear one. */
export function linearFormats(formats: readonly string[]): readonly string[] {
  return formats.length === 0 ? ['AllLinear'] : formats.filter((format) => linearNames.has(format))
}

const layeredNames = ['PDF417', 'MicroPDF417', 'DataBarStk', 'DataBarStkOmni', 'DataBarExpStk'] as const

/** The ones whose rows of bars differ: a mean along the bars mixes them. */
export function layeredFormats(formats: readonly string[]): readonly string[] {
  if (formats.length === 0) return layeredNames
  return layeredNames.filter(
    (name) => formats.includes(name) || (formats.includes('AllLinear') && linearNames.has(name)),
  )
}

/** Formats without a check digit, or so short that chance reads them. */
export function isWeak({ format, text }: { readonly format: string; readonly text: string }): boolean {
  if (/^(?:ITF|Codabar|Code39|Telepen|DXFilmEdge)/.test(format)) return true
  return format === 'UPCE' || format === 'EAN8' || text.length < 4
}

/** Whether a text is long enough for a rescue pass to be believed: pieces of other codes and print read as short ones. */
export function isPlausible({ format, text }: { readonly format: string; readonly text: string }): boolean {
  if (format.startsWith('ITF')) return text.length >= 6
  if (format === 'Codabar') return text.length >= 6
  return text.length >= 3
}

/**
 * Whether a number is likely enough to be the one that is printed.
 *
 * Measured over 750 photos without an EAN-13 the likeliest one came to a margin of 5, and over those with one to 7.
 */
export function isConclusive(read: RetailRead): boolean {
  const { format, fit, worstFit, guards, margin, twinMargin, checked } = read
  if (guards < (format === 'EAN13' ? 0.45 : 0.75)) return false
  if (format === 'EAN13') {
    // Of numbers full of 1, 2, 7 and 8, drawn with much blur, one in ten came out wrong, up to a twin margin of 12; of 1,500
    // with a wrong check digit one did, which a single 7 taken for a 1 had made right, with 16.
    const [enough, enoughOfTwins] = checked ? [8, 13] : [13, 18]
    return fit > 0.78 && worstFit > 0.5 && margin > enough && twinMargin > enoughOfTwins
  }
  // Fewer digits are less proof: of these, wrong ones come to a margin of 9 with single digits that hardly fit.
  return fit > 0.82 && worstFit > 0.5 && margin > 10 && checked
}
