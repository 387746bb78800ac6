import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { createFaultProxy } from '#backend/index.ts'
import { createSecretFile } from '#web/index.ts'
import { exportFormats, stationPaths } from '#contract/station/http.ts'
import { checkLedgerOf } from '#station/store/store.ts'
import { temporaryFolder, until, valueOf } from './parts.ts'
import { isSubmit, problem, startScriptedBackend } from './sync/scripted-backend.ts'
import { startBackend, startStation } from './start-station.ts'

/** A station whose backend refuses everything that is called BAD. */
async function startRefused() {
  const backend = await startScriptedBackend({
    fault: (request) =>
      isSubmit(request) && String(request.json['raw_value']).startsWith('BAD')
        ? problem(422, 'validation_error', 'raw_value: we do not like it')
        : undefined,
  })
  const dataDir = temporaryFolder()
  const parts = await startStation({ url: backend.url, apiKey: 'THE-KEY' }, { dataDir })
  const session = await parts.call('session.open', { label: 'first' })
  const { capture } = await parts.scan('BAD')
  await parts.scan('GOOD')
  expect(await parts.station.drained()).toBe('empty')
  const raws = () => [...backend.captures.values()].map(({ raw }) => raw).toSorted()
  /** Whatever a person decided, the ledger tells it as the store has it. */
  const ledgerProblem = async () => {
    await parts.station.close()
    return valueOf(checkLedgerOf(dataDir)).problem
  }
  return { ...parts, backend, session, id: capture.id, raws, ledgerProblem }
}

describe('what the backend refused', () => {
  it('waits with its words, is counted as refused, and held nothing up', async () => {
    const { call, id, raws } = await startRefused()
    expect(raws()).toEqual(['GOOD'])
    expect(await call('capture.get', { id })).toMatchObject({
      sync: 'parked',
      attempts: 1,
      syncError: { code: 'validation_error', message: 'raw_value: we do not like it' },
    })
    expect(await call('station.status', {})).toMatchObject({ queue: { waiting: 0, parked: 1, undecided: 0 } })
  })

  it('is sent with a corrected value: a capture of its own in its place, the old one kept and not counted', async () => {
    const { call, station, id, raws, session, ledgerProblem } = await startRefused()
    await call('capture.setQuantity', { id, quantity: 7 })
    const corrected = await call('capture.correct', { id, raw: '4006381333931' })
    expect(corrected).toMatchObject({ raw: '4006381333931', gtin: '04006381333931', type: 'MANUAL', quantity: 7 })
    expect(await station.drained()).toBe('empty')
    expect(raws()).toEqual(['4006381333931', 'GOOD'])
    expect(await call('capture.get', { id })).toMatchObject({ raw: 'BAD', sync: 'discarded', disposition: 'undone' })
    const { session: after } = await call('session.summary', { id: session.id })
    expect(after.totals).toMatchObject({ scans: 2, units: 8, parked: 0, waiting: 0, undone: 1 })
    expect(await ledgerProblem()).toBeNull()
  })

  it('goes into another session, and the totals of both are right', async () => {
    const { call, station, id, session, backend, ledgerProblem } = await startRefused()
    await call('session.end', { id: session.id })
    const other = await call('session.open', { label: 'second' })
    expect(await call('capture.move', { id, sessionId: other.id })).toMatchObject({ sessionId: other.id })
    expect(await station.drained()).toBe('empty')
    expect((await call('session.summary', { id: session.id })).session.totals).toMatchObject({ scans: 1, parked: 0 })
    expect((await call('session.summary', { id: other.id })).session.totals).toMatchObject({ scans: 1, parked: 1 })
    const sent = backend.requests.filter((request) => isSubmit(request) && request.json['raw_value'] === 'BAD')
    expect(sent.map(({ json }) => json['session_short_id'])).toEqual(['S1', 'S2'])
    expect(new Set(sent.map(({ headers }) => headers['idempotency-key'])).size).toBe(2)
    expect(await ledgerProblem()).toBeNull()
  })

  it('is given up with a reason, once, and nothing else can be', async () => {
    const { call, ask, id, session } = await startRefused()
    expect(await ask('capture.discard', { id, reason: ' ' })).toMatchObject({ error: { code: 'invalid_input' } })
    expect(await call('capture.discard', { id, reason: 'a poster' })).toMatchObject({ sync: 'discarded' })
    expect(await ask('capture.discard', { id, reason: 'again' })).toMatchObject({ error: { code: 'conflict' } })
    const { captures } = await call('capture.list', { sessionId: session.id, filter: 'found' })
    const good = captures[0] ?? (await call('capture.list', { sessionId: session.id })).captures[0]
    for (const name of ['capture.discard', 'capture.correct', 'capture.move'] as const) {
      const more = { reason: 'x', raw: 'X', sessionId: session.id }
      const wanted = { 'capture.discard': ['reason'], 'capture.correct': ['raw'], 'capture.move': ['sessionId'] }[name]
      const input = Object.fromEntries(Object.entries(more).filter(([key]) => wanted.includes(key)))
      expect(await ask(name, { id: good?.id, ...input })).toMatchObject({ error: { code: 'conflict' } })
    }
    expect((await call('session.summary', { id: session.id })).session.totals).toMatchObject({ scans: 1, undone: 1 })
  })
})

