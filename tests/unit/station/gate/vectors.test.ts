import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { gateSettingsSchema } from '#contract/station/gate.ts'
import { scanSchema } from '#contract/station/capture.ts'
import { createGate } from '#station/gate/gate.ts'
import { openPassList } from '#station/gate/pass-list.ts'
import { systemClock, timeOrderedIds } from '#station/index.ts'
import { judge } from '#domain/gate/judge.ts'
import { gateVectors } from '../../../vectors/gate.ts'
import { createKeptLog, openTestStore, temporaryFolder, valueOf } from '../parts.ts'
import { createVenue } from './venue.ts'

describe('the vectors of the rules', () => {
  it('give the same verdicts at a station that is cut off, by its sealed list', async () => {
    const [folder, venue, log] = [temporaryFolder(), createVenue(), createKeptLog()]
    const listPath = join(folder, 'passes.sqlite')
    const list = openPassList({ path: listPath, key: venue.key, log })
    const changes = gateVectors.map(({ question: { pass, use } }, index) => ({
      value: `value-${index}`,
      pass: pass && { ...pass, passId: `pass-${index}` },
      use,
    }))
    valueOf(list.take(venue.page(0, changes)))
    list.close()

    const store = openTestStore({ dataDir: folder, clock: systemClock, ids: timeOrderedIds })
    let [now, clockBounds] = [new Date(), { leastMs: 0, mostMs: 0 }]
    const settings = gateSettingsSchema.parse({ isOn: true, name: 'north' })
    const gate = await createGate(
      {
        store,
        clock: { ...systemClock, now: () => now },
        ids: timeOrderedIds,
        log,
        random: () => 0,
        listPath,
        listSecret: { read: () => Promise.resolve(JSON.stringify(venue.key)), write: () => Promise.resolve() },
        fetch,
        openLine: () => Promise.reject(new Error('no such port')),
        remotes: () => ({ site: null, record: null, isRepeatable: true, relay: null }),
        clockBounds: () => clockBounds,
        onVerdict: () => undefined,
        onChange: () => undefined,
      },
      settings,
    )
    onTestFinished(() => gate.close())

    const [told, expected]: [Record<string, object>, Record<string, object>] = [{}, {}]
    for (const [index, { name, question, expected: wanted }] of gateVectors.entries()) {
      const { rules, inside, mode, dataAgeMs } = question
      // Offline there is always a list, and what it has is so old.
      if (mode === 'offline' && dataAgeMs === null) continue
      now = question.now
      clockBounds = question.clock
      store.facts.set('gate_rules', JSON.stringify({ ...rules, event: `event-${index}` }))
      store.facts.set('gate_site_inside', String(inside ?? ''))
      store.facts.set('gate_list_fetched_at', new Date(now.getTime() - (dataAgeMs ?? 0)).toISOString())
      gate.configure({ ...settings, name: rules.gate })
      const verdict = valueOf(await gate.scan(scanSchema.parse({ data: `value-${index}`, source: 'device' })))
      expect(verdict.mode).toBe('offline')
      const { result, code, path, countsEntry, usedBefore } = verdict
      told[name] = { result, code, path, countsEntry, usedBefore }
      // As the rules say it themselves; a code that the list does not have may be a pass that the site has: the policy says what to do.
      const judged = judge({ ...question, mode: 'offline', dataAgeMs: dataAgeMs ?? 0 })
      const isForStaff = wanted.code === 'unknown_pass' && rules.offline.unknownPass === 'refer'
      expect(judged.code, name).toBe(isForStaff ? 'offline_unknown' : wanted.code)
      expected[name] = {
        result: judged.result,
        code: judged.code,
        path: judged.path,
        countsEntry: judged.countsEntry,
        usedBefore: judged.usedBefore,
      }
    }
    expect(Object.keys(told).length).toBeGreaterThan(60)
    expect(told).toEqual(expected)
  })
})
