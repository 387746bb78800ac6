import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { gateSettingsSchema, type GateVerdict } from '#contract/station/gate.ts'
import { scanSchema } from '#contract/station/capture.ts'
import { passUseSchema } from '#contract/gate/pass.ts'
import { seededRandom } from '#domain/seeded-random.ts'
import { createGate, type Gate } from '#station/gate/gate.ts'
import { createGateClient } from '#station/remote/gate-client.ts'
import { openStore, type Store } from '#station/store/store.ts'
import { systemClock, timeOrderedIds } from '#station/index.ts'
import { databaseOf, startSite, temporaryFolder } from './fixture.ts'

const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
const gateCount = 8
const passCount = 30
const reads = 400

/** A gate of the venue with a store of its own, whose road to the site can be cut before or behind the site. */
async function openVenueGate(index: number, site: { url: string; apiKey: string }, random: () => number) {
  const opened = openStore({ dataDir: await temporaryFolder(), clock: systemClock, ids: timeOrderedIds, log })
  if (!opened.ok) throw new Error(opened.error.message)
  const store: Store = opened.value
  const road = { isCut: false, losesAnswers: false }
  const client = createGateClient({
    async fetch(url, init) {
      if (road.isCut)
        throw new TypeError('fetch failed', { cause: Object.assign(new Error('cut'), { code: 'ENETUNREACH' }) })
      const response = await fetch(url, init)
      // The site has done what it was asked, and nobody hears of it.
      if (road.losesAnswers && url.endsWith('/verdicts') && random() < 0.3) throw new TypeError('the answer was lost')
      return response
    },
    url: site.url,
    credential: () => Promise.resolve(site.apiKey),
    now: () => new Date(),
  })
  let secret: string | null = null
  const gate: Gate = await createGate(
    {
      store,
      clock: systemClock,
      ids: timeOrderedIds,
      log,
      random,
      listPath: join(await temporaryFolder(), 'passes.sqlite'),
      listSecret: {
        read: () => Promise.resolve(secret),
        write: (given) => Promise.resolve(void (secret = given)),
      },
      fetch,
      openLine: () => Promise.reject(new Error('no door')),
      remotes: () => ({ site: client, record: null, isRepeatable: true }),
      clockBounds: () => ({ leastMs: 0, mostMs: 0 }),
      onVerdict: () => undefined,
      onChange: () => undefined,
    },
    gateSettingsSchema.parse({ isOn: true, name: `gate-${index}`, waitMs: 10_000, refreshMs: 1_000 }),
  )
  await gate.refresh()
  const close = async () => {
    await gate.close()
    store.close()
  }
  return { gate, store, road, close }
}

describe('eight gates of one venue, cut off and joined again at random', () => {
  it('let nobody in twice while they are joined, and find everybody whom they let in twice while they were not', async () => {
    const seed = 20_261_121
    const random = seededRandom(seed)
    const folder = await temporaryFolder()
    const values = Array.from({ length: passCount }, (_, index) => `value-${index}`)
    await writeFile(
      join(folder, 'passes.csv'),
      ['passId,value', ...values.map((value, index) => `pass-${index},${value}`)].join('\n'),
    )
    await writeFile(join(folder, 'rules.json'), JSON.stringify({ '*': { graceMs: 0 } }))
    const site = await startSite({
      tenant: { id: 'acme', passes: join(folder, 'passes.csv'), rules: join(folder, 'rules.json') },
    })
    const gates = await Promise.all(Array.from({ length: gateCount }, (_, index) => openVenueGate(index, site, random)))
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
    const verdicts: { readonly value: string; readonly gate: number; readonly id: string }[] = []
    try {
      for (let done = 0; done < reads; done += 4) {
        if (random() < 0.1) {
          const { road } = pick(gates)
          road.isCut = random() < 0.5
          road.losesAnswers = !road.isCut && random() < 0.5
        }
        // One pass at four gates at the same moment.
        const value = pick(values)
        const at = Array.from({ length: 4 }, () => Math.floor(random() * gateCount))
        const told = await Promise.all(
          at.map((index) => gates[index]?.gate.scan(scanSchema.parse({ data: value, source: 'device' }))),
        )
        for (const [place, result] of told.entries()) {
          if (!result?.ok) throw new Error('a read was not judged')
          verdicts.push({ value, gate: at[place] ?? 0, id: result.value.id })
        }
      }
      for (const { road, gate } of gates) {
        Object.assign(road, { isCut: false, losesAnswers: false })
        gate.hurry()
      }
      await expect
        .poll(() => gates.reduce((sum, { gate }) => sum + gate.status().waiting, 0), { timeout: 40_000 })
        .toBe(0)

      const final = verdicts.map(({ value, gate, id }) => {
        const verdict = gates[gate]?.store.verdicts.get(id)
        if (!verdict) throw new Error('a verdict is gone')
        return { value, gate, verdict }
      })
      const { db } = await databaseOf(site.dataDir)
      const isIn = ({ result }: GateVerdict) => result === 'admit'
      let doubled = 0
      for (const [index, value] of values.entries()) {
        const lettings = final.filter((one) => one.value === value && isIn(one.verdict))
        const online = lettings.filter(({ verdict }) => verdict.mode === 'online')
        const found = lettings.filter(({ verdict }) => verdict.compared?.agrees === false)
        const told = `seed ${seed}, ${value}`
        // Joined, the site lets a pass in once; cut off, a gate does so at most once by what it knows itself.
        expect(online.length, told).toBeLessThanOrEqual(1)
        expect(new Set(lettings.map(({ gate }) => gate)).size, told).toBe(lettings.length)
        expect(found.length, told).toBeGreaterThanOrEqual(lettings.length - 1)
        doubled += Math.max(0, lettings.length - 1)
        const row = await db
          .selectFrom('pass_uses')
          .select('used')
          .where('pass_id', '=', `pass-${index}`)
          .executeTakeFirst()
        // The site's account in the end is what happened.
        const entries = row ? passUseSchema.parse(JSON.parse(row.used)).entries : 0
        expect(entries, told).toBe(lettings.length)
      }
      // Otherwise nothing was tried.
      expect(final.some(({ verdict }) => verdict.mode === 'offline' && isIn(verdict))).toBe(true)
      expect(doubled).toBeGreaterThan(0)
    } finally {
      for (const { close } of gates) await close()
    }
  })
})
