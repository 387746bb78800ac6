/** What a content check found: GS1's name of the error, and which part of the data is at fault. */
export interface LintFault {
  readonly error: string
  readonly at: number
  readonly length: number
}

/** A fault of `length` characters at `at`. */
export function fault(error: string, at: number, length: number): LintFault {
  return { error, at, length }
}

/** A fault of the data as a whole. */
export function whole(error: string, data: string): LintFault {
  return { error, at: 0, length: data.length }
}

/** The first character that is not in `allowed`. */
export function firstOutside(data: string, allowed: string, error: string): LintFault | null {
  for (let index = 0; index < data.length; index++) {
    if (!allowed.includes(data.charAt(index))) return fault(error, index, 1)
  }
  return null
}

/** The first character that is not a digit. */
export function nonDigit(data: string): LintFault | null {
  for (let index = 0; index < data.length; index++) {
    const code = data.charCodeAt(index)
    if (code < 48 || code > 57) return fault('NON_DIGIT_CHARACTER', index, 1)
  }
  return null
}

/** The data with the faulty part between two marks: `*` as GS1 writes a check's result, `|` within a message. */
export function markFault(data: string, found: LintFault, mark: '*' | '|' = '*'): string {
  const end = found.at + found.length
  return data.slice(0, found.at) + mark + data.slice(found.at, end) + mark + data.slice(end)
}
