import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { seededRandom } from '#domain/seeded-random.ts'
import { checkLedgerOf } from '#station/index.ts'
import { openDatabase } from '#station/store/database.ts'
import { temporaryFolder, until, valueOf } from '../unit/station/parts.ts'
import { startReviewSite } from '../unit/station/review-site.ts'
import { startStation } from '../unit/station/start-station.ts'

const reviewer = fileURLToPath(new URL('reviewer-process.ts', import.meta.url))
const fields = ['description', 'category', 'ingredients', 'certifications', 'serving_size'] as const

describe('a station that is killed between decision and apply, or while a product is changed by hand', () => {
  it('has every acknowledged decision, and the product gets each of them once', async () => {
    const site = await startReviewSite()
    const dataDir = temporaryFolder()
    const random = seededRandom(20_261_121)
    const acknowledged: { decided?: string; applied?: string; edited?: string }[] = []
    /** Runs the reviewer until it has acknowledged so much, and kills it; a moment later, so that the kill falls anywhere. */
    const run = (killAfter: number): Promise<void> =>
      new Promise((resolve, reject) => {
        const child = spawn(process.execPath, [reviewer, dataDir, site.backend.url, site.backend.apiKey], {
          stdio: ['ignore', 'pipe', 'pipe'],
        })
        let log = ''
        let heard = 0
        child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text))
        createInterface({ input: child.stdout }).on('line', (line) => {
          if (!line.endsWith('}')) return
          acknowledged.push(JSON.parse(line) as (typeof acknowledged)[number])
          heard += 1
          if (heard === killAfter) setTimeout(() => child.kill('SIGKILL'), random() * 20)
        })
        child.once('close', (code, signal) => {
          if (signal === 'SIGKILL') resolve()
          else reject(new Error(`the reviewer ended with ${code ?? signal}: ${log}`))
        })
      })

    for (let round = 0; round < 4; round += 1) {
      for (const field of fields) {
        const product = await site.product()
        const columns: Record<string, string> = { description: product.description, category: product.category }
        await site.propose({
          field_name: field,
          current_value: columns[field] ?? product[field] ?? '',
          proposed_value: `${field} of round ${round}`,
        })
      }
      await run(1 + Math.floor(random() * fields.length))
    }

    const rows = new Map<string, number>()
    const database = openDatabase(join(dataDir, 'station.sqlite'), { readOnly: true })
    for (const row of database.all(
      `SELECT proposal, count(*) AS rows FROM reviews WHERE kind = 'accept' GROUP BY proposal`,
    ))
      rows.set(String(row['proposal']), Number(row['rows']))
    database.close()
    const decided = acknowledged.flatMap((line) => line.decided ?? [])
    expect(decided.length).toBeGreaterThan(0)
    for (const id of decided) expect(rows.get(id), id).toBe(1)
    expect(valueOf(checkLedgerOf(dataDir)).problem).toBeNull()

    // The next start sends what was decided and not told, whatever the dead process had under way.
    const { call, station } = await startStation(
      { url: site.backend.url, apiKey: site.backend.apiKey },
      { dataDir, quietMs: 200 },
    )
    const told = () =>
      until(async () => {
        await call('station.syncNow', {})
        return (await call('review.queue', { reviewer: 'test' })).figures.waiting === 0
      })
    await told()
    const { proposals } = await call('review.product', { captureId: site.capture, reviewer: 'test' })
    for (const id of decided) {
      const proposal = proposals.find((each) => each.id === id)
      // Decided is decided: applied, accepted and waiting for its apply, or overtaken by the next round's value.
      expect(proposal?.state, id).toMatch(/^(?:applied|accepted|stale|rejected)$/)
    }
    if (proposals.some(({ state }) => state === 'accepted')) {
      await call('review.apply', { captureId: site.capture, reviewer: 'test' })
      await told()
    }
    const product = await site.product()
    const history = (await site.history()) as { action: string; fields: { field: string; to: string }[] }[]
    const written = history.filter(({ action }) => action === 'apply').flatMap((change) => change.fields)
    // No value was written twice, and what was written last is what the product has.
    const texts = written.map(({ to }) => to)
    expect(new Set(texts).size).toBe(texts.length)
    for (const field of fields) {
      const last = written.find((change) => change.field === field)
      if (last) expect(product[field]).toBe(last.to)
    }
    // Each change by hand that was acknowledged has arrived once, in its order, and the last of them stands.
    const edited = acknowledged.flatMap((line) => line.edited ?? [])
    expect(edited.length).toBeGreaterThan(0)
    const changed = history
      .filter(({ action }) => action === 'update')
      .flatMap((change) => change.fields.filter(({ field }) => field === 'net_content').map(({ to }) => to))
      .toReversed()
    expect(new Set(changed).size).toBe(changed.length)
    expect(changed.filter((value) => edited.includes(value))).toEqual(edited)
    expect(product.net_content).toBe(changed.at(-1))
    await station.close()
    expect(valueOf(checkLedgerOf(dataDir)).problem).toBeNull()
  })
})
