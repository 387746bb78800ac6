import { describe, expect, it } from 'vitest'
import { captureSchema } from '#contract/station/capture.ts'
import { createScannerClient, type RemoteResult, type ScannerClient } from '#station/remote/scanner-client.ts'
import { addCapture, openTestSession, openTestStore } from '../parts.ts'
import { startServer, type Said, type ScriptedServer } from '../scripted-server.ts'

const now = new Date('2026-11-21T09:00:00.000Z')

async function start(
  said: Said | ((path: string) => Said),
  credential: () => Promise<string | null> = () => Promise.resolve('THE-KEY'),
): Promise<{ server: ScriptedServer; client: ScannerClient }> {
  const server = await startServer((request) => (typeof said === 'function' ? said(request.path) : said))
  return { server, client: clientOf(server.url, credential) }
}

const clientOf = (
  url: string,
  credential: () => Promise<string | null> = () => Promise.resolve('THE-KEY'),
): ScannerClient => createScannerClient({ fetch, url, credential, userAgent: 'Capstan/test', now: () => now })

function makeCapture() {
  const store = openTestStore()
  const id = addCapture(store, openTestSession(store).id, {
    raw: '0104006381333931\u001D10LOT',
    gtin: '04006381333931',
    elements: [
      { ai: '01', value: '04006381333931' },
      { ai: '10', value: 'LOT' },
    ],
  })
  return captureSchema.parse(store.captures.get(id))
}

const failureOf = (result: RemoteResult<unknown>) => (result.ok ? null : result.failure)

describe('an answer', () => {
  it.each([
    [
      'the newer revision',
      { id: 'C1', status: 'COMPLETED', product_short_id: 'P1', product_name: 'Pen', gtin: '04006381333931' },
    ],
    [
      'the older revision',
      {
        public_id: 'C1',
        status: 'COMPLETED',
        product_public_id: 'P1',
        product_name: 'Pen',
        gtin: '04006381333931',
        error_message: null,
      },
    ],
  ])('of a capture is read in %s', async (_, body) => {
    const { client } = await start({ status: 201, body })
    expect(await client.submitCapture('K', 'S1', makeCapture())).toEqual({
      ok: true,
      receipt: { status: 201, date: expect.stringMatching(/ GMT$/) as string },
      value: {
        remoteId: 'C1',
        state: 'COMPLETED',
        errorMessage: '',
        productId: 'P1',
        productName: 'Pen',
        gtin: '04006381333931',
      },
    })
  })

  it('with a status nobody knows yet is unknown, and more members do no harm', async () => {
    const { client } = await start({
      status: 200,
      body: { id: 'C1', status: 'TELEPORTING', gtin: 'none', more: { x: 1 } },
    })
    expect(await client.getCapture('C1')).toMatchObject({ ok: true, value: { state: 'unknown', gtin: null } })
  })

  it.each([
    ['no id', { status: 'PENDING' }],
    ['no object', [1, 2]],
    ['no JSON', '<html>Welcome to the hotel</html>'],
    ['nothing', undefined],
  ])('that is a success but has %s is not taken for one', async (_, body) => {
    const { client } = await start({ status: 200, ...(body === undefined ? {} : { body }) })
    expect(failureOf(await client.submitCapture('K', 'S1', makeCapture()))).toMatchObject({
      kind: 'busy',
      code: 'bad_answer',
    })
    const created = await client.createSession({ key: 'K', captureMode: 'both', metadata: {} })
    expect(failureOf(created)).toMatchObject({ kind: 'busy', code: 'bad_answer' })
  })

  it('of endless length is cut off', async () => {
    let isOpen = true
    const server = await startServer((_request, response) => {
      response.on('close', () => (isOpen = false))
      response.writeHead(200)
      const pour = (): void => {
        while (isOpen && response.write('x'.repeat(65_536)));
        if (isOpen) response.once('drain', pour)
      }
      pour()
      return 'silence'
    })
    expect(failureOf(await clientOf(server.url).getCapture('C1'))).toMatchObject({ code: 'bad_answer' })
  })

  it('of a whole session gives each capture by its id', async () => {
    const captures = [
      { id: 'A', status: 'NOT_FOUND' },
      { public_id: 'B', status: 'FAILED', error_message: 'why' },
      { status: 'PENDING' },
    ]
    const { client } = await start({ status: 200, body: { id: 'S1', status: 'ACTIVE', captures } })
    const answer = await client.sessionCaptures('S1')
    expect(
      answer.ok ? [...answer.value].map(([id, capture]) => [id, capture.state, capture.errorMessage]) : answer,
    ).toEqual([
      ['A', 'NOT_FOUND', ''],
      ['B', 'FAILED', 'why'],
    ])
  })
})

