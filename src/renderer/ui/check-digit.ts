import { checkDigit } from '#domain/gtin.ts'

/** What a person who types a code is told about its check digit; a hint, never a gate. */
export type CheckDigitHint = { readonly kind: 'right' } | { readonly kind: 'wrong'; readonly expected: string } | null

/** Looks at GTIN-8, -12, -13 and -14 only; for everything else there is nothing to say. */
export function checkDigitHint(code: string): CheckDigitHint {
  if (!/^(\d{8}|\d{12,14})$/.test(code)) return null
  const expected = checkDigit(code.slice(0, -1))
  return code.endsWith(expected) ? { kind: 'right' } : { kind: 'wrong', expected }
}
