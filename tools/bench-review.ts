import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { ReviewAnswer, ReviewProduct } from '#contract/station/review.ts'
import type { Result } from '#contract/result.ts'
import { createReviewing } from '#station/reviewing.ts'
import { openStore } from '#station/store/store.ts'
import { systemClock, timeOrderedIds } from '#station/index.ts'

/**
 * `npm run bench -- review`: forty products reviewed with 5,000 proposals queued. The time is that of the station, from a
 * decision until the next field is answered, durable commit included, beside a bare durable insert; drawing comes on top.
 */
const queued = 5_000
const reviewed = 40
const fields = ['name', 'brand_name', 'net_content', 'description', 'category', 'certifications', 'serving_size', 'x']
const log = { debug() {}, info() {}, warn() {}, error: console.error, child: () => log }

const percentile = (values: readonly number[], part: number): number =>
  values.toSorted((one, other) => one - other)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? 0

function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`)
  return result.value
}

/** The floor: as many rows of the size of a decision, each durable by itself. */
function bareInserts(folder: string, count: number): number[] {
  const database = new DatabaseSync(join(folder, 'floor.sqlite'))
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE rows (text TEXT) STRICT')
  const insert = database.prepare('INSERT INTO rows (text) VALUES (?)')
  const took = Array.from({ length: count }, () => {
    const startedMs = performance.now()
    insert.run('x'.repeat(400))
    return performance.now() - startedMs
  })
  database.close()
  return took
}

/** Prints the figures; the run fails unless one key does for each clear field and the time is within its bound. */
export async function benchReview(say: (line: string) => void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-bench-review-'))
  const store = valueOf(openStore({ dataDir: folder, clock: systemClock, ids: timeOrderedIds, log }))
  try {
    const found = Array.from({ length: queued }, (_, index) => {
      const product = Math.floor(index / fields.length)
      return {
        id: `proposal-${index}`,
        captureId: `capture-${product}`,
        gtin: String(product).padStart(14, '0'),
        productName: `Product ${product}`,
        field: fields[index % fields.length] ?? '',
        current: '',
        proposed: `A value for field ${index}`,
        confidence: 0.97,
        reasoning: 'Read from the label.',
        source: 'bench',
        photoId: null,
        imageOf: null,
        box: null,
        status: 'PENDING' as const,
        isApplied: false,
        withdrawn: '',
      }
    })
    const pages = Array.from({ length: queued / 100 }, (_, page) => {
      const startedMs = performance.now()
      store.reviews.keep(found.slice(page * 100, page * 100 + 100))
      return performance.now() - startedMs
    })
    const { handlers } = createReviewing({
      store,
      clock: systemClock,
      fetch: () => null,
      remote: () => null,
      stationName: () => '',
      probeShare: () => 0,
      random: Math.random,
      wakeSync: () => undefined,
      publish: () => undefined,
    })
    const took: number[] = []
    let keys = 0
    let clear = 0
    for (let product = 0; product < reviewed; product += 1) {
      const captureId = `capture-${product}`
      let shown: ReviewProduct = valueOf(await handlers['review.product']({ captureId, reviewer: 'bench' }))
      clear += shown.proposals.filter(({ isClear }) => isClear).length
      for (;;) {
        const next = shown.proposals.find(({ state }) => state === 'open')
        if (!next) break
        const { id, version } = next
        const startedMs = performance.now()
        const answer: ReviewAnswer = valueOf(
          await handlers['review.decide']({ id, version, decision: 'accept', tookMs: 1_000 }),
        )
        took.push(performance.now() - startedMs)
        keys += 1
        shown = answer.product
      }
      valueOf(await handlers['review.apply']({ captureId, reviewer: 'bench' }))
    }
    const floor = bareInserts(folder, took.length)
    const [p50, p95] = [percentile(took, 0.5), percentile(took, 0.95)]
    const ratio = p95 / percentile(floor, 0.95)
    say(`review     ${queued} proposals taken over, a page of 100 in ${percentile(pages, 0.95).toFixed(1)} ms (p95)`)
    say(`review     ${keys} keys for ${clear} clear fields of ${reviewed} products: ${(keys / clear).toFixed(2)} each`)
    say(
      `review     key to next field at the station: p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms, ` +
        `${ratio.toFixed(1)} times a bare durable insert`,
    )
    if (keys !== clear || p95 > 100) process.exitCode = 1
  } finally {
    store.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