describe('the room for photos', () => {
  it('stops photos and not scans when it is used up, says so, and goes on when there is more', async () => {
    const { station, call, scan } = await startStation(null)
    await call('session.open', { captureMode: 'both' })
    const picture = await sharp({ create: { width: 320, height: 240, channels: 3, background: '#c0ffee' } })
      .jpeg()
      .toBuffer()
    // Bytes behind a picture's end are no part of it, and take room all the same.
    const photo = Buffer.concat([picture, randomBytes(1_200_000)])
    const put = async () => {
      const body = new Uint8Array(photo)
      const response = await station.handle(new Request('http://station/media/photos', { method: 'PUT', body }))
      return { status: response.status, body: (await response.json()) as { code?: string } }
    }
    const { photo: before } = await call('settings.get', {})
    await call('settings.change', { photo: { ...before, quotaMegabytes: 1 } })
    expect(await put()).toMatchObject({ status: 201 })
    // Known before one is refused.
    await until(async () => (await call('station.status', {})).storage.arePhotosStopped)
    expect(await put()).toMatchObject({ status: 507, body: { code: 'photos_full' } })
    expect((await call('station.status', {})).storage).toMatchObject({ arePhotosStopped: true, state: 'ok' })
    expect(await scan('A')).toMatchObject({ outcome: 'saved' })
    await call('settings.change', { photo: { ...before, quotaMegabytes: 100 } })
    expect(await put()).toMatchObject({ status: 201 })
    expect((await call('station.status', {})).storage.arePhotosStopped).toBe(false)
    // More is to be kept free than any disk has.
    await call('settings.change', { photo: { ...before, reserveMegabytes: 1_000_000 } })
    const { storage } = await call('station.status', {})
    const isLarger = (storage.freeBytes ?? 0) > 1e12
    expect(await put()).toMatchObject({ status: isLarger ? 201 : 507 })
  })
})

describe('an undecided capture', () => {
  const startUndecided = async () => {
    const backend = await startScriptedBackend({
      ignoresKeys: true,
      fault: (request) =>
        isSubmit(request) && request.json['raw_value'] === 'ODD' && losses-- > 0
          ? { status: 201, body: '{"id": "C' }
          : undefined,
    })
    let losses = 1
    const parts = await startStation({ url: backend.url, apiKey: 'THE-KEY' }, { quietMs: 50 })
    await parts.call('session.open', {})
    const { capture } = await parts.scan('ODD')
    await until(async () => (await parts.call('station.status', {})).queue.undecided === 1)
    return { ...parts, backend, id: capture.id }
  }

  it('is sent again when a person says that it is not there', async () => {
    const { call, station, backend, id } = await startUndecided()
    expect(await call('capture.candidates', { id })).toMatchObject({ candidates: [] })
    await call('capture.decide', { id, remoteId: null })
    expect(await station.drained()).toBe('empty')
    expect(backend.captures.size).toBe(1)
    expect(await call('capture.get', { id })).toMatchObject({ sync: 'sent', remoteId: 'C1' })
  })

  it('is done when a person says which it is, and cannot be decided twice', async () => {
    const { call, ask, backend, id } = await startUndecided()
    expect(await call('capture.decide', { id, remoteId: 'C77' })).toMatchObject({ sync: 'sent', remoteId: 'C77' })
    expect(await ask('capture.decide', { id, remoteId: null })).toMatchObject({ error: { code: 'conflict' } })
    expect(backend.captures.size).toBe(0)
  })
})

