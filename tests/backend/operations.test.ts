import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import { describe, expect, it } from 'vitest'
import { createBackend } from '#backend/index.ts'
import { databaseUrl, engine, marker, products, scanner, startSite, temporaryFolder } from './fixture.ts'

const whose = {
  ms: expect.any(Number),
  requestId: expect.any(String),
  organization: expect.stringMatching(/^\w{22}$/),
  subject: expect.stringMatching(/^key:\w{22}$/),
}

describe('a server in operation', () => {
  it('is ready while it can take captures, and says what is missing', async () => {
    const site = await startSite()
    expect(await site.call('GET', '/readyz')).toMatchObject({ status: 200, body: { status: 'ready' } })
    await rename(join(site.dataDir, 'media'), join(site.dataDir, 'gone'))
    const unready = await site.call('GET', '/readyz')
    expect(unready).toMatchObject({
      status: 503,
      body: { error_code: 'service_unavailable', detail: 'The media folder cannot be written.', retryable: true },
    })
    await rename(join(site.dataDir, 'gone'), join(site.dataDir, 'media'))
    expect((await site.call('GET', '/readyz')).status).toBe(200)
  })

  it('tells Prometheus of its requests, jobs and captures', async () => {
    const site = await startSite()
    await site.call('POST', products, { gtin: marker, product_name: 'Marker' })
    const session = await site.openSession()
    for (const value of ['4006381333931', 'text', 'other']) {
      await site.settled((await site.submit(session, value)).body.id)
    }
    const response = await fetch(`${site.url}/metrics`)
    expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    const text = await response.text()
    expect(text).toContain('capstan_captures_ended_total{status="COMPLETED"} 1\n')
    expect(text).toContain('capstan_captures_ended_total{status="NOT_FOUND"} 2\n')
    expect(text).toContain('capstan_jobs_open{queue="captures"} 0\n')
    expect(text).toMatch(/request_seconds_count\{method="POST",path="\/scanner\/api\/v1\/captures",status="201"\} 3\n/)
    expect(text).toContain('process_resident_memory_bytes')
    // Paths are those of the routes: no id of anything is told.
    expect(text).not.toContain(session)
  })

  it('logs each request with its route and whose it was, and nothing of what it said', async () => {
    const lines: { readonly fields: Readonly<Record<string, unknown>>; readonly message: string }[] = []
    const add = (fields: object, message: string): void => void lines.push({ fields: { ...fields }, message })
    const site = await startSite({ logsRequests: true, log: { info: add, warn: add, error: add } })
    const session = await site.openSession()
    const { headers } = await site.submit(session, 'a secret text', {}, { 'X-Request-Id': 'proxy-7' })
    expect(headers.get('x-request-id')).toBe('proxy-7')
    const own = await site.call('GET', `${scanner}/sessions/${session}`, undefined, { 'X-Request-Id': 'not an id' })
    expect(own.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
    await site.call('GET', `${scanner}/sessions`, undefined, { 'X-API-Key': 'nobody' })
    const requests = lines.filter(({ message }) => message === 'request').map(({ fields }) => fields)
    expect(requests).toEqual([
      { method: 'POST', route: `${scanner}/sessions`, status: 201, ...whose },
      { method: 'POST', route: `${scanner}/captures`, status: 201, ...whose, requestId: 'proxy-7' },
      { method: 'GET', route: `${scanner}/sessions/{id}`, status: 200, ...whose },
      {
        method: 'GET',
        route: `${scanner}/sessions`,
        status: 401,
        ms: expect.any(Number),
        requestId: expect.any(String),
      },
    ])
    const told = JSON.stringify(lines)
    for (const secret of [site.apiKey, session, 'a secret text', 'nobody']) expect(told).not.toContain(secret)
  })

  it.runIf(engine === 'sqlite')('keeps a second one from its folder until it has ended', async () => {
    const site = await startSite()
    const second = createBackend({ dataDir: site.dataDir, port: 0 })
    await expect(second).rejects.toThrow(`Another backend runs on ${site.dataDir}`)
    await site.close()
    const third = await startSite({ dataDir: site.dataDir })
    expect((await third.call('GET', '/readyz')).status).toBe(200)
  })

  it.runIf(engine === 'postgres')('answers 503 while its database is away, and goes on when it is back', async () => {
    const site = await startSite()
    const session = await site.openSession()
    const url = (await databaseUrl(site.dataDir)) ?? ''
    const name = /(?<=@\/)\w+/.exec(url)?.[0] ?? ''
    const elsewhere = new Client({ connectionString: url.replace(name, 'postgres') })
    await elsewhere.connect()
    try {
      await elsewhere.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`)
      await elsewhere.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name])
      const away = { status: 503, body: { error_code: 'service_unavailable', retryable: true } }
      expect(await site.submit(session, 'one', {}, { 'Idempotency-Key': 'one' })).toMatchObject(away)
      expect(await site.call('GET', `${scanner}/sessions/${session}`)).toMatchObject(away)
      expect((await site.call('GET', '/readyz')).status).toBe(503)
      expect((await site.call('GET', '/healthz')).status).toBe(200)
    } finally {
      await elsewhere.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`)
      await elsewhere.end()
    }
    const { status, body } = await site.submit(session, 'one', {}, { 'Idempotency-Key': 'one' })
    expect(status).toBe(201)
    expect((await site.settled(body.id)).status).toBe('NOT_FOUND')
  })

  it.runIf(engine === 'postgres')('shares folder and database with another, which has the same key', async () => {
    const dataDir = await temporaryFolder()
    expect(await databaseUrl(dataDir)).toBeDefined()
    const sites = await Promise.all([startSite({ dataDir }), startSite({ dataDir })])
    expect(new Set(sites.map(({ apiKey }) => apiKey)).size).toBe(1)
    const [first, second] = sites
    await first.call('POST', products, { gtin: marker, product_name: 'Marker' })
    const session = await second.openSession()
    // The same request to both at once, as after a lost answer: one capture, and both tell of it.
    const key = { 'Idempotency-Key': 'same' }
    const both = await Promise.all(sites.map((site) => site.submit(session, '4006381333931', {}, key)))
    expect(both.map(({ status }) => status)).toEqual([201, 201])
    expect(both[0]?.body.id).toBe(both[1]?.body.id)
    expect(await first.settled(both[0]?.body.id)).toMatchObject({ status: 'COMPLETED' })
    const ids = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => {
        const reply = await (index % 2 === 0 ? first : second).submit(session, `both ${index}`)
        return reply.body.id as string
      }),
    )
    for (const id of ids) expect(await second.settled(id)).toMatchObject({ status: 'NOT_FOUND' })
    await first.close()
    expect((await second.settled((await second.submit(session, 'after')).body.id)).status).toBe('NOT_FOUND')
  })
})
