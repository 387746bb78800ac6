import { createHmac, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { BackendOptions } from '#backend/index.ts'
import { startSite, temporaryFolder, type Site } from './fixture.ts'

const tenantKey = 'tenant-key-of-acme'
const exact = '  00 a\u001d"b", ß '

async function startTenant(options: Partial<BackendOptions> = {}): Promise<Site> {
  const passes = join(await temporaryFolder(), 'passes.json')
  const values = [
    { passId: 'good', value: '0007-good' },
    { passId: 'odd', value: exact },
  ]
  await writeFile(passes, JSON.stringify(values))
  return startSite({ tenant: { id: 'acme', key: tenantKey, passes }, ...options })
}

/** A site that knows no pass itself; the tenant is elsewhere. */
const startRelay = (url: string, secret = tenantKey, options: Partial<BackendOptions> = {}) =>
  startSite({ tenant: { id: 'acme', upstream: { url, secret } }, relayRetryMs: 20, ...options })

async function ask(site: { url: string }, key: string, method: string, path: string, body?: unknown) {
  const response = await fetch(site.url + path, {
    method,
    headers: { 'x-api-key': key, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) }
}

const scanOf = (data: string, more: object = {}) => ({
  data,
  type: 'qrcode',
  scanned_at: new Date().toISOString(),
  device_id: 'reader',
  client_scan_id: randomUUID(),
  ...more,
})
const relay = (site: Site, scan: object) => ask(site, site.apiKey, 'POST', '/relay/v1/wallet/scans', scan)
/** The same call until the tenant has answered, as a station repeats it. */
const relayed = (site: Site, scan: object) =>
  vi.waitFor(
    async () => {
      const answer = await relay(site, scan)
      expect(answer.status).not.toBe(202)
      return answer
    },
    { timeout: 20_000 },
  )
const relayStatus = async (site: Site) => (await ask(site, site.apiKey, 'GET', '/relay/v1/wallet')).body
const scansAt = async (tenant: Site) =>
  ((await ask(tenant, tenantKey, 'GET', '/api/acme/scans?pageSize=100')).body as { passId: string; data: string }[])
    .map(({ passId, data }) => [passId, data])
    .toReversed()

/** A server that answers as it is told, and keeps what it was asked. */
async function startScripted(answer: (path: string) => { status: number; body?: unknown } | 'cut') {
  const asked: { path: string; headers: IncomingHttpHeaders; body: string }[] = []
  const server: Server = createServer((request, response) => {
    let body = ''
    request.on('data', (piece: Buffer) => (body += piece.toString()))
    request.on('end', () => {
      asked.push({ path: request.url ?? '', headers: request.headers, body })
      const said = answer(request.url ?? '')
      if (said === 'cut') return void request.socket.destroy()
      response.writeHead(said.status, { 'content-type': 'application/json' })
      response.end(said.body === undefined ? '' : JSON.stringify(said.body))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  onTestFinished(close)
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked, close }
}

describe('the relay to a tenant elsewhere', () => {
  it('sends a scan on to the byte, answers with the pass, and knows a repeat and a second read', async () => {
    const tenant = await startTenant()
    const site = await startRelay(tenant.url)
    const scan = scanOf(exact)
    expect(await relayed(site, scan)).toMatchObject({ status: 201, body: { passId: 'odd' } })
    expect(await relay(site, scan)).toMatchObject({ status: 201, body: { passId: 'odd' } })
    expect(await relay(site, scanOf(exact))).toMatchObject({ status: 201, body: { passId: 'odd' } })
    expect(await relayed(site, scanOf(exact, { device_id: 'other' }))).toMatchObject({ status: 201 })
    expect(await relayed(site, scanOf('nobody has it'))).toMatchObject({ status: 404 })
    expect(await scansAt(tenant)).toEqual([
      ['odd', exact],
      ['odd', exact],
    ])
    expect(await relayStatus(site)).toEqual({ state: 'well', waiting: 0, sent: 3, refused: 0, doubtful: 0 })
  })

  it('keeps records while the tenant is away, over a restart too, and sends each once, in order', async () => {
    const tenant = await startTenant()
    const { port } = new URL(tenant.url)
    await tenant.close()
    const folder = await temporaryFolder()
    const site = await startRelay(tenant.url, tenantKey, { dataDir: folder, apiKey: 'station-key' })
    const scans = ['0007-good', exact, '0007-good'].map((data, index) => scanOf(data, { device_id: `reader-${index}` }))
    for (const scan of scans) {
      expect(await relay(site, scan)).toMatchObject({
        status: 202,
        body: { queued: true, client_scan_id: scan.client_scan_id },
      })
    }
    expect(await relay(site, scans[0] ?? {})).toMatchObject({ status: 202 })
    expect(await relayStatus(site)).toMatchObject({ state: 'unreachable', waiting: 3 })
    await site.close()

    const again = await startTenant({ dataDir: tenant.dataDir, port: Number(port) })
    const siteAgain = await startRelay(tenant.url, tenantKey, { dataDir: folder, apiKey: 'station-key' })
    await vi.waitFor(async () => expect(await relayStatus(siteAgain)).toMatchObject({ waiting: 0, sent: 3 }), {
      timeout: 20_000,
    })
    expect(await scansAt(again)).toEqual([
      ['good', '0007-good'],
      ['odd', exact],
      ['good', '0007-good'],
    ])
    expect(await relay(siteAgain, scans[1] ?? {})).toMatchObject({ status: 201, body: { passId: 'odd' } })
  })

  it('never sends a record again whose answer was lost', async () => {
    const elsewhere = await startScripted(() => 'cut')
    const site = await startRelay(elsewhere.url)
    await relay(site, scanOf('0007-good'))
    await vi.waitFor(async () => expect(await relayStatus(site)).toMatchObject({ waiting: 0, doubtful: 1 }), {
      timeout: 20_000,
    })
    expect(elsewhere.asked).toHaveLength(1)
  })

  it('stops and says so when the tenant refuses the key; nothing is lost', async () => {
    let key: 'bad' | 'good' = 'bad'
    const elsewhere = await startScripted(() =>
      key === 'bad' ? { status: 401 } : { status: 201, body: { passId: 'good' } },
    )
    const site = await startRelay(elsewhere.url)
    expect(await relay(site, scanOf('0007-good'))).toMatchObject({ status: 202 })
    await vi.waitFor(async () => expect(await relayStatus(site)).toMatchObject({ state: 'key_refused', waiting: 1 }), {
      timeout: 20_000,
    })
    key = 'good'
    await vi.waitFor(async () => expect(await relayStatus(site)).toMatchObject({ state: 'well', sent: 1 }), {
      timeout: 20_000,
    })
  })

  it('gets a token by client credentials, and another one when that is refused', async () => {
    const tenant = await startTenant()
    const secret = { tokenUrl: `${tenant.url}/oauth/token`, clientId: 'acme', clientSecret: tenantKey }
    const site = await startRelay(tenant.url, JSON.stringify(secret))
    expect(await relayed(site, scanOf('0007-good'))).toMatchObject({ status: 201 })
    expect(await scansAt(tenant)).toEqual([['good', '0007-good']])
  })

  it('sends on what gates have read, whoever decided', async () => {
    const tenant = await startTenant()
    const site = await startRelay(tenant.url)
    const { client_scan_id, device_id, data, type, scanned_at } = scanOf('0007-good')
    const asked = { client_scan_id, device_id, data, type, scanned_at, gate: 'north' }
    // The site has no list of its own, so it lets nobody in; the tenant has the record all the same.
    expect((await ask(site, site.apiKey, 'POST', '/gate/v1/verdicts', asked)).body.judgement.code).toBe('unknown_pass')
    await vi.waitFor(async () => expect(await scansAt(tenant)).toEqual([['good', '0007-good']]), { timeout: 20_000 })
  })

  it('asks for a consumption now or not at all', async () => {
    const tenant = await startTenant()
    const site = await startRelay(tenant.url)
    const base = '/api/acme/passes/good/privileges'
    await ask(tenant, tenantKey, 'PUT', `${base}/drink`, { externalId: 'drink', type: 'MultiUse' })
    await ask(tenant, tenantKey, 'POST', `${base}/drink/movements`, { value: 2, expectedTotal: 0 })
    const path = '/relay/v1/wallet/passes/good/privileges/drink/movements'
    const consume = (expectedTotal: number) => ask(site, site.apiKey, 'POST', path, { value: -1, expectedTotal })
    expect(await consume(2)).toMatchObject({ status: 201, body: { total: 1 } })
    expect(await consume(2)).toMatchObject({ status: 409, body: { currentTotal: 1 } })
    const { port } = new URL(tenant.url)
    await tenant.close()
    expect(await consume(1)).toMatchObject({ status: 503 })
    const again = await startTenant({ dataDir: tenant.dataDir, port: Number(port) })
    expect(await relayed(site, scanOf('0007-good'))).toMatchObject({ status: 201 })
    expect((await ask(again, tenantKey, 'GET', `${base}/drink`)).body.total).toBe(1)
  })
})

describe('privileges', () => {
  it('are set as often as one likes, keep what is left, and can be deleted', async () => {
    const tenant = await startTenant()
    const path = '/api/acme/passes/good/privileges/drink'
    const put = (body: object) => ask(tenant, tenantKey, 'PUT', path, body)
    expect(await put({ externalId: 'drink', type: 'MultiUse' })).toMatchObject({
      status: 202,
      body: { privilegeId: 'drink' },
    })
    await ask(tenant, tenantKey, 'POST', `${path}/movements`, { value: 3, expectedTotal: 0 })
    expect(await put({ externalId: 'beer', priority: 4, type: 'MultiUse' })).toMatchObject({ status: 202 })
    expect((await ask(tenant, tenantKey, 'GET', path)).body).toEqual({
      privilegeId: 'drink',
      externalId: 'beer',
      priority: 4,
      type: 'MultiUse',
      total: 3,
    })
    expect(await put({ externalId: '', type: 'MultiUse' })).toMatchObject({ status: 400 })
    const another = '/api/acme/passes/odd/privileges/drink'
    expect(await ask(tenant, tenantKey, 'PUT', another, { externalId: 'x', type: 'OneTime' })).toMatchObject({
      status: 409,
    })
    expect(await ask(tenant, tenantKey, 'DELETE', path)).toMatchObject({ status: 204, body: null })
    expect(await ask(tenant, tenantKey, 'GET', path)).toMatchObject({ status: 404 })
  })
})

describe('webhooks of a tenant', () => {
  it('tell of each scan, signed, again until they are heard, and no more once they are gone', async () => {
    let isWell = false
    const receiver = await startScripted(() => ({ status: isWell ? 200 : 500 }))
    const tenant = await startTenant({ outbound: { permits: () => true }, webhookRetriesMs: [10, 10, 10, 10, 10, 10] })
    const hooks = '/api/acme/webhooks'
    const made = await ask(tenant, tenantKey, 'POST', hooks, {
      endpoint: receiver.url,
      events: ['pass.*', 'wallet_scanned'],
    })
    expect(made).toMatchObject({ status: 201, body: { enabled: true, events: ['pass.*', 'wallet_scanned'] } })
    const { id, signatureSecret } = made.body as { id: string; signatureSecret: string }
    expect([id.length, signatureSecret.length]).toEqual([5, 64])
    expect((await ask(tenant, tenantKey, 'GET', hooks)).body).toEqual([
      { id, endpoint: receiver.url, events: ['pass.*', 'wallet_scanned'], enabled: true, description: '' },
    ])

    await ask(tenant, tenantKey, 'POST', '/api/acme/scans', { data: exact, type: 'pdf417' })
    await vi.waitFor(() => expect(receiver.asked.length).toBeGreaterThanOrEqual(2), { timeout: 20_000 })
    isWell = true
    const heard = () =>
      receiver.asked.map(({ headers, body }) => {
        expect(headers['x-neostore-signature']).toBe(createHmac('sha256', signatureSecret).update(body).digest('hex'))
        return JSON.parse(body) as { type: string; id: string }
      })
    await vi.waitFor(() => expect(new Set(heard().map(({ type }) => type)).size).toBe(2), { timeout: 20_000 })
    expect(heard().find(({ type }) => type === 'Pass:Scanned')).toMatchObject({
      tenantId: 'acme',
      data: {
        passId: 'odd',
        passKind: 'generic',
        identifiers: {},
        metadata: {},
        scan: { data: exact, type: 'pdf417' },
      },
    })
    expect(heard().find(({ type }) => type === 'wallet_scanned')).toMatchObject({ passId: 'odd', scanType: 'pdf417' })

    expect(await ask(tenant, tenantKey, 'PATCH', `${hooks}/${id}`, { enabled: false })).toMatchObject({
      status: 200,
      body: { enabled: false },
    })
    expect(await ask(tenant, tenantKey, 'DELETE', `${hooks}/${id}`)).toMatchObject({ status: 204 })
    expect(await ask(tenant, tenantKey, 'GET', `${hooks}/${id}`)).toMatchObject({ status: 404 })
    // An organisation's own webhooks are another list.
    expect((await tenant.call('GET', '/integrations/api/v1/webhooks/endpoints')).body.data).toEqual([])
  })
})
