import { describe, expect, it } from 'vitest'
import { captureSchema } from '#contract/backend/scanner.ts'
import { fromShortUuid } from '#domain/shortuuid.ts'
import { databaseOf, marker, products, scanner, startSite } from './fixture.ts'

describe('captures', () => {
  it('are answered PENDING, then COMPLETED with their product', async () => {
    const site = await startSite()
    await site.call('POST', products, { gtin: '4006381333931', product_name: 'Marker', brand: 'Stabilo' })
    const { status, body } = await site.submit(await site.openSession(), '4006381333931', { metadata: { shelf: '3' } })
    expect(status).toBe(201)
    expect(captureSchema.strict().parse(body)).toMatchObject({
      status: 'PENDING',
      gtin: marker,
      raw_value: '4006381333931',
      metadata: { shelf: '3' },
      public_id: body.id,
      processed_at: null,
      product_short_id: null,
    })
    const done = await site.settled(body.id)
    expect(done).toMatchObject({ status: 'COMPLETED', product_name: 'Marker', error_message: '' })
    expect(done.product_short_id).toBe(done.product_public_id)
    expect(done.processed_at).not.toBeNull()
  })

  it('take either name of the session, both when they agree, and refuse two different ones', async () => {
    const site = await startSite()
    const id = await site.openSession()
    const other = await site.openSession()
    const send = async (names: object) =>
      (await site.call('POST', `${scanner}/captures`, { ...names, capture_type: 'MANUAL', raw_value: 'x' })).status
    expect(await send({ session_short_id: id })).toBe(201)
    expect(await send({ session_public_id: id })).toBe(201)
    expect(await send({ session_short_id: id, session_public_id: fromShortUuid(id) })).toBe(201)
    expect(await send({ session_short_id: id, session_public_id: other })).toBe(422)
    expect(await send({})).toBe(422)
    expect(await send({ session_short_id: 'CXc85b4rqinB7s5J52TRYb' })).toBe(404)
    expect(await send({ session_short_id: 'z'.repeat(22) })).toBe(404)
  })

  it('keep the raw value verbatim, control and astral characters included, up to 500 characters', async () => {
    const site = await startSite()
    const id = await site.openSession()
    for (const raw of ['00012', ' spaced ', ']C10104006381333931\u001d10A', 'a\u0000b', '😀'.repeat(500)]) {
      const { status, body } = await site.submit(id, raw)
      expect(status).toBe(201)
      expect((await site.settled(body.id)).raw_value).toBe(raw)
    }
    for (const raw of ['', 'x'.repeat(501), '😀'.repeat(501)]) expect((await site.submit(id, raw)).status).toBe(422)
    const broken = await site.call(
      'POST',
      `${scanner}/captures`,
      `{"session_short_id":"${id}","capture_type":"BARCODE","raw_value":"\\ud800"}`,
    )
    expect(broken.body.errors).toEqual([{ field: 'raw_value', message: 'must be well-formed Unicode' }])
  })

  it('recompute the GTIN and refuse one that contradicts the raw value', async () => {
    const site = await startSite()
    const id = await site.openSession()
    const gtinOf = async (raw: string, gtin?: string) => {
      const { status, body } = await site.submit(id, raw, gtin === undefined ? {} : { gtin })
      return status === 201 ? body.gtin : body.errors[0].field
    }
    expect(await gtinOf('4006381333931')).toBe(marker)
    expect(await gtinOf('4006381333931', '4006381333931')).toBe(marker)
    expect(await gtinOf('4006381333931', '00012345600012')).toBe('gtin')
    expect(await gtinOf('4006381333931', '4006381333932')).toBe('gtin')
    expect(await gtinOf('4006381333931', '123')).toBe('gtin')
    expect(await gtinOf('4006381333932', marker)).toBe('gtin')
    // A GS1-128 without its symbology: only the client can know.
    expect(await gtinOf('0104006381333931', marker)).toBe(marker)
  })

  it('believe a client that eight digits are the UPC-E of its GTIN', async () => {
    const site = await startSite()
    const id = await site.openSession()
    // 04252614 is UPC-E for 042100005264; as a GTIN-8 its check digit would be right or wrong by chance.
    expect((await site.submit(id, '04252614', { gtin: '00042100005264' })).body.gtin).toBe('00042100005264')
    expect((await site.submit(id, '04252614', { gtin: '00042100005271' })).status).toBe(422)
  })

  it('read a Digital Link themselves, and keep the client’s AIs of what is no link', async () => {
    const site = await startSite()
    const id = await site.openSession()
    const link = await site.submit(id, 'https://id.gs1.org/01/04006381333931/10/LOT7', {
      gs1_dl_data: { '10': 'WRONG', '21': 'X' },
    })
    expect(link.body).toMatchObject({ gtin: marker, gs1_dl_data: { '01': marker, '10': 'LOT7' } })
    const matrix = await site.submit(id, '010400638133393110LOT7', { gtin: marker, gs1_dl_data: { '10': 'LOT7' } })
    expect(matrix.body.gs1_dl_data).toEqual({ '10': 'LOT7' })
    const spoken = await site.submit(id, ']d2010400638133393110LOT7')
    expect(spoken.body).toMatchObject({ gtin: marker, gs1_dl_data: { '01': marker, '10': 'LOT7' } })
    for (const data of [{ '1': 'x' }, { abc: 'x' }, { '10': 'x'.repeat(91) }]) {
      expect((await site.submit(id, 'text', { gs1_dl_data: data })).status).toBe(422)
    }
  })

  it('end NOT_FOUND without a product, FAILED with a wrong check digit, each with its reason', async () => {
    const site = await startSite()
    const id = await site.openSession()
    const end = async (raw: string) => site.settled((await site.submit(id, raw)).body.id)
    expect(await end('4006381333931')).toMatchObject({ status: 'NOT_FOUND', error_message: '' })
    expect(await end('hello')).toMatchObject({ status: 'NOT_FOUND', error_message: expect.stringContaining('no GTIN') })
    expect(await end('https://example.org/')).toMatchObject({ status: 'NOT_FOUND' })
    expect(await end('4006381333932')).toMatchObject({
      status: 'FAILED',
      error_message: 'The check digit of 4006381333932 is wrong: the last digit should be 1. Scan it again.',
    })
    expect(await end('https://id.gs1.org/01/04006381333932')).toMatchObject({ status: 'FAILED' })
  })

  it('are retried when FAILED or NOT_FOUND and find a product made since; older ones stay as they are', async () => {
    const site = await startSite()
    const id = await site.openSession()
    const [first, second] = [await site.submit(id, '4006381333931'), await site.submit(id, '4006381333931')]
    await site.settled(first.body.id)
    await site.settled(second.body.id)
    await site.call('POST', products, { gtin: marker, product_name: 'Marker' })
    const retried = await site.call('POST', `${scanner}/captures/${first.body.id}/retry`)
    expect([retried.status, retried.body]).toEqual([
      200,
      expect.objectContaining({ status: 'PENDING', error_message: '', processed_at: null }),
    ])
    expect(await site.settled(first.body.id)).toMatchObject({ status: 'COMPLETED', product_name: 'Marker' })
    expect(await site.settled(second.body.id)).toMatchObject({ status: 'NOT_FOUND' })
    const again = await site.call('POST', `${scanner}/captures/${first.body.id}/retry`)
    expect([again.status, again.body.detail]).toEqual([409, expect.stringContaining('COMPLETED')])
  })

  it('refuse to retry NOT_FOUND when the server is set so', async () => {
    const site = await startSite({ retryNotFound: false })
    const { body } = await site.submit(await site.openSession(), 'hello')
    await site.settled(body.id)
    expect((await site.call('POST', `${scanner}/captures/${body.id}/retry`)).status).toBe(409)
  })

  it('are listed newest first by session, status, type and GTIN', async () => {
    const site = await startSite()
    const id = await site.openSession()
    const other = await site.openSession()
    const one = await site.submit(id, '4006381333931')
    const two = await site.submit(id, 'hello', { capture_type: 'MANUAL' })
    const three = await site.submit(other, '4006381333931')
    for (const capture of [one, two, three]) await site.settled(capture.body.id)
    const list = async (query: string) =>
      (await site.call('GET', `${scanner}/captures?${query}`)).body.data.map((capture: { id: string }) => capture.id)
    expect(await list('')).toEqual([three.body.id, two.body.id, one.body.id])
    expect(await list(`session_id=${id}`)).toEqual([two.body.id, one.body.id])
    expect(await list('gtin=4006381333931')).toEqual([three.body.id, one.body.id])
    expect(await list('capture_type=MANUAL')).toEqual([two.body.id])
    expect(await list('status=COMPLETED')).toEqual([])
    expect((await site.call('GET', `${scanner}/captures?gtin=12`)).status).toBe(422)
  })

  it('change their metadata and are deleted', async () => {
    const site = await startSite()
    const { body } = await site.submit(await site.openSession(), 'hello', { metadata: { a: '1' } })
    const path = `${scanner}/captures/${body.id}`
    expect((await site.call('PATCH', path, { metadata: { b: '2' } })).body.metadata).toEqual({ a: '1', b: '2' })
    expect((await site.call('PATCH', path, { raw_value: 'other' })).status).toBe(422)
    await site.settled(body.id)
    expect((await site.call('DELETE', path)).status).toBe(204)
    expect((await site.call('GET', path)).status).toBe(404)
    expect((await site.call('DELETE', path)).status).toBe(404)
  })
})

