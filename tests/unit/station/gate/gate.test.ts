import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { gateSettingsSchema, type GateSettings, type GateVerdict } from '#contract/station/gate.ts'
import { scanSchema } from '#contract/station/capture.ts'
import { createGate, type Gate, type GatePorts } from '#station/gate/gate.ts'
import type { Line } from '#station/gate/door.ts'
import { createGateClient } from '#station/remote/gate-client.ts'
import { createRelayClient, createWalletClient } from '#station/remote/wallet-client.ts'
import type { Store } from '#station/store/store.ts'
import { checkLedgerOf } from '#station/store/store.ts'
import { timeOrderedIds, systemClock } from '#station/index.ts'
import { createKeptLog, errorOf, openTestStore, temporaryFolder, valueOf } from '../parts.ts'
import { startServer } from '../scripted-server.ts'
import { startSite } from './site.ts'
import { pass } from './venue.ts'

interface Opened {
  readonly gate: Gate
  readonly store: Store
  readonly folder: string
  readonly verdicts: GateVerdict[]
  read(data: string): Promise<GateVerdict>
}

async function openGate(options: {
  readonly url?: string
  readonly folder?: string
  readonly settings?: Partial<GateSettings>
  readonly ports?: Partial<GatePorts>
  readonly secrets?: Map<string, string>
}): Promise<Opened> {
  const folder = options.folder ?? temporaryFolder()
  const store = openTestStore({ dataDir: folder, clock: systemClock, ids: timeOrderedIds })
  const verdicts: GateVerdict[] = []
  const secrets = options.secrets ?? new Map<string, string>()
  const common = { fetch, now: () => new Date(), credential: () => Promise.resolve('key') }
  const { url } = options
  const settings = gateSettingsSchema.parse({
    isOn: true,
    name: 'north',
    waitMs: 10_000,
    refreshMs: 1_000,
    ...options.settings,
  })
  const gate = await createGate(
    {
      store,
      clock: systemClock,
      ids: timeOrderedIds,
      log: createKeptLog(),
      random: () => 0,
      listPath: join(folder, 'passes.sqlite'),
      listSecret: {
        read: () => Promise.resolve(secrets.get('list') ?? null),
        write: (secret) => Promise.resolve(void secrets.set('list', secret)),
      },
      fetch,
      openLine: () => Promise.reject(new Error('no such port')),
      remotes(of) {
        if (url === undefined) return { site: null, record: null, isRepeatable: false, relay: null }
        if (of.road === 'site') {
          return { site: createGateClient({ ...common, url }), record: null, isRepeatable: true, relay: null }
        }
        if (of.road === 'relay') {
          const relay = createRelayClient({ ...common, url })
          return {
            site: null,
            record: ({ id, at, data, type, deviceName }, ms) =>
              relay.recordScan({ data, type, scanned_at: at, device_id: deviceName, client_scan_id: id }, ms),
            isRepeatable: true,
            relay: () => relay.status(),
          }
        }
        const client = createWalletClient({ ...common, url, tenantId: 'acme', secret: common.credential })
        return {
          site: null,
          record: ({ data, type }, ms) => client.recordScan({ data, type }, ms),
          isRepeatable: false,
          relay: null,
        }
      },
      clockBounds: () => ({ leastMs: 0, mostMs: 0 }),
      onVerdict: (verdict) => void verdicts.push(verdict),
      onChange: () => undefined,
      ...options.ports,
    },
    settings,
  )
  let isClosed = false
  onTestFinished(async () => {
    if (!isClosed) await gate.close()
    isClosed = true
  })
  return {
    gate,
    store,
    folder,
    verdicts,
    read: async (data) => valueOf(await gate.scan(scanSchema.parse({ data, source: 'device', deviceName: 'reader' }))),
  }
}

const passes = new Map([
  ['0007-good', pass('good')],
  ['0008-blocked', pass('blocked', { status: 'blocked' })],
  ['0009-season', pass('season', { passType: 'season' })],
])
const everyAdmission = (verdicts: readonly GateVerdict[]) => verdicts.filter(({ result }) => result === 'admit')

