/**
 * The letters that Latin keyboards have in one place, as in the control codes: whatever layout a keyboard scanner is set
 * to, it types them. The first 16 of them stand for half a byte each.
 */
export const enrolmentLetters = 'BCDEFGHJKLNOPRST'
/** What every enrolment code begins with. */
export const enrolmentPrefix = 'XENROL'
/** A code has a signature and a key in it at least: what is shorter is something else. */
const leastLetters = 2 * (64 + 32)

/** The letters of an enrolment code behind its prefix; null for a text that is none. How it is set in lines does not matter. */
export function enrolmentBody(text: string): string | null {
  const plain = text
    .replace(/^\][A-Za-z]\d/, '')
    .replaceAll(/\s/g, '')
    .toUpperCase()
  const body = plain.slice(enrolmentPrefix.length)
  return plain.startsWith(enrolmentPrefix) && body.length >= leastLetters ? body : null
}