describe('a capture that is being processed', () => {
  it('is neither deleted, enriched nor retried; one that is not COMPLETED has nothing to enrich', async () => {
    const site = await startSite()
    const { body } = await site.submit(await site.openSession(), 'hello')
    await site.settled(body.id)
    const { write } = await databaseOf(site.dataDir)
    const path = `${scanner}/captures/${body.id}`
    const ask = async (method: string, what: string) => {
      const { status, body: problem } = await site.call(method, path + what)
      return [status, problem?.error_code]
    }
    // Without a job for it nothing moves it on.
    for (const status of ['LOOKING_UP', 'ENRICHING', 'RESOLVING'] as const) {
      await write((db) => db.updateTable('captures').set({ status }).where('id', '=', body.id).execute())
      expect(await ask('DELETE', ''), status).toEqual([409, 'conflict'])
      expect(await ask('POST', '/enrich'), status).toEqual([409, 'conflict'])
      expect(await ask('POST', '/retry'), status).toEqual([409, 'conflict'])
    }
    for (const status of ['PENDING', 'NOT_FOUND', 'FAILED'] as const) {
      await write((db) => db.updateTable('captures').set({ status }).where('id', '=', body.id).execute())
      expect(await ask('POST', '/enrich'), status).toEqual([409, 'conflict'])
    }
    expect(await ask('DELETE', '')).toEqual([204, undefined])
  })
})

