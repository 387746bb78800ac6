import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { signatureOf } from '#backend/webhooks/delivery.ts'
import type { BackendOptions } from '#backend/index.ts'
import { webhookDeliveryPageSchema, webhookSchema, webhookWithSecretSchema } from '#contract/backend/webhooks.ts'
import { marker, photoForm, products, scanner, startSite } from './fixture.ts'

const base = '/integrations/api/v1/webhooks/endpoints'

/** A receiver on this machine, which the site lets through by its own port only. */
async function receiver(answer: () => number = () => 204) {
  const got: { headers: Record<string, unknown>; body: string }[] = []
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      got.push({ headers: request.headers, body })
      response.writeHead(answer(), { Location: 'http://127.0.0.1:1/' }).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const options: Partial<BackendOptions> = {
    webhookRetriesMs: [20, 20],
    outbound: {
      resolve: () => Promise.resolve(['127.0.0.1']),
      permits: (address, to) => address === '127.0.0.1' && to === port,
    },
  }
  return { url: `http://erp.test:${port}/hook`, got, options }
}

const verified = (secret: string, { headers, body }: { headers: Record<string, unknown>; body: string }) => {
  const [t = '', ...signatures] = String(headers['x-closient-signature']).split(',')
  const expected = createHmac('sha256', secret)
    .update(`${t.slice(2)}.${body}`)
    .digest('hex')
  return signatures.includes(`v1=${expected}`)
}