describe('a request', () => {
  it('carries the key in its header and nowhere else, both names of the session, and its idempotency key', async () => {
    const { server, client } = await start({ status: 201, body: { id: 'C1', status: 'PENDING' } })
    const capture = makeCapture()
    await client.submitCapture('IDEMPOTENCE', 'S1', capture)
    const [request] = server.requests
    expect(request).toMatchObject({
      method: 'POST',
      path: '/scanner/api/v1/captures',
      headers: { 'x-api-key': 'THE-KEY', 'idempotency-key': 'IDEMPOTENCE' },
      json: {
        session_short_id: 'S1',
        session_public_id: 'S1',
        capture_type: 'BARCODE',
        raw_value: '0104006381333931\u001D10LOT',
        gtin: '04006381333931',
        gs1_dl_data: { '01': '04006381333931', '10': 'LOT' },
        metadata: { station_capture: capture.id, station_sequence: '1', quantity: '1' },
      },
    })
    expect(request?.body).not.toContain('THE-KEY')
    expect(request?.path).not.toContain('THE-KEY')
  })

  it('tells the add-on of a periodical or book where one was read', async () => {
    const { server, client } = await start({ status: 201, body: { id: 'C1', status: 'PENDING' } })
    await client.submitCapture('ONE', 'S1', { ...makeCapture(), addOn: '05' })
    await client.submitCapture('TWO', 'S1', makeCapture())
    const [one, two] = server.requests.map(({ json }) => (json as { metadata: Record<string, string> }).metadata)
    expect(one).toMatchObject({ add_on: '05' })
    expect(two).not.toHaveProperty('add_on')
  })

  it('with a photo is a form with the fields before the image', async () => {
    const { server, client } = await start({ status: 201, body: { id: 'C1', status: 'PENDING' } })
    await client.uploadImage('K', 'S1', makeCapture(), new Blob(['JPEG'], { type: 'image/jpeg' }))
    const body = server.requests[0]?.body ?? ''
    expect(server.requests[0]).toMatchObject({
      path: '/scanner/api/v1/captures/upload-image',
      headers: { 'idempotency-key': 'K' },
    })
    for (const name of ['session_short_id', 'raw_value', 'metadata[station_capture]'])
      expect(body).toContain(`name="${name}"`)
    expect(body.indexOf('name="image"')).toBeGreaterThan(body.indexOf('metadata[station_capture]'))
  })

  it('keeps a strange id inside its path', async () => {
    const { server, client } = await start({ status: 404 })
    await client.getCapture('../../keys?x=1')
    expect(server.requests[0]?.path).toBe('/scanner/api/v1/captures/..%2F..%2Fkeys%3Fx%3D1')
  })

  it('goes without a key when there is none', async () => {
    const { server, client } = await start({ status: 200, body: { id: 'C1' } }, () => Promise.resolve(null))
    await client.getCapture('C1')
    expect(server.requests[0]?.headers).not.toHaveProperty('x-api-key')
  })

  it.each([
    ['holds a line end', () => Promise.resolve('SECRET-KEY\n')],
    ['holds a letter that no header can hold', () => Promise.resolve('SECRET-KEY-€')],
    ['cannot be read', () => Promise.reject(new Error('the keyring is locked: SECRET-KEY'))],
  ])('is not made when the key %s, and the key is in no message', async (_, apiKey) => {
    const { server, client } = await start({ status: 200, body: { id: 'C1' } }, apiKey)
    const answer = await client.getCapture('C1')
    expect(failureOf(answer)).toMatchObject({ kind: 'unauthorised', code: 'unusable_key' })
    expect(JSON.stringify(answer)).not.toContain('SECRET')
    expect(server.requests).toEqual([])
  })

  it('follows no redirect, and takes no key along to another place', async () => {
    const { server: other } = await start({ status: 200, body: { id: 'C1', status: 'PENDING' } })
    const { client } = await start({ status: 307, headers: { location: `${other.url}/scanner/api/v1/captures` } })
    expect(failureOf(await client.submitCapture('K', 'S1', makeCapture()))).toMatchObject({ kind: 'unreachable' })
    expect(other.requests).toEqual([])
  })
})