describe('a gate with its site', () => {
  it('asks the site, byte for byte, and shows what is durable', async () => {
    const site = await startSite(passes)
    const { read, store, verdicts, folder } = await openGate({ url: site.url })
    expect(await read('0007-good')).toMatchObject({ code: 'admitted', mode: 'online', report: 'sent', hint: 'good' })
    expect(await read(' 00\u001d7 ')).toMatchObject({ code: 'unknown_pass', mode: 'online' })
    expect(site.told.map(({ data }) => data)).toEqual(['0007-good', ' 00\u001d7 '])
    expect(verdicts.map(({ id }) => store.verdicts.get(id)?.code)).toEqual(['admitted', 'unknown_pass'])
    expect(valueOf(checkLedgerOf(folder)).problem).toBeNull()
  })

  it('waits no longer for the site than it may, decides alone, and tells the site afterwards', async () => {
    const site = await startSite(passes)
    const { gate, read } = await openGate({ url: site.url, settings: { waitMs: 100 } })
    await gate.refresh()
    expect(gate.status()).toMatchObject({ site: 'online', list: { state: 'current', values: 1, left: 0 } })
    site.fault = (path) => (path.includes('verdicts') ? 'silence' : null)
    const startedMs = performance.now()
    expect(await read('0007-good')).toMatchObject({ code: 'admitted', mode: 'offline', report: 'waiting' })
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(99)
    site.fault = () => 'cut'
    expect(await read('0008-blocked')).toMatchObject({ code: 'blocked', mode: 'offline' })
    expect(await read('nobody has it')).toMatchObject({ code: 'offline_unknown', result: 'refer' })
    site.fault = null
    await vi.waitFor(() => expect(gate.status().waiting).toBe(0), { timeout: 10_000 })
    const later = site.told.filter(({ offline }) => offline !== null)
    expect(later.map(({ data, offline }) => [data, offline?.code])).toEqual([
      ['0007-good', 'admitted'],
      ['0008-blocked', 'blocked'],
      ['nobody has it', 'offline_unknown'],
    ])
    // The site knows better of one of them.
    expect(gate.status().differences).toBe(1)
  })

  it('lets a pass of one entry in once while it is alone, however often it is shown', async () => {
    const site = await startSite(passes)
    const { gate, read, verdicts } = await openGate({ url: site.url, settings: { rules: { graceMs: 0 } as never } })
    site.rules = { ...site.rules, graceMs: 0 }
    await gate.refresh()
    site.fault = () => 'cut'
    const reads = await Promise.all(Array.from({ length: 20 }, () => read('0007-good')))
    expect(reads.map(({ code }) => code)).toEqual(['admitted', ...Array.from({ length: 19 }, () => 'used')])
    expect(reads[1]?.usedBefore).toMatchObject({ gate: 'north', input: 'text' })
    expect(everyAdmission(verdicts)).toHaveLength(1)
  })

  it('knows after a restart without the site what it has admitted before', async () => {
    const site = await startSite(passes)
    const secrets = new Map<string, string>()
    const first = await openGate({ url: site.url, secrets })
    site.rules = { ...site.rules, graceMs: 0 }
    await first.gate.refresh()
    site.fault = () => 'cut'
    expect(await first.read('0009-season')).toMatchObject({ code: 'admitted' })
    await first.gate.close()
    first.store.close()
    const again = await openGate({ url: site.url, secrets, folder: first.folder })
    expect(await again.read('0009-season')).toMatchObject({ code: 'used', mode: 'offline' })
    expect(await again.read('0007-good')).toMatchObject({ code: 'admitted' })
  })

  it('sends people to the staff while it has neither site nor list', async () => {
    const { read } = await openGate({})
    expect(await read('0007-good')).toMatchObject({ result: 'refer', code: 'cannot_decide', report: 'none' })
  })

  it('asks nobody about a value that no pass can have', async () => {
    const site = await startSite(passes)
    const { read } = await openGate({ url: site.url })
    expect(await read('ab')).toMatchObject({ code: 'unknown_pass', report: 'none' })
    expect(await read('x'.repeat(2_049))).toMatchObject({ code: 'unknown_pass', report: 'none' })
    expect(site.told).toEqual([])
  })

  it('keeps a verdict that the site does not take, and goes on with the others', async () => {
    const site = await startSite(passes)
    const { gate, read, store } = await openGate({ url: site.url })
    await gate.refresh()
    site.fault = () => 'cut'
    const [bad, good] = [await read('0008-blocked'), await read('0007-good')]
    let refusals = 0
    site.fault = (path) =>
      path.includes('verdicts') && (refusals += 1) === 1 ? { status: 400, body: { title: 'Bad Request' } } : null
    await vi.waitFor(() => expect(gate.status().waiting).toBe(0), { timeout: 10_000 })
    expect(store.verdicts.get(bad.id)?.report).toBe('refused')
    expect(store.verdicts.get(good.id)?.report).toBe('sent')
  })

  it('wipes its list and the key on command', async () => {
    const site = await startSite(passes)
    const secrets = new Map<string, string>()
    const { gate, folder, read } = await openGate({ url: site.url, secrets })
    await gate.refresh()
    expect(existsSync(join(folder, 'passes.sqlite'))).toBe(true)
    site.fault = () => 'cut'
    await gate.wipe()
    expect(existsSync(join(folder, 'passes.sqlite'))).toBe(false)
    expect(secrets.get('list')).toBe('')
    expect(await read('0007-good')).toMatchObject({ code: 'cannot_decide' })
  })
})

