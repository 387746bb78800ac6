import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { verdictCodes, type VerdictCode } from '#contract/gate/verdict.ts'
import { openDatabase } from '#station/store/database.ts'
import { migrate, schemaVersion } from '#station/store/migrations.ts'
import { createVerdicts, type Verdicts } from '#station/store/verdicts.ts'
import { createClock, createIds, openTestStore, temporaryFolder } from '../parts.ts'
import { fullScans, statementsOf } from './statements.ts'

type Step =
  | { readonly do: 'judge'; readonly code: VerdictCode; readonly event: string; readonly waitMs: number }
  | { readonly do: 'undo'; readonly which: number }

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('judge' as const),
      code: fc.constantFrom(...(Object.keys(verdictCodes) as VerdictCode[])),
      event: fc.constantFrom('concert', 'fair'),
      waitMs: fc.constantFrom(0, 20_000, 90_000),
    }),
  },
  fc.record({ do: fc.constant('undo' as const), which: fc.nat(30) }),
)

function verdictOf(id: string, at: string, code: VerdictCode, event: string): Parameters<Verdicts['add']>[0] {
  const inputs = {
    at,
    rulesVersion: '1',
    event,
    gate: 'north',
    direction: 'entry' as const,
    passId: 'p1',
    passType: 'day',
    entries: 0,
    isInside: false,
    inside: null,
    clock: { leastMs: 0, mostMs: 0 },
    dataAgeMs: null,
  }
  const result = verdictCodes[code]
  const judgement = { result, code, path: [], mode: 'online' as const, countsEntry: true, usedBefore: null, inputs }
  const read = { data: 'v1', type: 'qrcode' as const, deviceName: '', passId: 'p1', passType: 'day' }
  return { id, at, ...read, judgement, tookMs: 1, report: 'waiting', change: null, override: null }
}

describe("a gate's figures", () => {
  it('equal a recount of the verdicts after whatever happens', () => {
    const clock = createClock()
    const ids = createIds()
    const store = openTestStore({ clock, ids })
    let runs = 0
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 20 }), (sequence) => {
        // One store for all runs: each has a day and events of its own.
        clock.advance(86_400_000)
        const run = (runs += 1)
        const kept: { id: string; code: VerdictCode; event: string; at: string }[] = []
        for (const step of sequence) {
          if (step.do === 'judge') {
            clock.advance(step.waitMs)
            const one = {
              id: ids.next(),
              at: clock.now().toISOString(),
              code: step.code,
              event: `${step.event} ${run}`,
            }
            store.verdicts.add(verdictOf(one.id, one.at, one.code, one.event))
            kept.push(one)
          } else {
            const one = kept[step.which % Math.max(1, kept.length)]
            if (one) store.verdicts.undo(one.id, 'left', false)
          }
        }
        const isUndone = new Map(store.verdicts.list(200, false).map(({ id, undone }) => [id, undone !== null]))
        const isIn = ({ id, code }: (typeof kept)[number]) =>
          verdictCodes[code] === 'admit' && !['exited', 'admitted_again'].includes(code) && !isUndone.get(id)
        const isOut = ({ id, code }: (typeof kept)[number]) => code === 'exited' && !isUndone.get(id)
        for (const since of [kept[0], kept.at(-1)]) {
          if (!since) continue
          const rows = kept.filter(({ at }) => at.slice(0, 16) >= since.at.slice(0, 16))
          expect(store.verdicts.figures(since.at)).toEqual({
            admitted: rows.filter(isIn).length,
            denied: rows.filter(({ code }) => verdictCodes[code] === 'deny').length,
            referred: rows.filter(({ code }) => verdictCodes[code] === 'refer').length,
            exited: rows.filter(isOut).length,
          })
          for (const [minute, { admitted, denied }] of store.verdicts.perMinute(since.at)) {
            const within = rows.filter(({ at }) => at.startsWith(minute))
            expect(admitted).toBe(within.filter(isIn).length)
            expect(denied).toBe(within.filter(({ code }) => verdictCodes[code] === 'deny').length)
          }
        }
        for (const event of [`concert ${run}`, `fair ${run}`, 'never']) {
          const own = kept.filter((one) => one.event === event)
          const inside = own.filter(isIn).length - own.filter(isOut).length
          expect(store.verdicts.inside(event)).toBe(Math.max(0, inside))
        }
      }),
      { numRuns: 25 },
    )
    store.close()
  })

  it('are counted from the verdicts that an earlier version kept', () => {
    const path = join(temporaryFolder(), 'station.sqlite')
    const database = openDatabase(path)
    migrate(database, schemaVersion - 1)
    const verdicts = createVerdicts(database, createClock(), { append: () => undefined } as never)
    const at = '2026-11-21T09:00:00.000Z'
    for (const [index, code] of (['admitted', 'admitted', 'exited', 'used', 'offline_refer'] as const).entries())
      verdicts.add(verdictOf(`id${index}`, at, code, 'concert'))
    verdicts.undo('id1', 'left', false)
    migrate(database)
    expect(verdicts.figures(at)).toEqual({ admitted: 1, denied: 1, referred: 1, exited: 1 })
    expect(verdicts.inside('concert')).toBe(0)
    expect([...verdicts.perMinute(at)]).toEqual([['2026-11-21T09:00', { admitted: 1, denied: 1 }]])
    database.close()
  })
})

it('reads no table of verdicts from end to end for a read, its report and what the screen shows', async () => {
  const dataDir = temporaryFolder()
  const store = openTestStore({ dataDir })
  const { verdicts } = store
  const at = '2026-11-21T09:00:00.000Z'
  const id = '00000000-0000-7000-8000-000000000001'
  const statements = await statementsOf(() => {
    verdicts.add(verdictOf(id, at, 'admitted', 'concert'))
    for (const passId of ['p1', null]) {
      verdicts.useOf({ passId, data: 'v1' }, 'concert', 7)
      verdicts.reportsOf({ passId, data: 'v1' })
    }
    verdicts.get(id)
    verdicts.inside('concert')
    verdicts.nextReports(50)
    verdicts.settle(id, 'sent', null, 7)
    verdicts.undo(id, 'left', true)
    verdicts.undoSettled(id)
    verdicts.list(8, true)
    verdicts.figures(at)
    verdicts.perMinute(at)
    verdicts.waiting()
    verdicts.differences()
  })
  store.close()
  expect(statements.length).toBeGreaterThan(12)
  // These indexes have only what is due, or differs, in them.
  const little = /^SCAN CONSTANT|verdicts_(?:to_report|that_differ)/
  expect(fullScans(dataDir, statements, little)).toEqual([])
})
