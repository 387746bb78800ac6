import { checkLedgerOf } from '#station/index.ts'
import { parseOptions, printLine, refuse, tell, type Help } from './command.ts'

export const help = {
  name: 'verify',
  usage: '--data DIR [--json]',
  options: {
    data: { type: 'string', value: 'DIR', about: 'the data folder of a station' },
    json: { type: 'boolean', default: false, about: 'the report as one JSON line on standard output' },
  },
  example: 'capstan verify --data ~/capstan',
} as const satisfies Help

/**
 * `capstan verify`: goes through a station's whole ledger and compares it with the store, which it only reads; a station
 * may run on the folder meanwhile, or it may be a copy.
 *
 * Prints what it found, `--json` as one line. Exit codes: 0 everything is as the ledger tells it, 1 something is not, and
 * the first such thing is named, 2 it could not be checked.
 */
export async function verify(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, help)
  if (!options.ok) return refuse(options.error)
  const { data, json } = options.value
  if (data === undefined) return refuse({ code: 'invalid_input', message: 'name the data folder: --data DIR' })
  const checked = checkLedgerOf(data)
  if (!checked.ok) return refuse(checked.error)
  const report = checked.value
  if (json) await printLine({ whole: report.problem === null, ...report })
  else {
    for (const { from, to } of report.gaps) tell(`The entries ${from} to ${to} are missing.`)
    if (report.problem === null) {
      tell(`Whole: ${report.entries} entries tell ${report.captures} captures, and the store agrees.`)
      tell(`The last entry is ${report.head.sequence}, its hash ${report.head.hash}.`)
    } else tell(`NOT WHOLE (${report.problem.kind}): ${report.problem.message}.`)
  }
  return report.problem === null ? 0 : 1
}
