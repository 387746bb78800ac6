import { createInterface } from 'node:readline/promises'
import type { InspectedCode } from '#contract/station/enrolment.ts'
import { openStationSite } from '#station/index.ts'
import { parseArguments, printLine, refuse, tell, version, type Help } from './command.ts'
import { namedDataKey } from './data-key.ts'

export const help = {
  name: 'enrol',
  usage: 'CODE --data DIR [--fingerprint XXXX-XXXX-XXXX-XXXX-XXXX] | --leave --data DIR',
  options: {
    data: { type: 'string', value: 'DIR', about: 'the data folder of the station; it is made where there is none' },
    fingerprint: {
      type: 'string',
      value: 'TEXT',
      about: "the site's, as its administrator has told it; without it, it is shown and asked for",
    },
    leave: { type: 'boolean', about: 'the station leaves its site; what it captured stays' },
  },
  example: 'capstan enrol "$(cat code.txt)" --data ~/capstan --fingerprint KDFT-BOPL-GHNJ-SRCE-EDLK',
} as const satisfies Help

/**
 * `capstan enrol`: enrols a station that does not run at the site that made the code; `-` reads the code from standard input.
 * A running one is enrolled in its window. Prints the site as one JSON line.
 *
 * Exit code 0; 1 when the code is refused, with the reason as one JSON line; 2 when the command is wrong or the folder in use.
 */
export async function enrol(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, help)
  if (!parsed.ok) return refuse(parsed.error)
  const { values, positionals } = parsed.value
  const { data, leave = false } = values
  const [given, surplus] = positionals
  if (data === undefined) return refuse({ code: 'invalid_input', message: 'name the data folder: --data DIR' })
  if (surplus !== undefined || (given === undefined) !== leave) {
    return refuse({ code: 'invalid_input', message: 'give one CODE, or - to read it, or --leave' })
  }
  const code = given === '-' ? await readAll() : (given ?? '')
  const key = namedDataKey()
  if (!key.ok) return refuse(key.error)
  const opened = await openStationSite(data, version, key.value)
  if (!opened.ok) return refuse(opened.error)
  const { site, close } = opened.value
  try {
    if (leave) {
      const left = await site.leave()
      return left.ok ? 0 : refuse(left.error)
    }
    const inspected = site.inspect(code)
    if (inspected.outcome === 'refused') {
      await printLine(inspected)
      return 1
    }
    const fingerprint = values.fingerprint ?? (await confirmed(inspected))
    if (fingerprint === null) {
      return refuse({
        code: 'invalid_input',
        message: 'say --fingerprint, as the administrator of the site has told it',
      })
    }
    const outcome = await site.enrol(code, fingerprint.trim().toUpperCase())
    await printLine(outcome)
    return outcome.outcome === 'enrolled' ? 0 : 1
  } finally {
    close()
  }
}

/** Asks the person at the terminal; null where there is none. */
async function confirmed({
  url,
  fingerprint,
  label,
}: Extract<InspectedCode, { outcome: 'code' }>): Promise<string | null> {
  if (!process.stdin.isTTY) return null
  tell(`Site: ${url}\nFingerprint: ${fingerprint}\nThis station becomes: ${label}`)
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const answer = await terminal.question(
    'Is this the site, with the fingerprint that its administrator has told you? [y/N] ',
  )
  terminal.close()
  return /^y(es)?$/i.test(answer.trim()) ? fingerprint : null
}

async function readAll(): Promise<string> {
  let text = ''
  for await (const piece of process.stdin) text += String(piece)
  return text.trim()
}