describe('the server', () => {
  it('answers broken, oversized and deeply nested JSON by 400 and 413, and goes on', async () => {
    const site = await startSite()
    const post = (body: unknown) => site.call('POST', `${scanner}/sessions`, body)
    expect((await post('{"a":')).status).toBe(400)
    expect((await post(new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x7d]))).status).toBe(400)
    expect((await post('[]')).status).toBe(422)
    expect((await post('null')).status).toBe(422)
    expect((await post(`{"device_context":{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}}`)).status).toBe(400)
    expect((await post(`{"user_agent":"${'x'.repeat(1024 * 1024)}"}`)).status).toBe(413)
    const endless = new ReadableStream({ pull: (sink) => sink.enqueue(new Uint8Array(65_536).fill(32)) })
    const response = await fetch(`${site.url}${scanner}/sessions`, {
      method: 'POST',
      headers: { 'X-API-Key': site.apiKey },
      body: endless,
      duplex: 'half',
    } as RequestInit).then(
      (reply) => reply.status,
      // The server may hang up on an endless body before the client has read the answer.
      () => 413,
    )
    expect(response).toBe(413)
    expect((await post({})).status).toBe(201)
  })

  it('answers an unknown path 404, and a wrong method 405 with Allow', async () => {
    const site = await startSite()
    expect((await site.call('GET', '/scanner/api/v2/sessions')).status).toBe(404)
    const wrong = await site.call('PUT', `${scanner}/sessions/CXc85b4rqinB7s5J52TRYb`)
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'DELETE, GET, HEAD, PATCH'])
    expect((await site.call('GET', '/healthz')).body).toEqual({ status: 'ok' })
  })
})
