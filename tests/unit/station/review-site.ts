import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { openDatabase } from '#backend/db/database.ts'
import type { ProposalRow } from '#backend/db/tables.ts'
import { createFaultProxy, type FaultRates } from '#backend/faults/fault-proxy.ts'
import { newId } from '#backend/ids.ts'
import { silentLog } from '#backend/log.ts'
import type { ReviewProposal } from '#contract/station/review.ts'
import { temporaryFolder, until } from './parts.ts'
import type { StationPorts } from '#station/index.ts'
import { startBackend, startStation, type AnyCall } from './start-station.ts'

const pen = '04006381333931'

/** A backend with one product, a completed capture of it, and a way to write proposals as the extraction does. */
export async function startReviewSite() {
  const dataDir = temporaryFolder()
  const backend = await startBackend({ dataDir })
  const headers = { 'x-api-key': backend.apiKey, 'content-type': 'application/json' }
  const request = async (method: string, path: string, body?: unknown) => {
    const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) }
    const response = await fetch(backend.url + path, init)
    // Tests say what they expect of a body; a wrong guess fails them.
    // oxlint-disable-next-line typescript/no-explicit-any
    return { status: response.status, body: (await response.json()) as any }
  }
  const session = (await request('POST', '/scanner/api/v1/sessions', {})).body.id as string
  const capture = await submit()
  const database = await openDatabase(join(dataDir, 'backend.sqlite'), silentLog)
  onTestFinished(() => database.close())

  async function submit(gtin = pen, status = 'COMPLETED'): Promise<string> {
    const json = { session_short_id: session, capture_type: 'BARCODE', raw_value: gtin, gtin }
    const { id } = (await request('POST', '/scanner/api/v1/captures', json)).body
    await until(async () => (await request('GET', `/scanner/api/v1/captures/${id}`)).body.status === status)
    return id as string
  }
  const product = async () => (await request('GET', `/products/api/v1/products/${pen}`)).body
  return {
    backend,
    capture,
    submit,
    request,
    product,
    history: async () => (await request('GET', `/products/api/v1/products/${pen}/history`)).body.data,
    /** The statuses of a capture's proposals by field, as the backend has them. */
    statuses: async () => {
      const { body } = await request('GET', `/scanner/api/v1/captures/${capture}/proposals`)
      return Object.fromEntries(
        (body as { field_name: string; status: string }[]).map((each) => [each.field_name, each.status]),
      )
    },
    /** A photo of the capture that was read in vain, as the extraction leaves it; answers the id of the reading. */
    async fail(change: { capture_id?: string; error?: string } = {}): Promise<string> {
      const [id, at] = [newId(), new Date().toISOString()]
      const row = { id, session_id: session, capture_id: capture, photo_id: null, is_open: 0, error: 'too blurred' }
      const image = { image_key: 'gone.jpg' }
      await database.write(async (db) => {
        await db
          .insertInto('extractions')
          .values({ ...row, ...change, created_at: at, done_at: at })
          .execute()
        await db
          .updateTable('captures')
          .set(image)
          .where('id', '=', change.capture_id ?? capture)
          .execute()
      })
      return id
    },
    /** Takes the capture out of the backend. */
    remove: () => fetch(`${backend.url}/scanner/api/v1/captures/${capture}`, { method: 'DELETE', headers }),
    /** How often photos of the capture were to be read, and whether the last time is left at that. */
    readings: async () => {
      const rows = await database.db
        .selectFrom('extractions')
        .selectAll()
        .where('capture_id', '=', capture)
        .orderBy('id')
        .execute()
      return { count: rows.length, isSettled: typeof rows.at(-1)?.settled_at === 'string' }
    },
    async propose(change: Partial<ProposalRow>): Promise<string> {
      const row: ProposalRow = {
        id: newId(),
        capture_id: capture,
        product_id: (await product()).id,
        photo_id: null,
        field_name: 'description',
        current_value: '',
        proposed_value: 'A marker that stays.',
        confidence: 0.97,
        reasoning: 'the line under the name',
        source: 'test',
        box: '[10,20,300,40]',
        status: 'PENDING',
        withdrawn_reason: '',
        created_at: new Date().toISOString(),
        reviewed_at: null,
        applied_at: null,
        change_id: null,
        ...change,
      }
      await database.write((db) => db.insertInto('proposals').values(row).execute())
      return row.id
    },
  }
}

/** A review site behind a network that may go wrong, and a station. */
export async function startDesk(rates: FaultRates = {}, ports: Partial<StationPorts> = {}) {
  const site = await startReviewSite()
  const proxy = await createFaultProxy({ target: site.backend.url, seed: 7, rates, maxDelayMs: 50 })
  onTestFinished(() => proxy.close())
  const dataDir = temporaryFolder()
  const backend = { url: proxy.url, apiKey: site.backend.apiKey }
  const started = await startStation(backend, { dataDir, quietMs: 200, ...ports })
  const { call } = started
  /** Waits until nothing is owed to the backend. */
  const told = async (): Promise<void> => {
    await until(async () => {
      await call('station.syncNow', {})
      await new Promise((resolve) => setTimeout(resolve, 20))
      const { waiting, inDoubt } = (await call('station.status', {})).queue
      return waiting + inDoubt === 0
    })
  }
  return { site, proxy, dataDir, told, ...started }
}

/** The proposal for a field, once the station has it. */
export async function fetched(call: AnyCall, captureId: string, field: string): Promise<ReviewProposal> {
  for (;;) {
    const { entries } = await call('review.queue', { reviewer: 'test' })
    if (entries.some((entry) => entry.captureId === captureId)) break
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return proposalFor(call, captureId, field)
}

/** The proposal for a field as the station shows it now. */
export async function proposalFor(call: AnyCall, captureId: string, field: string): Promise<ReviewProposal> {
  const product = await call('review.product', { captureId, reviewer: 'test' })
  const found = product.proposals.find((proposal) => proposal.field === field)
  if (!found) throw new Error(`nothing is proposed for ${field}`)
  return found
}
