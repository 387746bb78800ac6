import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fail, ok, type Result } from '#contract/result.ts'
import type { DrillReport } from '#contract/station/drill.ts'
import { drillLines, drillVerdict, writeDrillSheet } from '#sheets/index.ts'
import { parseOptions, printLine, refuse, stopSignal, tell, version, type Help } from './command.ts'
import { createProcesses, startBackendWith, startStationWith } from './drill/processes.ts'
import { runDrill } from './drill/run.ts'
import { scenarios } from './drill/scenarios.ts'

export const help = {
  name: 'drill',
  usage: '[OPTIONS]',
  options: {
    rounds: { type: 'string', default: '1', value: 'N', about: 'how often each rehearsal is played; 1 unless given' },
    seed: { type: 'string', value: 'N', about: 'the same seed gives the same faults to the same order of requests' },
    only: { type: 'string', value: 'NAME', about: 'one rehearsal alone, as no-network, killed, disk' },
    folder: {
      type: 'string',
      default: tmpdir(),
      value: 'DIR',
      about: 'where it is rehearsed: on the disk whose figures count',
    },
    output: { type: 'string', value: 'FILE', about: 'the sheet as FILE.pdf or FILE.json' },
    json: { type: 'boolean', default: false, about: 'prints the sheet as one JSON line' },
    progress: { type: 'boolean', default: false, about: 'with --json, before it a line for each rehearsal as it ends' },
  },
  example: 'capstan drill --folder /var/lib/capstan --output drill.pdf',
} as const satisfies Help

/**
 * `capstan drill`: rehearses what can go wrong, on stores that it makes for that and against the reference backend, which
 * it starts itself. No data and no settings of a station are read or written, and no server of a site is asked.
 *
 * Prints a go/no-go sheet, `--json` as one line; `--output` writes it as well, as PDF or JSON. `--folder` is where it is
 * rehearsed, for the figures are those of that disk; a folder in it is made, and removed unless it ends in no go.
 *
 * Exit codes: 0 go, 1 no go, 2 it could not be rehearsed.
 */
export async function drill(args: readonly string[]): Promise<number> {
  const options = readOptions(args)
  if (!options.ok) return refuse(options.error)
  const { rounds, seed, json, progress, output, only } = options.value
  let folder: string
  try {
    mkdirSync(options.value.folder, { recursive: true })
    folder = mkdtempSync(join(options.value.folder, 'capstan-drill-'))
  } catch (error) {
    return refuse({ code: 'storage_full', message: `nothing can be rehearsed there: ${(error as Error).message}` })
  }

  const processes = createProcesses()
  const stopped = stopSignal().then(() => null)
  let report: DrillReport | null
  try {
    if (!json) tell(`Rehearsing in ${folder}, seed ${seed}. It takes about a minute a round.`)
    const wanted = only === undefined ? scenarios : scenarios.filter(({ name }) => name === only)
    const running = runDrill({
      folder,
      rounds,
      seed,
      version,
      startServer: startBackendWith(processes),
      startStation: startStationWith(processes),
      scenarios: wanted,
      onRehearsal: (rehearsal) => {
        if (json && progress) void printLine({ rehearsed: rehearsal, total: wanted.length })
        if (!json) for (const line of drillLines(rehearsal)) tell(line)
      },
    })
    report = await Promise.race([running, stopped])
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    return refuse({ code: 'internal', message: `the rehearsal broke off: ${(error as Error).message}` })
  } finally {
    processes.killAll()
  }
  if (report === null) {
    rmSync(folder, { recursive: true, force: true })
    // Its stations are in the middle of something.
    process.exit(130)
  }

  if (json) await printLine(report)
  else for (const line of drillVerdict(report)) tell(line)
  if (report.verdict === 'go') rmSync(folder, { recursive: true, force: true })
  else tell(`What was rehearsed is kept in ${folder}.`)
  if (output !== null) {
    try {
      writeFileSync(
        output,
        output.endsWith('.pdf') ? await writeDrillSheet(report) : `${JSON.stringify(report, null, 2)}\n`,
      )
    } catch (error) {
      return refuse({ code: 'storage_full', message: `the sheet was not written: ${(error as Error).message}` })
    }
  }
  return report.verdict === 'go' ? 0 : 1
}

interface Options {
  readonly folder: string
  readonly rounds: number
  readonly seed: number
  readonly json: boolean
  readonly progress: boolean
  readonly output: string | null
  readonly only: string | undefined
}

function readOptions(args: readonly string[]): Result<Options> {
  const parsed = parseOptions(args, help)
  if (!parsed.ok) return parsed
  const { folder, json, progress, output } = parsed.value
  const rounds = Number(parsed.value.rounds)
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 10_000) {
    return fail('invalid_input', '--rounds takes a whole number from 1 to 10000')
  }
  const seed = parsed.value.seed === undefined ? Date.now() % 1_000_000 : Number(parsed.value.seed)
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 31) {
    return fail('invalid_input', '--seed takes a whole number from 0 on')
  }
  if (output !== undefined && !/\.(pdf|json)$/.test(output)) {
    return fail('invalid_input', '--output takes FILE.pdf or FILE.json')
  }
  const only = parsed.value.only?.toUpperCase()
  if (only !== undefined && !scenarios.some(({ name }) => name === only)) {
    return fail('invalid_input', `--only takes one of ${scenarios.map(({ name }) => name.toLowerCase()).join(', ')}`)
  }
  return ok({ folder, rounds, seed, json, progress, output: output ?? null, only })
}