describe('the staff', () => {
  it('lets somebody in whom the rules did not, with a reason, and the site is told', async () => {
    const site = await startSite(passes)
    const { gate, read, store } = await openGate({ url: site.url })
    const denied = await read('0008-blocked')
    expect(denied.result).toBe('deny')
    const override = valueOf(gate.override(denied.id, 'knows the band', 'Ada'))
    expect(override).toMatchObject({
      code: 'overridden',
      result: 'admit',
      overrides: denied.id,
      reason: 'knows the band',
    })
    expect(store.verdicts.get(denied.id)).toMatchObject({ code: 'blocked', result: 'deny' })
    await vi.waitFor(() => expect(gate.status().waiting).toBe(0), { timeout: 10_000 })
    expect(site.told.at(-1)).toMatchObject({
      data: '0008-blocked',
      override: { reason: 'knows the band', by: 'Ada' },
      offline: { code: 'overridden', counts_entry: true },
    })
    expect(errorOf(gate.override(override.id, 'again', '')).code).toBe('conflict')
  })

  it('takes an admission back by an entry of its own, once', async () => {
    const site = await startSite(passes)
    const { gate, read, folder } = await openGate({ url: site.url })
    await gate.refresh()
    site.fault = () => 'cut'
    const admitted = await read('0007-good')
    expect(gate.status().today).toMatchObject({ admitted: 1 })
    expect(valueOf(gate.undo(admitted.id, 'wrong person'))).toMatchObject({ undone: { reason: 'wrong person' } })
    expect(errorOf(gate.undo(admitted.id, 'again')).code).toBe('conflict')
    expect(gate.status().today).toMatchObject({ admitted: 0 })
    // The entry is there again.
    expect(await read('0007-good')).toMatchObject({ code: 'admitted' })
    site.fault = null
    await vi.waitFor(() => expect(gate.status().waiting).toBe(0), { timeout: 10_000 })
    expect(site.undone).toEqual([admitted.id])
    expect(valueOf(checkLedgerOf(folder)).problem).toBeNull()
  })
})

