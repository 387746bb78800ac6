import { readFileSync } from 'node:fs'
import { fail, ok, type Result } from '#contract/result.ts'
import { certificateSchema } from '#contract/station/ledger.ts'
import { checkLedgerOf, type LedgerClaim } from '#station/index.ts'
import { parseOptions, printLine, refuse, tell, type Help } from './command.ts'
import { namedDataKey } from './data-key.ts'

export const help = {
  name: 'verify',
  usage: '--data DIR [--certificate FILE] [--json]',
  options: {
    data: { type: 'string', value: 'DIR', about: 'the data folder of a station, or a copy' },
    certificate: {
      type: 'string',
      value: 'FILE',
      about: 'a certificate as JSON, or the text of the code on its sheet: was it issued from this ledger?',
    },
    json: { type: 'boolean', default: false, about: 'the report as one JSON line on standard output' },
  },
  example: 'capstan verify --data ~/capstan',
} as const satisfies Help

/**
 * `capstan verify`: goes through a station's whole ledger and compares it with the store, which it only reads; a station
 * may run on the folder meanwhile, or it may be a copy.
 * With `--certificate` (the JSON file, or the text of the sheet's code) also that the ledger is the one it was issued from.
 *
 * Prints what it found, `--json` as one line. Exit codes: 0 everything is as the ledger tells it, 1 something is not, and
 * the first such thing is named, 2 it could not be checked.
 */
export async function verify(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, help)
  if (!options.ok) return refuse(options.error)
  const { data, json } = options.value
  if (data === undefined) return refuse({ code: 'invalid_input', message: 'name the data folder: --data DIR' })
  const claim = options.value.certificate === undefined ? ok(null) : readClaim(options.value.certificate)
  if (!claim.ok) return refuse(claim.error)
  const key = namedDataKey()
  if (!key.ok) return refuse(key.error)
  const checked = checkLedgerOf(data, claim.value, key.value)
  if (!checked.ok) return refuse(checked.error)
  const report = checked.value
  if (json) await printLine({ whole: report.problem === null, ...report })
  else {
    for (const { from, to } of report.gaps) tell(`The entries ${from} to ${to} are missing.`)
    if (report.problem === null) {
      tell(`Whole: ${report.entries} entries tell ${report.captures} captures, and the store agrees.`)
      if (claim.value) tell(`The certificate was issued from this ledger${wordsOfSignature(claim.value)}.`)
      tell(`The last entry is ${report.head.sequence}, its hash ${report.head.hash}.`)
    } else tell(`NOT WHOLE (${report.problem.kind}): ${report.problem.message}.`)
  }
  return report.problem === null ? 0 : 1
}

function wordsOfSignature(claim: LedgerClaim): string {
  if (!('counts' in claim)) return ''
  const { signature } = claim
  return signature === null ? '; it is not signed' : `, and signed by the station, whose key is ${signature.publicKey}`
}

/** A certificate's file, or the text of the code on its sheet. */
function readClaim(text: string): Result<LedgerClaim> {
  const [, station, sequence, hash] = /^capstan:([^:]+):(\d+):([0-9a-f]{64})$/.exec(text) ?? []
  if (station !== undefined)
    return ok({ station: { id: station }, ledger: { sequence: Number(sequence), hash: hash ?? '' } })
  try {
    const parsed = certificateSchema.safeParse(JSON.parse(readFileSync(text, 'utf8')))
    return parsed.success ? ok(parsed.data) : fail('invalid_input', `${text} is no certificate of this kind`)
  } catch (error) {
    return fail('invalid_input', `the certificate cannot be read: ${(error as Error).message}`)
  }
}
