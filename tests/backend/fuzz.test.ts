import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { captureSchema } from '#contract/backend/scanner.ts'
import { products, scanner, startSite, type Site } from './fixture.ts'

/** Anything JSON can say, with the documented names among the keys so that the checks behind the first are reached. */
const names = [
  'session_short_id',
  'session_public_id',
  'capture_type',
  'raw_value',
  'gtin',
  'gs1_dl_data',
  'metadata',
  'capture_mode',
  'device_context',
  'organization_short_id',
  'product_name',
  'country_of_origin',
  '__proto__',
]
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.string({ unit: 'binary', maxLength: 520 }),
  fc.stringMatching(/^\d{0,15}$/),
  fc.constantFrom('BARCODE', 'IMAGE', 'MANUAL', 'both', 'https://id.gs1.org/01/04006381333931?17=', ']C101', '\ud800'),
  fc.dictionary(fc.string({ maxLength: 50 }), fc.string({ maxLength: 510 })),
)
const body = fc.oneof(fc.dictionary(fc.constantFrom(...names), value), fc.jsonValue())

/** What the documents allow an endpoint to answer; `call` in the fixture checks the shape of each problem. */
async function statusOf(site: Site, method: string, path: string, content?: unknown, headers = {}): Promise<number> {
  return (await site.call(method, path, content, headers)).status
}

describe('any input', () => {
  it('gets a documented answer from the endpoints that take JSON', async () => {
    const site = await startSite()
    const session = await site.openSession()
    const capture = (await site.submit(session, 'x')).body.id as string
    const endpoint = fc.constantFrom(
      ['POST', `${scanner}/sessions`],
      ['POST', `${scanner}/captures`],
      ['POST', products],
      ['PATCH', `${scanner}/sessions/${session}`],
      ['PATCH', `${scanner}/captures/${capture}`],
    )
    await fc.assert(
      fc.asyncProperty(endpoint, body, async ([method = '', path = ''], content) => {
        const status = await statusOf(site, method, path, JSON.stringify(content))
        expect([200, 201, 404, 409, 422]).toContain(status)
      }),
      { numRuns: 300 },
    )
  })

  it('as a scan is stored verbatim or refused, and ends', async () => {
    const site = await startSite()
    const session = await site.openSession()
    const sent = new Map<string, string>()
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: 'binary', minLength: 1, maxLength: 300 }),
          fc.stringMatching(/^\d{6,15}$/),
          fc.stringMatching(/^\](C1|E0|d2|Q3)01\d{14}(10[A-Z]{3})?$/),
          fc.webUrl({ withQueryParameters: true, withFragments: true }),
        ),
        async (raw) => {
          const { status, body: answer } = await site.submit(session, raw)
          expect(status).toBe(201)
          expect(captureSchema.parse(answer).raw_value).toBe(raw)
          sent.set(answer.id, raw)
        },
      ),
      { numRuns: 150 },
    )
    for (const [id, raw] of sent) expect((await site.settled(id)).raw_value).toBe(raw)
  })

  it('as a path or query gets a documented answer', async () => {
    const site = await startSite()
    const text = fc
      .string({ unit: 'binary', maxLength: 60 })
      .map((raw) => encodeURIComponent(raw.replaceAll(/[./]/g, '')))
    await fc.assert(
      fc.asyncProperty(text, text, async (path, query) => {
        for (const where of [
          `${scanner}/sessions/${path}x`,
          `${scanner}/captures/${path}x/retry`,
          `${products}/${path}x`,
          `${scanner}/captures?gtin=${query}`,
          `${products}?q=${query}`,
          `${scanner}/sessions?${path}=${query}`,
        ]) {
          expect([200, 404, 405, 422]).toContain(await statusOf(site, 'GET', where))
        }
      }),
      { numRuns: 60 },
    )
  })

  it('as bytes gets 400, 413, 415 or 422 and never an end of the server', async () => {
    const site = await startSite()
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 400 }), async (bytes) => {
        const content = new Uint8Array(bytes)
        expect([201, 400, 422]).toContain(await statusOf(site, 'POST', `${scanner}/sessions`, content))
        for (const type of ['multipart/form-data; boundary=x', 'multipart/form-data', 'text/plain']) {
          const status = await statusOf(site, 'POST', `${scanner}/captures/upload-image`, content, {
            'Content-Type': type,
          })
          expect([400, 415, 422]).toContain(status)
        }
      }),
      { numRuns: 60 },
    )
    expect(await statusOf(site, 'GET', '/healthz')).toBe(200)
  })
})
