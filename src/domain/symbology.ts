import type { ScanType } from '#contract/gate/scan-api.ts'
import type { Symbology } from '#contract/symbology.ts'

/** An AIM symbology identifier: `]`, the code's letter, a modifier. `]` alone begins plenty of ordinary texts. */
const aimPattern = /^\][A-VXYZdez][0-9A-F]/

/** The AIM identifier at the beginning of what a scanner sent, or null. */
export function leadingAim(data: string): string | null {
  return aimPattern.exec(data)?.[0] ?? null
}

/** Modifiers that say FNC1 came first, so that the data are GS1 element strings (with or without ECI). */
const gs1Identifiers: ReadonlyMap<string, Symbology> = new Map<string, Symbology>([
  [']C1', 'gs1_128'],
  [']d2', 'gs1_datamatrix'],
  [']d5', 'gs1_datamatrix'],
  [']Q3', 'gs1_qr'],
  [']Q4', 'gs1_qr'],
  [']e0', 'databar_expanded'],
  [']J1', 'gs1_dotcode'],
  [']J4', 'gs1_dotcode'],
  [']z1', 'gs1_aztec'],
  [']z4', 'gs1_aztec'],
])

const exactIdentifiers: ReadonlyMap<string, Symbology> = new Map<string, Symbology>([
  ...gs1Identifiers,
  [']E0', 'ean13'],
  [']E3', 'ean13'],
  [']E4', 'ean8'],
])

const letters: ReadonlyMap<string, Symbology> = new Map<string, Symbology>([
  ['A', 'code39'],
  ['B', 'telepen'],
  ['C', 'code128'],
  ['F', 'codabar'],
  ['G', 'code93'],
  ['I', 'itf'],
  ['J', 'dotcode'],
  ['L', 'pdf417'],
  ['Q', 'qr'],
  ['U', 'maxicode'],
  ['d', 'datamatrix'],
  ['e', 'databar'],
  ['z', 'aztec'],
])

/** Whether the identifier promises GS1 element strings. */
export function isGs1Identifier(aim: string): boolean {
  return gs1Identifiers.has(aim)
}

/**
 * The symbology an AIM identifier stands for, `unknown` if it is none we know.
 *
 * With the data, ITF of 14 digits is told apart as ITF-14 and a DataBar that is only a GTIN from an expanded one.
 * UPC-A and UPC-E arrive as `]E0` with 13 digits: only a decoder's format name tells them from EAN-13.
 */
export function symbologyOfAim(aim: string, data = ''): Symbology {
  if (/^\]I[13]$/.test(aim) && /^\d{14}$/.test(data)) return 'itf14'
  if (aim === ']e0' && /^01\d{14}$/.test(data)) return 'databar'
  return exactIdentifiers.get(aim) ?? letters.get(aim.charAt(1)) ?? 'unknown'
}

/** Decoders' format names, lower case and without `-`, `_`, spaces and slashes. */
const formats: ReadonlyMap<string, Symbology> = new Map<string, Symbology>([
  ['codabar', 'codabar'],
  ['code39', 'code39'],
  ['code39std', 'code39'],
  ['code39standard', 'code39'],
  ['code39ext', 'code39'],
  ['code39extended', 'code39'],
  ['code32', 'code39'],
  ['pzn', 'code39'],
  ['pharmazentralnummer', 'code39'],
  ['code93', 'code93'],
  ['code128', 'code128'],
  ['gs1128', 'gs1_128'],
  ['ean128', 'gs1_128'],
  ['ucc128', 'gs1_128'],
  ['itf', 'itf'],
  ['i25', 'itf'],
  ['interleaved2of5', 'itf'],
  ['itf14', 'itf14'],
  ['databar', 'databar'],
  ['databaromni', 'databar'],
  ['databarstk', 'databar'],
  ['databarstacked', 'databar'],
  ['databarstkomni', 'databar'],
  ['databarstackedomni', 'databar'],
  ['rss14', 'databar'],
  ['databarltd', 'databar_limited'],
  ['databarlimited', 'databar_limited'],
  ['databarexp', 'databar_expanded'],
  ['databarexpanded', 'databar_expanded'],
  ['databarexpstk', 'databar_expanded'],
  ['databarexpandedstacked', 'databar_expanded'],
  ['rssexpanded', 'databar_expanded'],
  ['eanupc', 'ean13'],
  ['ean13', 'ean13'],
  ['isbn', 'ean13'],
  ['isbn13', 'ean13'],
  ['ean8', 'ean8'],
  ['upca', 'upca'],
  ['upce', 'upce'],
  ['telepen', 'telepen'],
  ['telepenalpha', 'telepen'],
  ['telepennumeric', 'telepen'],
  ['dxfilmedge', 'dx_film_edge'],
  ['pdf417', 'pdf417'],
  ['compactpdf417', 'pdf417'],
  ['micropdf417', 'micro_pdf417'],
  ['aztec', 'aztec'],
  ['azteccode', 'aztec'],
  ['aztecrune', 'aztec'],
  ['qr', 'qr'],
  ['qrcode', 'qr'],
  ['qrcodemodel1', 'qr'],
  ['qrcodemodel2', 'qr'],
  ['microqr', 'micro_qr'],
  ['microqrcode', 'micro_qr'],
  ['rmqr', 'rmqr'],
  ['rmqrcode', 'rmqr'],
  ['datamatrix', 'datamatrix'],
  ['dotcode', 'dotcode'],
  ['maxicode', 'maxicode'],
])

const gs1Variants: Readonly<Partial<Record<Symbology, Symbology>>> = {
  code128: 'gs1_128',
  qr: 'gs1_qr',
  datamatrix: 'gs1_datamatrix',
  aztec: 'gs1_aztec',
  dotcode: 'gs1_dotcode',
}

/** The GS1 variant of a symbology that has one; every other stays what it is. */
export function toGs1Variant(symbology: Symbology): Symbology {
  return gs1Variants[symbology] ?? symbology
}

/**
 * The symbology of a decoder's format name, in any usual spelling (`EAN13`, `EAN-13`, `ean_13`, `DataBarExp`, `QR Code`).
 *
 * With the AIM identifier that came along, Code 128, QR, Data Matrix, Aztec and DotCode become their GS1 variants.
 * A name that says nothing falls back on the identifier.
 */
export function symbologyOfFormat(format: string, aim?: string): Symbology {
  const found = formats.get(format.toLowerCase().replace(/[-_\s/]/g, ''))
  if (found === undefined) return aim === undefined ? 'unknown' : symbologyOfAim(aim)
  return aim !== undefined && isGs1Identifier(aim) ? toGs1Variant(found) : found
}

const scanTypes: Readonly<Partial<Record<Symbology, ScanType>>> = {
  qr: 'qrcode',
  gs1_qr: 'qrcode',
  micro_qr: 'qrcode',
  rmqr: 'qrcode',
  datamatrix: 'datamatrix',
  gs1_datamatrix: 'datamatrix',
  pdf417: 'pdf417',
  micro_pdf417: 'pdf417',
  aztec: 'aztec',
  gs1_aztec: 'aztec',
  code128: 'code128',
  gs1_128: 'code128',
  code39: 'code39',
  codabar: 'codabar',
  ean8: 'ean8',
  ean13: 'ean13',
  upca: 'upca',
  itf14: 'itf14',
  nfc: 'nfc',
  manual: 'manual',
}

/** The word of The Wallet Crew's Scan API for a symbology; `text` for everything it has no word for. */
export function toScanType(symbology: Symbology): ScanType {
  return scanTypes[symbology] ?? 'text'
}
