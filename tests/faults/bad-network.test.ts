import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createBackend, createFaultProxy, faults } from '#backend/index.ts'
import { startSync } from '../unit/station/sync/start-sync.ts'
import { temporaryFolder, until } from '../unit/station/parts.ts'

/** What the backend has, by the id of the station's capture, and how often. */
async function copiesAt(backend: { url: string; apiKey: string }): Promise<Map<string, number>> {
  const copies = new Map<string, number>()
  for (let page = 1; ; page += 1) {
    const response = await fetch(`${backend.url}/scanner/api/v1/captures?page_size=100&page=${page}`, {
      headers: { 'x-api-key': backend.apiKey },
    })
    const { data, pagination } = (await response.json()) as {
      data: { metadata: Record<string, string> }[]
      pagination: { has_next: boolean }
    }
    for (const { metadata } of data) {
      const id = metadata['station_capture'] ?? ''
      copies.set(id, (copies.get(id) ?? 0) + 1)
    }
    if (!pagination.has_next) return copies
  }
}

const schedules = fc.record({
  seed: fc.integer({ min: 0, max: 2 ** 31 }),
  ignoresKeys: fc.boolean(),
  rates: fc
    .array(fc.integer({ min: 0, max: 6 }), { minLength: faults.length, maxLength: faults.length })
    .map((weights) => Object.fromEntries(faults.map((fault, index) => [fault, (weights[index] ?? 0) / 100]))),
})

describe('behind a network that goes wrong in every way', () => {
  it('each capture arrives once, or is marked as undecided, whether or not the backend knows keys', async () => {
    await fc.assert(
      fc.asyncProperty(schedules, async ({ seed, ignoresKeys, rates }) => {
        const backend = await createBackend({ dataDir: temporaryFolder(), port: 0 })
        const proxy = await createFaultProxy({ target: backend.url, seed, rates, ignoresKeys, maxDelayMs: 50 })
        try {
          const { store, sync, drained, clock } = startSync(proxy.url, {
            apiKey: () => backend.apiKey,
            raws: Array.from({ length: 60 }, (_, index) => `R${index % 50}`),
            // The station's clock runs many times faster than the network here.
            quietMs: 1_000_000,
          })
          clock.set(new Date().toISOString())
          const how = await drained(5_000)
          // A refused key is a pause and no end.
          if (how === 'unauthorised') {
            proxy.setRates({ ...rates, unauthorised: 0 })
            sync.hurry()
            await until(() => sync.backend.state === 'online')
            await drained(5_000)
          }
          await sync.close()
          const copies = await copiesAt(backend)
          for (const capture of store.captures.each(null)) {
            const count = copies.get(capture.id) ?? 0
            expect(count, `${capture.sync} ${JSON.stringify(capture.syncError)}`).toBeLessThanOrEqual(1)
            if (capture.sync === 'sent') expect(count).toBe(1)
            else expect(['undecided', 'parked']).toContain(capture.sync)
          }
        } finally {
          await proxy.close()
          await backend.close()
        }
      }),
      { numRuns: 4, endOnFailure: true },
    )
  }, 120_000)
})
