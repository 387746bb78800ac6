import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { createBackend } from '#backend/index.ts'
import { createProcesses, startBackendWith, startStationWith, type StartServer } from '#cli/drill/processes.ts'
import { runDrill } from '#cli/drill/run.ts'
import { scenarios } from '#cli/drill/scenarios.ts'
import { drillReportSchema, type DrillReport, type Rehearsal } from '#contract/station/drill.ts'
import { temporaryFolder } from '../unit/station/parts.ts'
import { forge } from './forge.ts'

const rounds = Number(process.env['CAPSTAN_DRILL_ROUNDS'] ?? 2)
const seed = 20_261_121

function drill(name: string, startServer?: StartServer, patienceMs = 60_000, count = rounds) {
  const processes = createProcesses()
  onTestFinished(() => processes.killAll())
  return runDrill({
    folder: temporaryFolder(),
    rounds: count,
    seed,
    patienceMs,
    version: '0.0.0',
    startServer: startServer ?? startBackendWith(processes),
    startStation: startStationWith(processes),
    scenarios: scenarios.filter((scenario) => scenario.name === name),
  })
}

/** The reference backend behind something that spoils captures on their way. */
const spoilt =
  (spoil: Parameters<typeof forge>[1]): StartServer =>
  async (dataDir, port) => {
    const backend = await createBackend({ dataDir, port: 0 })
    const forger = await forge(backend, spoil, port)
    return {
      url: forger.url,
      apiKey: backend.apiKey,
      async stop() {
        await forger.close()
        await backend.close()
      },
    }
  }

describe('the drill', () => {
  const processes = createProcesses()
  const rehearsed = new Map(scenarios.map(({ name }) => [name, Promise.withResolvers<Rehearsal>()]))
  let whole: Promise<DrillReport>

  // One drill of all of them; each test waits for its own.
  beforeAll(() => {
    const folder = mkdtempSync(join(tmpdir(), 'capstan-drill-'))
    whole = runDrill({
      folder,
      rounds,
      seed,
      version: '0.0.0',
      startServer: startBackendWith(processes),
      startStation: startStationWith(processes),
      onRehearsal: (rehearsal) => rehearsed.get(rehearsal.name)?.resolve(rehearsal),
    })
    whole.catch((error: unknown) => {
      for (const { promise, reject } of rehearsed.values()) {
        promise.catch(() => {})
        reject(error)
      }
    })
    return async () => {
      processes.killAll()
      await whole.catch(() => {})
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    }
  })

  it.each(scenarios.map(({ name }) => name))('rehearses %s, round after round, and it is go', async (name) => {
    const rehearsal = await rehearsed.get(name)?.promise
    if (rehearsal?.verdict === 'not-rehearsed') {
      // Never a pass: nothing was shown.
      expect((await drill(name)).verdict).toBe('no-go')
      return
    }
    expect(rehearsal?.reasons).toEqual([])
    expect(rehearsal).toMatchObject({ verdict: 'go', rounds })
    expect(rehearsal?.counts).toMatchObject({ lost: 0, doubled: 0, pending: 0, refused: 0, undecided: 0 })
  })

  it('is go as a whole, and its sheet names each of them', async () => {
    const report = drillReportSchema.parse(await whole)
    expect(report.verdict).toBe('go')
    expect(report.rehearsals.map(({ name }) => name)).toEqual(scenarios.map(({ name }) => name))
  })

  it.each([
    ['loses some of the captures that it says it has', 'lose', 'lost'],
    ['keeps some captures twice', 'double', 'doubled'],
  ] as const)('is no go with a server that %s', async (_, spoil, figure) => {
    const report = await drill('SLOW', spoilt(spoil), 60_000, 1)
    expect(report.verdict).toBe('no-go')
    expect(report.totals[figure]).toBeGreaterThan(0)
    expect(report.rehearsals[0]?.reasons.join()).toMatch(spoil === 'lose' ? /were lost/ : /are there twice/)
  })

  it('is no go with a server that never takes some captures, once patience has ended', async () => {
    const report = await drill('CLOCK', spoilt('fail'), 5_000, 1)
    expect(report.verdict).toBe('no-go')
    expect(report.totals.pending).toBeGreaterThan(0)
    expect(report.rehearsals[0]).toMatchObject({ recoveryMs: null })
  })

  it('is no go when nothing went wrong: a fault that does not happen shows nothing', async () => {
    const processes = createProcesses()
    onTestFinished(() => processes.killAll())
    const report = await runDrill({
      folder: temporaryFolder(),
      rounds: 1,
      seed,
      version: '0.0.0',
      startServer: startBackendWith(processes),
      startStation: startStationWith(processes),
      scenarios: [
        {
          name: 'CALM',
          title: 'Calm',
          shows: 'Nothing goes wrong.',
          station: 'here',
          fault: async ({ scan }) => {
            await scan(5)
            return 0
          },
        },
      ],
    })
    expect(report.rehearsals[0]).toMatchObject({
      verdict: 'no-go',
      reasons: ['it did not go wrong: nothing was shown'],
      counts: { scanned: 25, accepted: 25, lost: 0 },
    })
  })
})