describe('the roads to The Wallet Crew', () => {
  it('directly: the service says which pass it is, the station whether it may', async () => {
    const server = await startServer((request) =>
      request.json['data'] === '0007-good' ? { status: 201, body: { passId: 'good' } } : { status: 404 },
    )
    const { read } = await openGate({
      url: server.url,
      settings: { road: 'direct', rules: gateSettingsSchema.parse({ rules: { graceMs: 0 } }).rules },
    })
    expect(await read('0007-good')).toMatchObject({ code: 'admitted', mode: 'online', report: 'sent' })
    expect(await read('0007-good')).toMatchObject({ code: 'used', mode: 'online' })
    expect(await read('0099')).toMatchObject({ code: 'unknown_pass', mode: 'online' })
    expect(server.requests[0]).toMatchObject({ path: '/api/acme/scans', body: '{"data":"0007-good","type":"text"}' })
  })

  it('directly: a record that may have arrived is never sent again', async () => {
    const server = await startServer(() => 'cut')
    const { read, gate, store } = await openGate({ url: server.url, settings: { road: 'direct' } })
    const first = await read('0007-good')
    expect(first).toMatchObject({ code: 'cannot_decide', report: 'doubtful' })
    // The site is known to be away: this one waits, and certainly has not arrived.
    const second = await read('0008-blocked')
    expect(second.report).toBe('waiting')
    await vi.waitFor(() => expect(store.verdicts.get(second.id)?.report).toBe('doubtful'), { timeout: 10_000 })
    expect(gate.status().waiting).toBe(0)
    expect(server.requests.map(({ json }) => json['data'])).toEqual(['0007-good', '0008-blocked'])
  })

  it('directly: a service that asks to be left alone is, and gets what waited afterwards', async () => {
    const askedMs: number[] = []
    const server = await startServer(() => {
      askedMs.push(performance.now())
      return askedMs.length === 1
        ? { status: 429, headers: { 'retry-after': '1' } }
        : { status: 201, body: { passId: 'good' } }
    })
    const { read, gate } = await openGate({ url: server.url, settings: { road: 'direct' } })
    expect(await read('0007-good')).toMatchObject({ code: 'cannot_decide', report: 'waiting' })
    // Meanwhile somebody else comes.
    expect(await read('0008-good')).toMatchObject({ code: 'cannot_decide', report: 'waiting' })
    await vi.waitFor(() => expect(gate.status().waiting).toBe(0), { timeout: 10_000 })
    expect(server.requests.map(({ json }) => json['data'])).toEqual(['0007-good', '0007-good', '0008-good'])
    // A timer may be a moment early.
    expect((askedMs[1] ?? 0) - (askedMs[0] ?? 0)).toBeGreaterThanOrEqual(990)
  })

  it('over the relay: a repeat has the same id', async () => {
    let answers = 0
    const queue = { state: 'key_refused', waiting: 4, sent: 1, refused: 0, doubtful: 2 }
    const server = await startServer(({ method }) => {
      if (method === 'GET') return { status: 200, body: queue }
      return (answers += 1) <= 2 ? 'cut' : { status: 201, body: { passId: 'good' } }
    })
    const { read, gate } = await openGate({ url: server.url, settings: { road: 'relay' } })
    const verdict = await read('0007-good')
    await vi.waitFor(() => expect(gate.status().waiting).toBe(0), { timeout: 10_000 })
    const records = server.requests.filter(({ method }) => method === 'POST')
    expect(new Set(records.map(({ json }) => json['client_scan_id']))).toEqual(new Set([verdict.id]))
    expect(records.length).toBeGreaterThanOrEqual(3)
    await gate.refresh()
    expect(gate.status()).toMatchObject({ site: 'online', relay: queue })
  })
})

describe('the ledger of a gate', () => {
  it.each([
    ['its own data were changed', `UPDATE verdicts SET gate = 'south' WHERE number = 1`],
    ['the site is said to have told otherwise', 'UPDATE verdicts SET agrees = 1 - agrees WHERE number = 1'],
    [
      'it was taken back without an entry',
      `UPDATE verdicts SET undone_at = '2026-11-21T09:00:00.000Z' WHERE number = 1`,
    ],
    ['it is not taken back', 'UPDATE verdicts SET undone_at = NULL WHERE number = 2'],
    ['is missing from the store', 'DELETE FROM verdicts WHERE number = 2'],
  ])('tells that of a verdict: %s', async (message, sql) => {
    const site = await startSite(passes)
    const { gate, read, folder, store } = await openGate({ url: site.url })
    site.fault = () => 'cut'
    await gate.refresh()
    await read('0007-good')
    site.fault = null
    gate.hurry()
    await vi.waitFor(() => expect(gate.status().waiting).toBe(0), { timeout: 15_000 })
    const undone = await read('0009-season')
    valueOf(gate.undo(undone.id, 'went home'))
    await vi.waitFor(() => expect(gate.status().waiting).toBe(0), { timeout: 15_000 })
    await gate.close()
    store.close()
    expect(valueOf(checkLedgerOf(folder)).problem).toBeNull()
    const database = new DatabaseSync(join(folder, 'station.sqlite'))
    database.exec(sql)
    database.close()
    expect(valueOf(checkLedgerOf(folder)).problem).toMatchObject({
      kind: 'verdict',
      message: expect.stringContaining(message) as string,
    })
  })
})

