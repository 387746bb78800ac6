/** The GS1 modulo-10 check digit for a number that is still without one. */
export function checkDigit(digits: string): string {
  let sum = 0
  for (let index = 0; index < digits.length; index++) {
    sum += (digits.charCodeAt(digits.length - 1 - index) - 48) * (index % 2 === 0 ? 3 : 1)
  }
  return String((10 - (sum % 10)) % 10)
}

/** Whether the last digit of a number is its GS1 check digit (GTIN, SSCC, GLN, GSRN …). */
export function hasValidCheckDigit(digits: string): boolean {
  return /^\d{2,}$/.test(digits) && checkDigit(digits.slice(0, -1)) === digits.slice(-1)
}

/** Whether this is a GTIN-8, -12, -13 or -14 with the right check digit. */
export function isGtin(text: string): boolean {
  return /^(?:\d{8}|\d{12,14})$/.test(text) && hasValidCheckDigit(text)
}

/**
 * The GTIN as 14 digits, or null when it is none. Eight digits are taken as a GTIN-8, never as a UPC-E.
 */
export function normaliseGtin(text: string): string | null {
  return isGtin(text) ? text.padStart(14, '0') : null
}

/**
 * The UPC-A (12 digits) that a UPC-E (8 digits: number system, six digits, check digit) stands for, or null.
 *
 * Only the symbology tells a UPC-E from a GTIN-8: half of the UPC-E numbers pass as a GTIN-8 too.
 */
export function expandUpcE(text: string): string | null {
  if (!/^[01]\d{7}$/.test(text)) return null
  const system = text.charAt(0)
  const body = text.slice(1, 7)
  const last = body.charAt(5)
  let expanded: string
  if (last <= '2') expanded = `${body.slice(0, 2)}${last}0000${body.slice(2, 5)}`
  else if (last === '3') expanded = `${body.slice(0, 3)}00000${body.slice(3, 5)}`
  else if (last === '4') expanded = `${body.slice(0, 4)}00000${body.slice(4, 5)}`
  else expanded = `${body.slice(0, 5)}0000${last}`
  const upca = system + expanded + text.charAt(7)
  return hasValidCheckDigit(upca) ? upca : null
}
