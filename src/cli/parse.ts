import { pipeline } from 'node:stream/promises'
import { readScan, type ParsedScan } from '#domain/scan.ts'
import { parseOptions, refuse, type Help } from './command.ts'

export const help = {
  name: 'parse',
  usage: '--json < scans.jsonl',
  options: {
    json: { type: 'boolean', about: 'JSON lines in and out, which is the only form there is' },
  },
  example: `echo '{"data":"]d20104006381333931172812311012345"}' | capstan parse --json`,
} as const satisfies Help

/** Longer lines are no scans; the limit keeps a file without line ends out of memory. */
const maxLineLength = 1_048_576

const invalid = (line: string, message: string): ParsedScan => ({
  raw: line,
  symbologyIdentifier: null,
  symbology: 'unknown',
  gtin: null,
  addOn: null,
  elements: [],
  elementString: null,
  digitalLink: null,
  warnings: [],
  error: { code: 'invalid_input', message },
})

const tooLong = invalid('', 'the line is too long')

function parseLine(line: string, now: Date): ParsedScan {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return invalid(line, line.trim() === '' ? 'the line is empty' : 'the line is not JSON')
  }
  if (typeof value !== 'object' || value === null || !('data' in value) || typeof value.data !== 'string') {
    return invalid(line, 'the line is not an object with a text "data"')
  }
  const aim = 'aim' in value ? value.aim : undefined
  if (aim !== undefined && aim !== null && typeof aim !== 'string') return invalid(line, '"aim" is not a text')
  return readScan({ data: value.data, aim: aim ?? undefined }, { now })
}

/** The answer's keys and their order are part of the command's contract. */
function toJson(scan: ParsedScan): string {
  const { raw, symbology, symbologyIdentifier, gtin, elements, elementString, digitalLink, warnings, error } = scan
  return JSON.stringify({
    raw,
    symbology,
    symbologyIdentifier,
    gtin,
    elements,
    elementString,
    digitalLink,
    warnings,
    error,
  })
}

/**
 * Answers each line of `input` with one line, in order; one text for every chunk that completes a line.
 *
 * Lines end with LF or CRLF and nothing else: U+2028 is an ordinary character in JSON.
 */
export async function* parseLines(input: AsyncIterable<Uint8Array>, now: () => Date): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  /** The beginning of a line whose end has not come yet. */
  let rest = ''
  /** That line was too long and is answered already; its remainder is dropped. */
  let dropping = false
  const answer = (line: string): string => {
    if (dropping) {
      dropping = false
      return ''
    }
    const text = line.endsWith('\r') ? line.slice(0, -1) : line
    return `${toJson(text.length > maxLineLength ? tooLong : parseLine(text, now()))}\n`
  }
  for await (const chunk of input) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    let text = lines.map(answer).join('')
    if (rest.length > maxLineLength) {
      if (!dropping) text += `${toJson(tooLong)}\n`
      dropping = true
      rest = ''
    }
    if (text !== '') yield text
  }
  rest += decoder.decode()
  if (rest !== '') yield answer(rest)
}

/** `capstan parse`: reads scans on standard input and explains them on standard output. Answers the exit code. */
export async function parse(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, help)
  if (!options.ok) return refuse(options.error)
  try {
    const clock = () => new Date()
    await pipeline(process.stdin, (input) => parseLines(input, clock), process.stdout, { end: false })
    return 0
  } catch (error) {
    // Whoever read our answers has had enough, as in `capstan parse | head`.
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') return 0
    throw error
  }
}