describe('the door', () => {
  /** A board at a line: what was written, and what it says. */
  const board = () => {
    const written: string[] = []
    const heard: ((bytes: Uint8Array) => void)[] = []
    const line: Line = {
      write: (bytes) => Promise.resolve(void written.push(Buffer.from(bytes).toString('hex'))),
      onBytes: (listener) => void heard.push(listener),
      close: () => Promise.resolve(),
    }
    return { written, line, say: (hex: string) => heard.forEach((listener) => listener(Buffer.from(hex, 'hex'))) }
  }
  const serial = {
    kind: 'serial',
    path: '/dev/ttyUSB9',
    baudRate: 9_600,
    open: 'a00101a2',
    close: 'a00100a1',
    passed: 'b1',
  } as const

  it('opens for who is admitted and for nobody else, and closes behind the person', async () => {
    const site = await startSite(passes)
    const { written, line, say } = board()
    const { read, gate, store } = await openGate({
      url: site.url,
      settings: { door: serial },
      ports: { openLine: () => Promise.resolve(line) },
    })
    await read('0008-blocked')
    expect(written).toEqual([])
    const verdict = await read('0007-good')
    await expect.poll(() => written).toEqual(['a00101a2'])
    expect(gate.status().door).toBe('open')
    say('00b100')
    await expect.poll(() => written).toEqual(['a00101a2', 'a00100a1'])
    await expect.poll(() => gate.status().door).toBe('closed')
    expect(store.verdicts.get(verdict.id)?.undone).toBeNull()
  })

  it('gives the entry back when nobody passed in time', async () => {
    const site = await startSite(passes)
    const { written, line } = board()
    const { read, gate, store } = await openGate({
      url: site.url,
      settings: { door: serial, passMs: 500 },
      ports: { openLine: () => Promise.resolve(line) },
    })
    const verdict = await read('0007-good')
    await expect.poll(() => store.verdicts.get(verdict.id)?.undone?.reason).toBe('nobody passed')
    expect(written).toEqual(['a00101a2', 'a00100a1'])
    await expect.poll(() => site.undone).toEqual([verdict.id])
    expect(gate.status().today.admitted).toBe(0)
  })

  it('is told of as out of order when it does not obey, and the verdict stands', async () => {
    const site = await startSite(passes)
    const { read, gate, store } = await openGate({ url: site.url, settings: { door: serial } })
    const verdict = await read('0007-good')
    await expect.poll(() => gate.status().door).toBe('fault')
    expect(store.verdicts.get(verdict.id)?.undone).toBeNull()
  })

  it('may be a controller on the network', async () => {
    const site = await startSite(passes)
    let asked = 0
    const controller = await startServer(({ path }) =>
      path === '/passed' ? { status: 200, body: { passed: (asked += 1) > 1 } } : { status: 200 },
    )
    const { read, gate } = await openGate({
      url: site.url,
      settings: {
        door: {
          kind: 'http',
          openUrl: `${controller.url}/open`,
          closeUrl: `${controller.url}/close`,
          passedUrl: `${controller.url}/passed`,
        },
      },
    })
    await read('0007-good')
    await expect.poll(() => gate.status().door).toBe('closed')
    await expect
      .poll(() => controller.requests.map(({ method, path }) => `${method} ${path}`))
      .toEqual(['POST /open', 'GET /passed', 'GET /passed', 'POST /close'])
  })
})