describe('a new credential', () => {
  it('is asked for, kept by the host, used at once, and nothing was lost meanwhile', async () => {
    const backend = await startBackend({ user: { email: 'kim@example.org', password: 'correct horse' } })
    const file = createSecretFile(join(temporaryFolder(), 'secrets'), backend.url)
    await file.write('csb_wrong')
    const parts = await startStation(null, {
      backend: { url: backend.url, credential: file.read, keep: file.write },
    })
    await parts.call('session.open', {})
    await parts.scan('A')
    expect(await parts.station.drained()).toBe('unauthorised')
    expect(
      await parts.ask('backend.signIn', { kind: 'person', email: 'kim@example.org', password: 'no' }),
    ).toMatchObject({
      error: { code: 'unauthorised' },
    })
    expect(
      await parts.call('backend.signIn', { kind: 'person', email: 'kim@example.org', password: 'correct horse' }),
    ).toEqual({})
    await until(async () => (await parts.call('station.status', {})).backend.state === 'online')
    expect(await parts.station.drained()).toBe('empty')
    expect(await file.read()).toContain('sessionid')
    await parts.call('backend.signIn', { kind: 'key', key: backend.apiKey })
    await parts.scan('B')
    expect(await parts.station.drained()).toBe('empty')
  })

  it('lies in a file that only its owner can read', async () => {
    const folder = join(temporaryFolder(), 'secrets')
    await createSecretFile(folder, 'https://one.example').write('THE-KEY')
    expect(await createSecretFile(folder, 'https://one.example/path').read()).toBe('THE-KEY')
    expect(await createSecretFile(folder, 'https://two.example').read()).toBeNull()
    const [name = ''] = readdirSync(folder)
    expect(statSync(join(folder, name)).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  })

  it.each(['key', 'cookie'])(
    '(a %s) is nowhere but in its place: not in logs, answers, events, exports, errors or the data folder',
    async (kind) => {
      const backend = await startBackend({ user: { email: 'kim@example.org', password: 'correct horse' } })
      const proxy = await createFaultProxy({ target: backend.url, seed: 7, rates: {}, maxDelayMs: 10 })
      // Then one that repeats the secret in its refusals.
      const echo = await startScriptedBackend({
        fault: ({ headers }) =>
          problem(422, 'no', `not with ${String(headers['x-api-key'])} and ${String(headers['cookie'])}`),
      })
      const told: unknown[] = []
      const dataDirs: string[] = []
      const secrets = new Set<string>()
      const logs: string[] = []
      for (const url of [proxy.url, echo.url]) {
        const dataDir = temporaryFolder()
        dataDirs.push(dataDir)
        let secret: string = backend.apiKey
        if (kind === 'cookie') {
          secrets.add('correct horse')
          const response = await fetch(`${backend.url}/account/api/v1/login`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ email: 'kim@example.org', password: 'correct horse' }),
          })
          const { organization_short_id: organization } = (await response.json()) as { organization_short_id: string }
          const cookies = response.headers.getSetCookie().join(';')
          const cookie = (name: string) => new RegExp(`${name}=([^;]+)`).exec(cookies)?.[1] ?? ''
          const kept = { sessionid: cookie('sessionid'), csrftoken: cookie('csrftoken'), organization }
          secret = JSON.stringify(kept)
          secrets.add(kept.sessionid).add(kept.csrftoken)
        } else secrets.add(secret)
        const parts = await startStation(null, {
          dataDir,
          backend: {
            url,
            credential: () => Promise.resolve(secret),
            keep: (next) => ((secret = next), Promise.resolve()),
          },
        })
        for (const topic of ['scan.taken', 'capture.changed', 'status.changed', 'session.changed'] as const) {
          parts.station.subscribe(topic, (payload) => void told.push(payload))
        }
        const session = await parts.call('session.open', {})
        await parts.scan('A')
        if (url === proxy.url) {
          expect(await parts.station.drained()).toBe('empty')
          proxy.setRates({ unauthorised: 0.5, cut: 0.5 })
        }
        for (const raw of ['B', 'C', 'D']) await parts.scan(raw)
        told.push(await parts.ask('backend.signIn', { kind: 'key', key: secret.startsWith('{') ? 'bad key' : secret }))
        await until(async () => {
          const status = await parts.call('station.status', {})
          told.push(status)
          return status.backend.message !== null || status.queue.parked > 0
        })
        told.push(await parts.ask('capture.list', { sessionId: session.id, limit: 500 }))
        for (const format of exportFormats) {
          const response = await parts.station.handle(
            new Request(`http://station${stationPaths.export(session.id, format)}`),
          )
          told.push(await response.text())
        }
        logs.push(parts.log.text())
        await parts.station.close()
      }
      await proxy.close()
      const all = JSON.stringify(told) + logs.join() + dataDirs.flatMap(filesIn).join()
      expect(secrets.size).toBeGreaterThan(0)
      for (const secret of secrets) expect(all.includes(secret)).toBe(false)
    },
  )
})

/** Everything in a folder, as text. */
function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'))
}
