import { cpus } from 'node:os'
import { join } from 'node:path'
import type { DrillCounts, DrillReport, Rehearsal, SavingTimes } from '#contract/station/drill.ts'
import { seededRandom } from '#domain/seeded-random.ts'
import { addCounts, judge, nothingCounted, takeAccount } from './account.ts'
import type { StartServer, StartStation } from './processes.ts'
import { scenarios, type Scenario } from './scenarios.ts'
import {
  openHereStage,
  openProcessStage,
  startServer,
  type HereStage,
  type ProcessStage,
  type RestartableServer,
  type StageOptions,
  type Staging,
} from './stage.ts'

/** Scans before it goes wrong, and after. */
const around = 10
/** How long anything may take to be answered, or to be made good. */
const defaultPatienceMs = 60_000

export interface DrillOptions {
  /** An empty folder: everything is rehearsed in it, and nothing else is touched. */
  readonly folder: string
  readonly rounds: number
  readonly seed: number
  /** The program's, for the sheet. */
  readonly version: string
  readonly startServer: StartServer
  readonly startStation: StartStation
  readonly patienceMs?: number
  /** All of them unless given. */
  readonly scenarios?: readonly Scenario[]
  /** Is told of each scenario once it has been rehearsed in all rounds. */
  readonly onRehearsal?: (rehearsal: Rehearsal) => void
}

/**
 * Rehearses every scenario so many times, each on an empty store, and compares what was scanned with what came of it.
 *
 * Rejects when the rehearsal itself cannot be done: the folder cannot be written, or the server does not start.
 */
export async function runDrill(options: DrillOptions): Promise<DrillReport> {
  const startedAt = new Date()
  const startedMs = performance.now()
  const server = await startServer(options.startServer, join(options.folder, 'server'))
  const rehearsals: Rehearsal[] = []
  try {
    for (const scenario of options.scenarios ?? scenarios) {
      const rehearsal = await rehearse(scenario, server, options)
      rehearsals.push(rehearsal)
      options.onRehearsal?.(rehearsal)
    }
  } finally {
    await server.stop()
  }
  const rehearsed = rehearsals.filter(({ verdict }) => verdict !== 'not-rehearsed')
  return {
    format: 'capstan-drill-1',
    // Nothing rehearsed is nothing shown.
    verdict: rehearsed.length > 0 && rehearsed.every(({ verdict }) => verdict === 'go') ? 'go' : 'no-go',
    startedAt: startedAt.toISOString(),
    tookMs: Math.round(performance.now() - startedMs),
    version: options.version,
    machine: `${process.platform} ${process.arch}, ${cpus().length} processors, Node ${process.versions.node}`,
    seed: options.seed,
    rounds: options.rounds,
    rehearsals,
    totals: rehearsals.map(({ counts }) => counts).reduce(addCounts, nothingCounted),
  }
}

async function rehearse(scenario: Scenario, server: RestartableServer, options: DrillOptions): Promise<Rehearsal> {
  const { name, title, shows } = scenario
  const whyNot = scenario.whyNot?.() ?? null
  let counts: DrillCounts = nothingCounted
  let faults = 0
  let ledgerEntries = 0
  let recoveryMs: number | null = null
  const times: number[] = []
  const reasons: string[] = whyNot === null ? [] : [whyNot]
  for (let round = 1; whyNot === null && round <= options.rounds; round += 1) {
    const played = await play(scenario, server, round, options)
    counts = addCounts(counts, played.counts)
    faults += played.faults
    ledgerEntries += played.ledgerEntries
    if (played.recoveryMs !== null) recoveryMs = Math.max(recoveryMs ?? 0, played.recoveryMs)
    times.push(...played.times)
    reasons.push(...played.reasons.map((reason) => (options.rounds > 1 ? `round ${round}: ${reason}` : reason)))
  }
  return {
    name,
    title,
    shows,
    verdict: whyNot !== null ? 'not-rehearsed' : reasons.length === 0 ? 'go' : 'no-go',
    reasons,
    rounds: whyNot === null ? options.rounds : 0,
    faults,
    counts,
    recoveryMs,
    saving: savingTimes(times),
    ledgerEntries,
  }
}

async function play(scenario: Scenario, server: RestartableServer, round: number, options: DrillOptions) {
  const seed = options.seed + round - 1
  const stageOptions: StageOptions = {
    dataDir: join(options.folder, `${scenario.name.toLowerCase()}-${round}`),
    name: `${scenario.name}-${round}`,
    seed,
    random: seededRandom(seed),
    server,
    startStation: options.startStation,
    isDirect: scenario.isDirect ?? false,
    patienceMs: options.patienceMs ?? defaultPatienceMs,
  }
  const before = new Set((await server.captures()).map(({ id }) => id))
  if (scenario.station === 'here') return perform(await openHereStage(stageOptions), scenario, server, before)
  return perform(await openProcessStage(stageOptions), scenario, server, before)
}

async function perform<S extends HereStage | ProcessStage>(
  staging: Staging<S>,
  scenario: Pick<Scenario, 'allows'> & { readonly fault: (stage: S) => Promise<number> },
  server: RestartableServer,
  before: ReadonlySet<string>,
) {
  const { stage, readings } = staging
  await stage.scan(around)
  staging.measure(true)
  const faults = await scenario.fault(stage)
  staging.measure(false)
  const endedMs = performance.now()
  await stage.scan(around)
  const recoveryMs = (await staging.recovered()) ? performance.now() - endedMs : null
  const ledger = await staging.end()
  const served = (await server.captures()).filter(({ id }) => !before.has(id))
  const account = takeAccount(readings, staging.stored(), served)

  const reasons = [...judge(account.counts), ...account.faults, ...staging.faults]
  if (faults === 0) reasons.push('it did not go wrong: nothing was shown')
  if (ledger.problem !== null) reasons.push(`the ledger is not whole: ${ledger.problem}`)
  const refused = stage.heard('refused')
  const silent = stage.heard('silence')
  if (refused > 0 && scenario.allows !== 'refused')
    reasons.push(`${refused} scans were not saved, and nothing kept them`)
  if (silent > 0 && scenario.allows !== 'silence') reasons.push(`${silent} scans had no answer`)
  const { counts } = account
  return { counts, faults, reasons, recoveryMs, times: staging.times, ledgerEntries: ledger.entries }
}

function savingTimes(times: readonly number[]): SavingTimes | null {
  if (times.length === 0) return null
  const sorted = times.toSorted((one, other) => one - other)
  const at = (share: number): number => Math.round((sorted[Math.ceil(share * sorted.length) - 1] ?? 0) * 100) / 100
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), most: at(1) }
}
