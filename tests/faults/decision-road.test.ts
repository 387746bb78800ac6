import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openDatabase } from '#backend/db/database.ts'
import { newId } from '#backend/ids.ts'
import { silentLog } from '#backend/log.ts'
import type { ProcedureInput, ProcedureName, ProcedureOutput } from '#contract/station/procedures.ts'
import type { Result } from '#contract/result.ts'
import { seededRandom } from '#domain/seeded-random.ts'
import { checkLedgerOf } from '#station/index.ts'
import { until, valueOf } from '../unit/station/parts.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const deskProcess = fileURLToPath(new URL('desk-process.ts', import.meta.url))
const pen = '04006381333931'
const apiKey = 'a-key-of-the-desk'

/** Both ends of the road, each a process that is killed with SIGKILL; what they have on the disk stays. */
describe('a decision on its road, the station and the backend each a process that may be killed', () => {
  let folder: string
  let backend: { readonly child: ChildProcess; readonly url: string } | undefined
  let desk: ChildProcess | undefined
  let answers: AsyncIterator<string>

  const kill = async (child: ChildProcess | undefined): Promise<void> => {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  /** Starts the backend where it was before. */
  const startBackend = async () => {
    await kill(backend?.child)
    const port = backend === undefined ? '0' : new URL(backend.url).port
    const args = ['src/cli/capstan.ts', 'backend', '--data', join(folder, 'backend'), '--port', port]
    const env = { ...process.env, CAPSTAN_API_KEY: apiKey }
    const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'ignore'] })
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
    backend = { child, url: (JSON.parse(line) as { listening: string }).listening }
  }
  /** Kills the station, if one runs, and starts it over the same folder. */
  const startDesk = async () => {
    await kill(desk)
    const child = spawn(process.execPath, [deskProcess, join(folder, 'station'), backend?.url ?? '', apiKey], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    // What is written to one that is killed ends in nothing.
    child.stdin.on('error', () => undefined)
    desk = child
    answers = createInterface(child.stdout)[Symbol.asyncIterator]()
  }
  const ask = async <N extends ProcedureName>(name: N, input: ProcedureInput<N>) => {
    desk?.stdin?.write(`${JSON.stringify({ name, input })}\n`)
    const { value, done } = await answers.next()
    if (done === true) throw new Error('the station has ended')
    return JSON.parse(value) as Result<ProcedureOutput<N>>
  }
  const call = async <N extends ProcedureName>(name: N, input: ProcedureInput<N>) => valueOf(await ask(name, input))

  const request = async (method: string, path: string, body?: object) => {
    const headers = { 'x-api-key': apiKey, 'content-type': 'application/json' }
    const response = await fetch(`${backend?.url}${path}`, {
      method,
      headers,
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    // A wrong guess of a body fails the test that says what it expects.
    // oxlint-disable-next-line typescript/no-explicit-any
    return (text === '' ? null : JSON.parse(text)) as any
  }
  const product = () => request('GET', `/products/api/v1/products/${pen}`)
  /** The changes that applies of a capture have made. */
  const applies = async (captureId: string): Promise<readonly unknown[]> =>
    (await request('GET', `/products/api/v1/products/${pen}/history`)).data.filter(
      (change: { action: string; capture_short_id: string }) =>
        change.action === 'apply' && change.capture_short_id === captureId,
    )
  const statusThere = async (captureId: string): Promise<string> =>
    (await request('GET', `/scanner/api/v1/captures/${captureId}/proposals`))[0].status

  let session: string
  /** A capture of the product with one proposal, as the reading of a photo leaves it; answered when the station has it. */
  const propose = async (field_name: string, proposed_value: string) => {
    const json = { session_short_id: session, capture_type: 'BARCODE', raw_value: pen, gtin: pen }
    const captureId = (await request('POST', '/scanner/api/v1/captures', json)).id as string
    await until(async () => (await request('GET', `/scanner/api/v1/captures/${captureId}`)).status === 'COMPLETED')
    const { id: product_id, ...columns } = await product()
    const database = await openDatabase(join(folder, 'backend', 'backend.sqlite'), silentLog)
    const row = {
      id: newId(),
      capture_id: captureId,
      product_id: product_id as string,
      photo_id: null,
      field_name,
      current_value: String(columns[field_name]),
      proposed_value,
      confidence: 0.97,
      reasoning: 'the line under the name',
      source: 'test',
      box: null,
      status: 'PENDING' as const,
      withdrawn_reason: '',
      created_at: new Date().toISOString(),
      reviewed_at: null,
      applied_at: null,
      change_id: null,
    }
    await database.write((db) => db.insertInto('proposals').values(row).execute())
    await database.close()
    await until(async () => (await queue()).entries.some((entry) => entry.captureId === captureId))
    return captureId
  }
  const queue = () => call('review.queue', { reviewer: 'test' })
  const shown = async (captureId: string) => {
    const { proposals, application } = await call('review.product', { captureId, reviewer: 'test' })
    return { ...proposals[0], application }
  }
  const accept = async (captureId: string, value?: string) => {
    const { id = '', version = 0 } = await shown(captureId)
    const decision = value === undefined ? ('accept' as const) : ('edit' as const)
    await call('review.decide', { id, version, decision, ...(value !== undefined && { value }) })
  }
  const apply = (captureId: string) => call('review.apply', { captureId, reviewer: 'test' })
  /** Waits until nothing is owed to the backend. */
  const told = () =>
    until(async () => {
      await call('station.syncNow', {})
      await delay(20)
      const { waiting, inDoubt } = (await call('station.status', {})).queue
      return waiting + inDoubt === 0
    })

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'capstan-road-'))
    await startBackend()
    await request('POST', '/products/api/v1/products', { gtin: pen, product_name: 'Marker Boss', net_content: '1 pc' })
    session = (await request('POST', '/scanner/api/v1/sessions', {})).id as string
    await startDesk()
  })
  afterAll(async () => {
    await Promise.all([kill(desk), kill(backend?.child)])
    rmSync(folder, { recursive: true, force: true })
  })

  it('offline: is kept and shown as not told, over a SIGKILL of the station between decision and apply, and after it', async () => {
    const captureId = await propose('description', 'A marker that stays.')
    await kill(backend?.child)
    await accept(captureId)
    await startDesk()
    expect(await shown(captureId)).toMatchObject({ state: 'accepted', delivery: 'waiting' })
    expect((await queue()).figures.waiting).toBe(1)
    await apply(captureId)
    await startDesk()
    expect(await shown(captureId)).toMatchObject({ state: 'accepted', application: { delivery: 'waiting' } })
    expect((await queue()).figures.waiting).toBe(2)
    await startBackend()
    await told()
    expect(await shown(captureId)).toMatchObject({ state: 'applied', application: { delivery: 'sent' } })
    expect(await product()).toMatchObject({ description: 'A marker that stays.' })
    expect(await applies(captureId)).toHaveLength(1)
  })

  it('crash: is applied once, over a SIGKILL of the backend between decision and apply, and while it applies', async () => {
    const random = seededRandom(20_261_122)
    for (const when of ['between', 'while it applies', 'while it applies'] as const) {
      const value = `as of ${when}, ${random()}`
      const captureId = await propose('ingredients', value)
      await accept(captureId)
      await told()
      expect(await statusThere(captureId)).toBe('ACCEPTED')
      if (when === 'between') {
        await kill(backend?.child)
        await apply(captureId)
        expect(await shown(captureId)).toMatchObject({ state: 'accepted', application: { delivery: 'waiting' } })
      } else {
        await apply(captureId)
        await delay(random() * 30)
        await kill(backend?.child)
      }
      await startBackend()
      await told()
      expect(await shown(captureId)).toMatchObject({ state: 'applied', application: { delivery: 'sent' } })
      expect(await product()).toMatchObject({ ingredients: value })
      expect(await applies(captureId)).toHaveLength(1)
    }
  })

  it('refused: stays with the backend\u2019s words, over a SIGKILL of the station, until somebody settles it', async () => {
    const captureId = await propose('net_content', '12 pc')
    // Somebody has deleted at the backend what it was read from.
    await request('DELETE', `/scanner/api/v1/captures/${captureId}`)
    await accept(captureId)
    await told()
    await startDesk()
    expect(await shown(captureId)).toMatchObject({ state: 'accepted', delivery: 'refused' })
    const [refused, ...others] = await call('review.refused', {})
    expect(refused).toMatchObject({ kind: 'accept', captureId, field: 'net_content', value: '12 pc' })
    expect(refused?.refusal.message).toMatch(/./)
    expect(others).toEqual([])
    expect((await call('station.status', {})).queue.parked).toBe(1)
    // Sent again, it is refused again; given up, it is settled.
    await call('review.retry', { id: refused?.id ?? '' })
    await told()
    await startDesk()
    expect(await call('review.refused', {})).toMatchObject([{ captureId }])
    await call('review.giveUp', { id: refused?.id ?? '', reason: 'it was deleted there' })
    await startDesk()
    expect(await call('review.refused', {})).toEqual([])
    expect(await product()).toMatchObject({ net_content: '1 pc' })
  })

  it('conflict: what somebody else has decided meanwhile stands, and it is shown as not taken, over a SIGKILL', async () => {
    const captureId = await propose('category', 'Stationery')
    await kill(backend?.child)
    await accept(captureId)
    await kill(desk)
    await startBackend()
    const [{ id }] = await request('GET', `/scanner/api/v1/captures/${captureId}/proposals`)
    await request('PATCH', `/scanner/api/v1/proposals/${id}`, { status: 'REJECTED' })
    await startDesk()
    await told()
    await startDesk()
    expect(await shown(captureId)).toMatchObject({ state: 'taken', delivery: 'refused', refusal: { code: 'conflict' } })
    expect(await call('review.refused', {})).toMatchObject([{ captureId, field: 'category', value: 'Stationery' }])
    expect(await statusThere(captureId)).toBe('REJECTED')
    expect(await product()).toMatchObject({ category: '' })
  })

  it('stale: a value that changed meanwhile is not overwritten, and it is shown as stale, over a SIGKILL', async () => {
    const captureId = await propose('serving_size', '1 pen')
    await kill(backend?.child)
    await accept(captureId)
    await apply(captureId)
    await kill(desk)
    await startBackend()
    await request('PATCH', `/products/api/v1/products/${pen}`, { serving_size: '2 pens' })
    await startDesk()
    await told()
    await startDesk()
    const { state, delivery, note } = await shown(captureId)
    expect([state, delivery]).toEqual(['stale', 'refused'])
    expect(note).toContain('has changed since')
    expect(await product()).toMatchObject({ serving_size: '2 pens' })
    expect(await applies(captureId)).toEqual([])
  })

  it('and after all of it the ledger is whole, and compares with every decision', async () => {
    await kill(desk)
    expect(valueOf(checkLedgerOf(join(folder, 'station'))).problem).toBeNull()
  })
})