describe('a failure', () => {
  const problems = [
    [
      'a problem document',
      { title: 'Validation Error', detail: 'raw_value: too long', error_code: 'validation_error' },
      'validation_error',
      'raw_value: too long',
    ],
    [
      'the older envelope',
      { error: { code: 'VALIDATION_ERROR', message: 'raw_value: too long', status: 422 } },
      'validation_error',
      'raw_value: too long',
    ],
    ["a framework's own list", { detail: [{ loc: ['body'], msg: 'field required' }] }, 'http_422', 'field required'],
    ['a page for people', '<html>no</html>', 'http_422', 'Unprocessable'],
    ['nothing', undefined, 'http_422', 'Unprocessable'],
  ] as const
  it.each(problems)('tells the words of %s', async (_, body, code, words) => {
    const { client } = await start({ status: 422, ...(body === undefined ? {} : { body }) })
    const failure = failureOf(await client.submitCapture('K', 'S1', makeCapture()))
    expect(failure).toMatchObject({ kind: 'refused', status: 422, code })
    expect(failure?.message).toContain(words)
  })

  it.each([
    [400, 'refused'],
    [401, 'unauthorised'],
    [403, 'unauthorised'],
    [404, 'refused'],
    [408, 'busy'],
    [409, 'refused'],
    [413, 'refused'],
    [429, 'busy'],
    [500, 'busy'],
    [502, 'busy'],
    [503, 'busy'],
  ] as const)('with status %i is %s', async (status, kind) => {
    const { client } = await start({ status })
    expect(failureOf(await client.getCapture('C1'))).toMatchObject({ kind, status })
  })

  it.each([
    ['seconds', '7', 7_000],
    ['a date', 'Sat, 21 Nov 2026 09:01:30 GMT', 90_000],
    ['a date that is over', 'Sat, 21 Nov 2026 08:00:00 GMT', 0],
    ['more than an hour', '999999', 3_600_000],
    ['rubbish', 'soon', 5_000],
    ['nothing', null, 5_000],
  ])('reads Retry-After as %s', async (_, header, retryAfterMs) => {
    const { client } = await start({ status: 429, headers: header === null ? {} : { 'retry-after': header } })
    expect(failureOf(await client.getCapture('C1'))).toMatchObject({ kind: 'busy', retryAfterMs })
  })

  it('without an answer is unreachable: nobody there, a cut connection, no such host', async () => {
    const { server, client } = await start('cut')
    expect(failureOf(await client.getCapture('C1'))).toMatchObject({ kind: 'unreachable', status: null })
    await server.close()
    expect(failureOf(await client.getCapture('C1'))).toMatchObject({ kind: 'unreachable' })
    expect(failureOf(await clientOf('http://capstan.invalid').probe())).toMatchObject({ kind: 'unreachable' })
  })

  it('is unreachable when the answer does not come in time', async () => {
    const impatient = createScannerClient({
      url: 'http://127.0.0.1:1',
      credential: () => Promise.resolve(null),
      userAgent: '',
      now: () => now,
      // What the client's own time-out does, without waiting for it.
      fetch: (_url, init) =>
        new Promise((_resolve, reject) => {
          expect(init.signal).toBeInstanceOf(AbortSignal)
          reject(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
        }),
    })
    expect(failureOf(await impatient.getCapture('C1'))).toMatchObject({ kind: 'unreachable' })
  })
})

describe('the catalogue', () => {
  it('finds a product only when the record is of that GTIN', async () => {
    const body = { data: [{ id: 'P1', gtin: '04006381333931', product_name: 'Pen', brand: 'B', net_content: '1 pc' }] }
    const { client } = await start({ status: 200, body })
    expect(await client.findProduct('04006381333931')).toEqual({
      ok: true,
      value: { id: 'P1', gtin: '04006381333931', name: 'Pen', brand: 'B', netContent: '1 pc' },
    })
    expect(await client.findProduct('00000000000017')).toEqual({ ok: true, value: null })
  })

  it('is there when anybody answers at all, even with 404', async () => {
    for (const status of [200, 404]) expect(await (await start({ status })).client.probe()).toMatchObject({ ok: true })
    expect((await (await start({ status: 502 })).client.probe()).ok).toBe(false)
  })
})