describe('a webhook', () => {
  it('is told what it asked for, signed, once', async () => {
    const { url, got, options } = await receiver()
    const site = await startSite(options)
    await site.call('POST', products, { gtin: marker, product_name: 'Marker' })
    const made = await site.call('POST', base, { url, event_types: ['scanner.capture', 'scanner.session.completed'] })
    const { id, secret } = webhookWithSecretSchema.strict().parse(made.body)
    expect(webhookSchema.strict().parse((await site.call('GET', `${base}/${id}`)).body)).not.toHaveProperty('secret')
    const session = await site.openSession()
    const capture = (await site.submit(session, '4006381333931')).body.id
    await site.settled(capture)
    await site.call('POST', `${scanner}/sessions/${session}/end`)
    await site.call('POST', `${scanner}/sessions/${session}/end`)
    await expect.poll(() => got.length, { timeout: 10_000 }).toBe(2)
    const events = got.map(({ body }) => JSON.parse(body))
    expect(events.map(({ type }) => type).toSorted()).toEqual([
      'scanner.capture.completed',
      'scanner.session.completed',
    ])
    expect(events.find(({ type }) => type === 'scanner.capture.completed').data).toMatchObject({
      session_id: session,
      capture_id: capture,
      status: 'COMPLETED',
      gtin: marker,
    })
    for (const one of got) {
      expect(verified(secret, one)).toBe(true)
      expect(one.headers).toMatchObject({ 'user-agent': 'Closient-Webhooks/1.0', 'content-type': 'application/json' })
      expect(one.headers['x-closient-event-type']).toBe(JSON.parse(one.body).type)
    }
    await expect
      .poll(async () => (await site.call('GET', `${base}/${id}/deliveries?status=DELIVERED`)).body.data.length)
      .toBe(2)
  })

  it('is told of a session that idled away, and of proposals that wait for review', async () => {
    const { url, got, options } = await receiver()
    const site = await startSite({ ...options, sessionTtlSeconds: 2 })
    await site.call('POST', base, { url, event_types: ['scanner.session.expired', 'scanner.proposals'] })
    // Time stands still, so that the one that is submitted does not idle away before.
    site.clock.at = new Date(Date.now() - 10_000)
    const [idle, submitted] = [await site.openSession(), await site.openSession()]
    await site.call('POST', `${scanner}/captures/upload-image`, photoForm({ session_short_id: submitted }))
    expect((await site.call('POST', `${scanner}/sessions/${submitted}/submit`)).status).toBe(200)
    site.clock.at = undefined
    const told = () =>
      got
        .map(({ body }) => JSON.parse(body) as { type: string; data: { session_id: string; status: string } })
        .map(({ type, data }) => [type, data.session_id, data.status])
        .toSorted()
    await expect.poll(told, { timeout: 20_000 }).toEqual([
      ['scanner.proposals.ready', submitted, 'ready'],
      ['scanner.session.expired', idle, 'EXPIRED'],
    ])
  })

  it('is tried again when it does not take an event, becomes a dead letter, and can be sent again', async () => {
    let status = 500
    const { url, got, options } = await receiver(() => status)
    const site = await startSite(options)
    const { id } = (await site.call('POST', base, { url, event_types: ['scanner.session'] })).body
    await site.call('POST', `${scanner}/sessions/${await site.openSession()}/end`)
    const deliveries = async () =>
      webhookDeliveryPageSchema.parse((await site.call('GET', `${base}/${id}/deliveries`)).body).data
    await expect.poll(async () => (await deliveries())[0]?.status, { timeout: 20_000 }).toBe('DEAD_LETTER')
    const [dead] = await deliveries()
    expect(dead).toMatchObject({ attempts: 3, response_status: 500, last_error: 'The receiver answered 500.' })
    expect(new Set(got.map(({ body }) => body)).size).toBe(1)
    const before = got.length
    status = 200
    const resend = () => site.call('POST', `${base}/${id}/deliveries/${dead?.id}/resend`)
    expect((await resend()).status).toBe(202)
    await expect.poll(async () => (await deliveries())[0]?.status, { timeout: 10_000 }).toBe('DELIVERED')
    expect(got.length).toBe(before + 1)
    expect(got.at(-1)?.headers['x-closient-delivery-id']).toBe(dead?.id)
  })

  it('that redirects is not followed; one that leads into the site is refused when made and when sent', async () => {
    const { url, got, options } = await receiver(() => 302)
    const site = await startSite({ ...options, webhookRetriesMs: [] })
    const { id } = (await site.call('POST', base, { url, event_types: ['scanner.session'] })).body
    const inside = (await site.call('POST', base, { url: 'http://other.test:9/', event_types: ['scanner'] })).body.id
    for (const wrong of ['http://127.0.0.1:9/', 'http://[::1]/', 'http://169.254.169.254/', 'http://2130706433/']) {
      expect((await site.call('POST', base, { url: wrong, event_types: ['scanner'] })).status, wrong).toBe(422)
      expect((await site.call('PATCH', `${base}/${id}`, { url: wrong })).status, wrong).toBe(422)
    }
    await site.call('POST', `${scanner}/sessions/${await site.openSession()}/end`)
    const last = async (endpoint: string) =>
      (await site.call('GET', `${base}/${endpoint}/deliveries?status=DEAD_LETTER`)).body.data[0]?.last_error as string
    await expect.poll(() => last(id), { timeout: 10_000 }).toBe('The receiver answered 302.')
    await expect.poll(() => last(inside), { timeout: 10_000 }).toContain('other.test is 127.0.0.1')
    expect(got).toHaveLength(1)
  })

  it('is sent to private addresses only where the site says so, and never to link-local ones', async () => {
    const site = await startSite({ sendsToSite: true })
    const make = async (url: string) => (await site.call('POST', base, { url, event_types: ['scanner'] })).status
    expect(await make('http://192.168.7.7/')).toBe(201)
    expect(await make('http://169.254.169.254/')).toBe(422)
    expect(await make('http://user:secret@shop.test/')).toBe(422)
  })

  it('is changed, renewed, switched off and deleted', async () => {
    const { url, got, options } = await receiver()
    const site = await startSite(options)
    const made = (await site.call('POST', base, { url, event_types: ['scanner.session.completed'] })).body
    const path = `${base}/${made.id}`
    expect((await site.call('PATCH', path, { description: 'ERP', metadata: { a: '1' } })).body).toMatchObject({
      description: 'ERP',
    })
    expect((await site.call('PATCH', path, { event_types: ['scanner.unknown'] })).status).toBe(422)
    expect((await site.call('PATCH', path, { event_types: ['scann'] })).status).toBe(422)
    const renewed = (await site.call('POST', `${path}/rotate-secret`)).body
    expect(renewed.secret).not.toBe(made.secret)
    await site.call('POST', `${scanner}/sessions/${await site.openSession()}/end`)
    await expect.poll(() => got.length, { timeout: 10_000 }).toBe(1)
    for (const secret of [made.secret, renewed.secret]) expect(got[0] && verified(secret, got[0])).toBe(true)
    await site.call('PATCH', path, { is_active: false })
    await site.call('POST', `${scanner}/sessions/${await site.openSession()}/end`)
    expect((await site.call('GET', `${path}/deliveries`)).body.pagination.total_count).toBe(1)
    expect((await site.call('DELETE', path)).status).toBe(204)
    expect((await site.call('GET', path)).status).toBe(404)
  })
})

describe('the signature', () => {
  it('is the HMAC over the time and the body, for each secret', () => {
    const at = new Date('2026-11-21T09:00:00.000Z')
    const mac = (secret: string) => createHmac('sha256', secret).update(`1795251600.{}`).digest('hex')
    expect(signatureOf('{}', ['new', 'old'], at)).toBe(`t=1795251600,v1=${mac('new')},v1=${mac('old')}`)
  })
})
