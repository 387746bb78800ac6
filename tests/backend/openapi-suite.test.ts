import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import type { Result } from '#contract/result.ts'
import { z } from 'zod'
import { newId } from '#backend/ids.ts'
import { fleetPaths } from '#contract/backend/fleet.ts'
import { newDataKey, recoveryKeyOf } from '#sealing/index.ts'
import { drawCode } from '../barcode-image.ts'
import {
  administrationOf,
  databaseOf,
  jpeg,
  marker,
  photoForm,
  products,
  readReply,
  scanner,
  soundHealth,
  startSite,
  temporaryFolder,
  type Site,
} from './fixture.ts'

/*
 * Made from the served document: whatever endpoint there is, is tested, and what it answers must be what the document
 * says it answers.
 */

type Schema = { readonly [name: string]: unknown }

interface Operation {
  readonly operationId: string
  readonly method: string
  readonly path: string
  readonly security: readonly object[]
  readonly parameters: readonly {
    readonly name: string
    readonly in: string
    readonly required: boolean
    readonly schema: Schema
  }[]
  readonly requestBody?: {
    readonly required: boolean
    readonly content: Readonly<Record<string, { readonly schema: Schema }>>
  }
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Omit<Operation, 'method' | 'path'>>>>>
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> }
}

async function read(site: Site) {
  const document = (await (await fetch(`${site.url}/openapi.json`)).json()) as Document
  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, rest]): Operation => ({ ...rest, method: method.toUpperCase(), path })),
  )
  // The gate's have other words for who asks and for what is wrong.
  const isOfGate = ({ path }: Operation): boolean => /^\/(?:api|gate|relay)\//.test(path)
  const operations = all.filter((one) => !isOfGate(one))
  const gates = all.filter(isOfGate)
  const resolve = (schema: Schema): Schema => {
    const name = /^#\/components\/schemas\/(\w+)$/.exec(String(schema['$ref'] ?? ''))?.[1]
    return name === undefined ? schema : resolve(document.components.schemas[name] ?? {})
  }
  /** The document's own schema as a check. */
  const checkOf = (schema: Schema) => {
    const text = JSON.stringify({ ...schema, $defs: document.components.schemas })
    return z.fromJSONSchema(JSON.parse(text.replaceAll('#/components/schemas/', '#/$defs/')) as never)
  }
  return { operations, gates, resolve, checkOf }
}

/** One of everything, so that every path leads somewhere. */
async function world(site: Site) {
  const { body: product } = await site.call('POST', products, { gtin: marker, product_name: 'Marker', brand: 'Old' })
  const session = await site.openSession()
  const capture = (await site.submit(session, '4006381333931')).body.id as string
  await site.settled(capture)
  const presign = async () => (await site.call('GET', `${scanner}/sessions/${session}/presigned-upload-url`)).body
  const [sent, unsent] = [await presign(), await presign()]
  await fetch(sent.upload_url, { method: 'PUT', body: jpeg() })
  const photo = (await site.call('POST', `${scanner}/sessions/${session}/photos`, { s3_key: sent.s3_key })).body
    .id as string
  const free = await presign()
  await fetch(free.upload_url, { method: 'PUT', body: jpeg() })
  const webhook = await site.call('POST', '/integrations/api/v1/webhooks/endpoints', {
    url: 'https://erp.test/hook',
    event_types: ['scanner.session'],
  })
  const [proposal, delivery] = [newId(), newId()]
  const created_at = new Date().toISOString()
  const { write } = await databaseOf(site.dataDir)
  await write(async (db) => {
    await db
      .insertInto('proposals')
      .values({
        id: proposal,
        capture_id: capture,
        product_id: product.id,
        photo_id: photo,
        field_name: 'brand_name',
        current_value: 'Old',
        proposed_value: 'New',
        confidence: 0.5,
        reasoning: '',
        source: 'test',
        box: null,
        status: 'PENDING',
        withdrawn_reason: '',
        created_at,
        reviewed_at: null,
        applied_at: null,
        change_id: null,
      })
      .execute()
    await db
      .insertInto('webhook_deliveries')
      .values({
        id: delivery,
        endpoint_id: webhook.body.id,
        event_id: 'evt_1',
        event_type: 'scanner.session.completed',
        body: '{}',
        status: 'DEAD_LETTER',
        response_status: 500,
        created_at,
        delivered_at: null,
      })
      .execute()
  })
  await site.call('PATCH', `${products}/${marker}`, { description: 'changed' })
  const change = (await site.call('GET', `${products}/${marker}/history`)).body.data[0].id as string
  return {
    product: product.id as string,
    session,
    capture,
    photo,
    proposal,
    change,
    webhook: webhook.body.id as string,
    delivery,
    sent,
    unsent,
    free,
  }
}
type World = Awaited<ReturnType<typeof world>>

/** What the path's `{id}` is the id of. */
function idFor(
  path: string,
  name: string,
  { product, session, capture, photo, proposal, change, webhook, delivery, unsent }: World,
): string {
  const named: Record<string, string> = {
    session_id: session,
    photo_id: photo,
    proposal_id: proposal,
    change_id: change,
    delivery_id: delivery,
    gtin: marker,
    token: (unsent.upload_url as string).split('/').at(-1) ?? '',
  }
  if (name !== 'id') return named[name] ?? ''
  if (path.includes('/sessions/')) return session
  if (path.includes('/webhooks/')) return webhook
  return path.includes('/browse/') ? product : capture
}

const fill = (path: string, value: (name: string) => string) =>
  path.replaceAll(/\{(\w+)\}/g, (_, name: string) => value(name))

/** What the operation's query has to have: nothing, or values of 32 bytes, as of a challenge. */
function queryOf({ parameters }: Operation): string {
  const needed = parameters.filter((one) => one.in === 'query' && one.required)
  return needed.length === 0 ? '' : `?${needed.map(({ name }) => `${name}=${'A'.repeat(43)}`).join('&')}`
}

/** A body that the operation takes, from the document's example and the world. */
function validBody(operation: Operation, made: World, resolve: (schema: Schema) => Schema): unknown {
  const type = Object.keys(operation.requestBody?.content ?? {})[0]
  if (type === undefined) return undefined
  if (type === 'multipart/form-data') {
    if (operation.operationId === 'uploadImage' || operation.path.endsWith('upload-image')) {
      return photoForm({ session_short_id: made.session })
    }
    const form = new FormData()
    form.set('file', new Blob([jpeg()]), 'photo.jpg')
    return form
  }
  if (type.startsWith('image/')) return jpeg()
  const schema = resolve(operation.requestBody?.content[type]?.schema ?? {})
  const [example = {}] = (schema['examples'] ?? []) as readonly Record<string, unknown>[]
  const real: Record<string, unknown> = {
    session_short_id: made.session,
    s3_key: made.free.s3_key,
    photo_short_ids: [made.photo],
    accept: [made.proposal],
  }
  const body: Record<string, unknown> = { ...example }
  for (const name of Object.keys(body)) if (name in real) body[name] = real[name]
  if (operation.operationId === 'createProduct') body['gtin'] = '96385074'
  if ('if_values' in body) body['if_values'] = { brand: 'Old' }
  if (operation.operationId === 'login') return { email: 'a@example.org', password: 'correct horse' }
  return body
}

/** What must have happened before, where the world as it is would rightly refuse. */
async function prepare(site: Site, operation: Operation, made: World): Promise<void> {
  const { operationId } = operation
  if (operationId === 'retryCapture') await site.call('DELETE', `${products}/${marker}/claim`)
  if (operationId === 'unclaimProduct') await site.call('POST', `${products}/${marker}/claim`, {})
  if (operationId === 'mergeProducts')
    await site.call('POST', products, { gtin: '4006381333948', product_name: 'Marker' })
  const { write } = await databaseOf(site.dataDir)
  if (operationId === 'retryCapture') {
    await write((db) => db.updateTable('captures').set({ status: 'FAILED' }).where('id', '=', made.capture).execute())
  }
  if (operationId === 'acceptExtraction' || operationId === 'rejectExtraction') {
    await write((db) => db.updateTable('sessions').set({ extraction_status: 'ready' }).execute())
  }
}

/** Sends a request and holds its status against the document. */
async function send(
  site: Site,
  operation: Operation,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<{ readonly status: number; readonly response: Response; readonly text: string }> {
  const isRaw = typeof body === 'string' || body instanceof FormData || body instanceof Uint8Array
  const stop = new AbortController()
  const response = await fetch(site.url + path, {
    method: operation.method,
    headers: { 'X-API-Key': site.apiKey, ...headers },
    signal: stop.signal,
    ...(body === undefined ? {} : { body: (isRaw ? body : JSON.stringify(body)) as BodyInit }),
  })
  const documented = Object.keys(operation.responses)
  expect(documented, `${operation.operationId} answered ${response.status}`).toContain(String(response.status))
  if (response.headers.get('content-type') === 'text/event-stream') {
    stop.abort()
    return { status: response.status, response, text: '' }
  }
  const copy = response.clone()
  const text = await response.text()
  if (response.status >= 400) await readReply(copy)
  return { status: response.status, response, text }
}

const start = () => startSite()

/** What only a station sends: a code of the site for a key, and with that key how it is; null for other operations. */
async function fromStation(
  site: Site,
  operationId: string,
): Promise<{ readonly body: object; readonly headers: Record<string, string> } | null> {
  if (!['enrolStation', 'checkIn', 'sendSupportBundle', 'keepRecoveryKey'].includes(operationId)) return null
  const administration = await administrationOf(site)
  const valueOf = <T>(result: Result<T>): T => {
    if (!result.ok) throw new Error(result.error.message)
    return result.value
  }
  try {
    const wish = { label: 'Dock 1', group: '', validMs: 3_600_000, url: site.url }
    const { code } = valueOf(await administration.createCode(wish))
    const station = { id: 'station-1', name: 'Dock 1', version: '1.0.0' }
    const enrolment = { code, challenge: 'A'.repeat(43), station }
    if (operationId === 'enrolStation') return { body: enrolment, headers: {} }
    const enrolled = await site.call('POST', fleetPaths.enrolments, enrolment)
    const headers = { 'X-API-Key': enrolled.body.apiKey }
    if (operationId === 'checkIn') return { body: soundHealth, headers }
    if (operationId === 'keepRecoveryKey') return { body: { recoveryKey: recoveryKeyOf(newDataKey()) }, headers }
    const [asked] = valueOf(await administration.askForSupport(station.id))
    const zip = Buffer.from('PK\u0003\u0004').toString('base64')
    return { body: { request: asked?.support?.id, files: [], zip }, headers }
  } finally {
    await administration.close()
  }
}

async function keyFor(site: Site, role: 'readonly' | 'manager', other = false): Promise<Record<string, string>> {
  const administration = await administrationOf(site)
  try {
    const own = (await administration.listOrganizations())[0]?.id
    const organization = other ? (await administration.createOrganization('Other')).id : own
    const wish = {
      name: role,
      kind: 'business' as const,
      role,
      rateLimitPerMinute: 0,
      rateLimitPerDay: 0,
      expiresAt: null,
    }
    const made = await administration.createKey(wish, organization)
    if (!made.ok) throw new Error(made.error.message)
    return { 'X-API-Key': made.value.key }
  } finally {
    await administration.close()
  }
}

/** Values of another type than the schema's. */
function wrongValues(schema: Schema): unknown[] {
  const types = new Set(
    [schema, ...((schema['anyOf'] ?? []) as readonly Schema[])].map(
      (one) => one['type'] ?? (one['enum'] ? 'string' : 'object'),
    ),
  )
  return [
    ...(types.has('string') ? [] : ['a text']),
    ...(types.has('number') || types.has('integer') ? [] : [12.5]),
    ...(types.has('boolean') ? [] : [true]),
    ...(types.has('array') ? [] : [[1]]),
    ...(types.has('object') ? [] : [{ a: 1 }]),
  ]
}

describe('each operation of the served document', () => {
  it('takes a valid request and answers as documented', async () => {
    const shared = await start()
    const seen = await world(shared)
    const described = await read(shared)
    expect(described.operations.length).toBeGreaterThan(45)
    for (const listed of described.operations) {
      // What writes gets a world of its own, so that the order of operations does not matter.
      const isRead = listed.method === 'GET'
      const user = { email: 'a@example.org', password: 'correct horse' }
      const site = isRead ? shared : await startSite(listed.operationId === 'login' ? { user } : {})
      const made = isRead ? seen : await world(site)
      await prepare(site, listed, made)
      const path = fill(listed.path, (name) => idFor(listed.path, name, made))
      const stations = await fromStation(site, listed.operationId)
      const body = stations?.body ?? validBody(listed, made, described.resolve)
      const { status, text } = await send(site, listed, path + queryOf(listed), body, stations?.headers)
      expect(status, `${listed.operationId}: ${text}`).toBeLessThan(300)
      const [type, content] = Object.entries(listed.responses[String(status)]?.content ?? {})[0] ?? []
      if (content !== undefined && type === 'application/json') {
        const checked = described.checkOf(content.schema).safeParse(JSON.parse(text))
        expect(checked.error?.issues, listed.operationId).toBeUndefined()
      }
      if (!isRead) await site.close()
    }
  })

  it('refuses strangers, and writes with a read-only key', async () => {
    const site = await start()
    const made = await world(site)
    const { operations, resolve } = await read(site)
    const readonly = await keyFor(site, 'readonly')
    for (const operation of operations.filter(({ security }) => security.length > 0)) {
      const path = fill(operation.path, (name) => idFor(operation.path, name, made))
      const body = () => validBody(operation, made, resolve)
      const stranger = await send(site, operation, path, body(), { 'X-API-Key': 'nobody' })
      expect(stranger.status, operation.operationId).toBe(401)
      if (operation.method === 'GET' || operation.operationId === 'logout') continue
      const { status } = await send(site, operation, path, body(), readonly)
      expect(status, operation.operationId).toBe(403)
    }
  })

  it("finds nothing of another organisation's, and nothing by an id that is unknown or none", async () => {
    const site = await start()
    const made = await world(site)
    const { operations, resolve } = await read(site)
    const other = await keyFor(site, 'manager', true)
    for (const operation of operations) {
      const names = operation.parameters.filter((one) => one.in === 'path').map(({ name }) => name)
      // The catalogue is shared, and a token is a credential of its own.
      const own = names.filter((name) => name !== 'gtin' && name !== 'token')
      const at = (value: (name: string) => string) => fill(operation.path, value)
      const body = () => validBody(operation, made, resolve)
      if (own.length > 0 && !operation.path.includes('/browse/')) {
        const path = at((name) => idFor(operation.path, name, made))
        const { status } = await send(site, operation, path, body(), other)
        expect(status, `${operation.operationId} of another organisation`).toBe(404)
      }
      for (const wrong of own) {
        const path = (value: string) => at((name) => (name === wrong ? value : idFor(operation.path, name, made)))
        const unknown = await send(site, operation, path('CXc85b4rqinB7s5J52TRYb'), body())
        expect(unknown.status, `${operation.operationId} without its ${wrong}`).toBe(404)
        const tooMuch = await send(site, operation, path('zzzzzzzzzzzzzzzzzzzzzz'), body())
        expect(tooMuch.status, operation.operationId).toBe(404)
        const none = await send(site, operation, path('none'), body())
        expect(none.status, operation.operationId).toBe(422)
      }
      if (names.includes('gtin')) {
        const path = (gtin: string) => at((name) => (name === 'gtin' ? gtin : idFor(operation.path, name, made)))
        expect((await send(site, operation, path('96385074'), body())).status, operation.operationId).toBe(404)
        expect((await send(site, operation, path('123'), body())).status, operation.operationId).toBe(422)
      }
    }
  })

  it('is found with a slash at the end of its path too, as some of the documents write it', async () => {
    const site = await start()
    const made = await world(site)
    const { operations } = await read(site)
    for (const operation of operations.filter(({ method, path }) => method === 'GET' && !path.endsWith('/events'))) {
      const path = fill(operation.path, (name) => idFor(operation.path, name, made))
      expect(
        (await send(site, operation, `${path}/${queryOf(operation)}`, undefined)).status,
        operation.operationId,
      ).toBe(200)
    }
    const wish = { url: 'https://erp.test/hook', event_types: ['scanner.session'] }
    expect((await site.call('POST', '/integrations/api/v1/webhooks/endpoints/', wish)).status).toBe(201)
  })

  it('refuses a body with a part missing, of a wrong type or too many, and a query likewise', async () => {
    const site = await start()
    const made = await world(site)
    const { operations, resolve } = await read(site)
    let cases = 0
    for (const operation of operations) {
      const path = fill(operation.path, (name) => idFor(operation.path, name, made))
      const refused = async (body: unknown, why: string, query = '') => {
        cases += 1
        // Who signs in may try so often a minute: there are more ways to do it wrong.
        if (operation.security.length === 0) site.clock.at = new Date((site.clock.at ?? new Date()).getTime() + 6_000)
        const { status } = await send(site, operation, path + query, body)
        expect([400, 422], `${operation.operationId} ${why}: ${status}`).toContain(status)
      }
      const isSigned = operation.path.includes('{token}')
      if (operation.method === 'GET' && !isSigned && operation.parameters.some((one) => one.in === 'query')) {
        await refused(undefined, 'unknown query', '?no_such_parameter=1')
        for (const { name, schema } of operation.parameters.filter((one) => one.in === 'query')) {
          const type = resolve(schema)['type']
          if (type === 'integer' || type === 'number') {
            for (const wrong of ['0', '-1', 'x', '1.5'])
              await refused(undefined, `${name}=${wrong}`, `?${name}=${wrong}`)
          } else if (resolve(schema)['enum'] !== undefined) await refused(undefined, name, `?${name}=no_such_word`)
          await refused(undefined, `${name} twice`, `?${name}=1&${name}=2`)
        }
      }
      const json = operation.requestBody?.content['application/json']
      if (json === undefined) continue
      const schema = resolve(json.schema)
      const valid = validBody(operation, made, resolve) as Record<string, unknown>
      for (const broken of ['{', '[]', '"x"', 'null', '\u0000', '{"a":']) await refused(broken, broken)
      await refused({ ...valid, no_such_field: 1 }, 'a field too many')
      for (const name of (schema['required'] ?? []) as readonly string[]) {
        const { [name]: _left, ...rest } = valid
        await refused(rest, `without ${name}`)
      }
      for (const [name, property] of Object.entries((schema['properties'] ?? {}) as Record<string, Schema>)) {
        for (const wrong of wrongValues(resolve(property))) {
          await refused({ ...valid, [name]: wrong }, `${name} = ${JSON.stringify(wrong)}`)
        }
        const most = resolve(property)['maxLength']
        if (typeof most === 'number') await refused({ ...valid, [name]: 'x'.repeat(most + 1) }, `${name} too long`)
      }
    }
    expect(cases).toBeGreaterThan(250)
  })

  it('gives any input a documented answer, and never 500', { timeout: 180_000 }, async () => {
    const site = await start()
    const made = await world(site)
    const { operations, resolve } = await read(site)
    const anything = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.string({ unit: 'binary', maxLength: 600 }),
      fc.constantFrom('ACCEPTED', 'BARCODE', marker, made.session, made.capture, 'https://a.test/', '\ud800', null),
      fc.array(fc.constantFrom(made.photo, made.proposal, 'x'), { maxLength: 3 }),
      fc.dictionary(fc.string({ maxLength: 45 }), fc.string({ maxLength: 510 }), { maxKeys: 4 }),
    )
    const word = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }).map((text) => text.replaceAll(/[./\\]/g, '-')),
      fc.constantFrom(made.session, made.capture, marker, '0', 'none', '%00'),
    )
    // Signing in is slow by design.
    const request = fc
      .constantFrom(...operations.filter(({ operationId }) => operationId !== 'login'))
      .chain((operation) => {
        const schema = resolve(operation.requestBody?.content['application/json']?.schema ?? {})
        const fields = Object.keys((schema['properties'] ?? {}) as object)
        const names = operation.parameters.filter((one) => one.in === 'query').map(({ name }) => name)
        return fc.record({
          operation: fc.constant(operation),
          path: fc.record({ isReal: fc.boolean(), word }),
          query: fc.dictionary(fc.constantFrom(...names, 'other'), word, { maxKeys: 2 }),
          body: fc.oneof(fc.dictionary(fc.constantFrom(...fields, '__proto__'), anything, { maxKeys: 4 }), anything),
          isMerged: fc.boolean(),
        })
      })
    await fc.assert(
      fc.asyncProperty(request, async ({ operation, path, query, body, isMerged }) => {
        const at = fill(operation.path, (name) =>
          path.isReal ? idFor(operation.path, name, made) : encodeURIComponent(path.word.toWellFormed()),
        )
        const asked = operation.method === 'GET' ? new URLSearchParams(query).toString() : ''
        const isJson = operation.requestBody?.content['application/json'] !== undefined
        const valid = isJson ? (validBody(operation, made, resolve) as object) : {}
        const isObject = typeof body === 'object' && body !== null && !Array.isArray(body)
        const sent = isMerged && isObject ? { ...valid, ...body } : body
        await send(
          site,
          operation,
          at + (asked === '' ? '' : `?${asked}`),
          // A body that is not asked for is not read, and the connection may be closed over it.
          operation.requestBody === undefined ? undefined : JSON.stringify(sent),
        )
      }),
      { numRuns: 600 },
    )
    expect((await fetch(`${site.url}/healthz`)).status).toBe(200)
  })
})

describe('each operation of the gate', () => {
  const tenantKey = 'tenant-key-of-acme'

  /** A venue with one of everything, and the means to ask it. */
  async function venue() {
    const folder = await temporaryFolder()
    const passes = join(folder, 'passes.csv')
    await writeFile(passes, 'passId,value,format,passType,entries\r\ngood,0007-good,qrcode,day,once')
    const site = await startSite({ tenant: { id: 'acme', key: tenantKey, passes } })
    const { gates, resolve, checkOf } = await read(site)
    const ask = async (
      operation: Operation,
      path: string,
      body?: unknown,
      headers: Record<string, string> = {},
    ): Promise<{ readonly status: number; readonly text: string; readonly headers: Headers }> => {
      const response = await fetch(site.url + path, {
        method: operation.method,
        headers: { 'X-API-KEY': tenantKey, 'content-type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await response.text()
      const documented = operation.responses[String(response.status)]
      expect(Object.keys(operation.responses), `${operation.operationId}: ${text}`).toContain(String(response.status))
      const content = documented?.content ?? {}
      const type = response.headers.get('content-type')
      if (Object.keys(content).length > 0) expect(Object.keys(content), operation.operationId).toContain(type)
      const schema = type === null ? undefined : content[type]?.schema
      if (schema !== undefined && type?.endsWith('json')) {
        expect(checkOf(schema).safeParse(JSON.parse(text)).error?.issues, operation.operationId).toBeUndefined()
      }
      return { status: response.status, text, headers: response.headers }
    }
    const of = (operationId: string): Operation => {
      const found = gates.find((one) => one.operationId === operationId)
      if (found === undefined) throw new Error(`No ${operationId}`)
      return found
    }
    const made: Record<string, string> = { tenantId: 'acme', passId: 'good', privilegeId: 'drink', id: 'none' }
    const at = (operation: Operation, more: Record<string, string> = {}) =>
      fill(operation.path, (name) => encodeURIComponent({ ...made, ...more }[name] ?? ''))
    const scanned_at = new Date().toISOString()
    const shown = { data: '0007-good', type: 'qrcode', device_id: 'reader', scanned_at }
    const bodyOf = (operation: Operation): object | undefined => {
      const json = operation.requestBody?.content['application/json']
      if (json === undefined) return undefined
      const [example = {}] = (resolve(json.schema)['examples'] ?? []) as readonly object[]
      const own: Record<string, object> = {
        recordScan: { data: '0007-good', type: 'qrcode' },
        putPrivilege: { externalId: randomUUID(), type: 'OneTime' },
        movePrivilege: { value: 2, expectedTotal: 0 },
        relayMovement: { value: 1, expectedTotal: 0 },
        relayScan: { ...shown, client_scan_id: randomUUID() },
        decideVerdict: { ...shown, client_scan_id: randomUUID(), gate: 'north' },
        undoVerdict: { reason: 'turned back' },
      }
      return own[operation.operationId] ?? example
    }
    const idOf = async (operationId: string): Promise<string> => {
      const operation = of(operationId)
      return (JSON.parse((await ask(operation, at(operation), bodyOf(operation))).text) as { id: string }).id
    }
    /** What the path of an operation leads to is made before it is asked. */
    const prepare = async ({ operationId, path }: Operation): Promise<Record<string, string>> => {
      if (operationId === 'createPrivilege') return {}
      if (path.includes('{privilegeId}')) {
        const privilegeId = randomUUID()
        if (operationId !== 'putPrivilege') {
          const put = of('putPrivilege')
          await ask(of('deletePrivilege'), at(of('deletePrivilege'), { privilegeId }))
          await ask(put, at(put, { privilegeId }), { externalId: privilegeId, type: 'MultiUse' })
        }
        return { privilegeId }
      }
      if (path.endsWith('/webhooks/{id}')) return { id: await idOf('createWalletWebhook') }
      if (operationId === 'getScan') {
        const record = of('recordScan')
        await ask(record, at(record), bodyOf(record))
        const listed = await ask(of('listScans'), at(of('listScans')))
        return { id: (JSON.parse(listed.text) as { id: string }[])[0]?.id ?? '' }
      }
      if (operationId === 'undoVerdict') {
        const wish = { ...shown, client_scan_id: randomUUID(), gate: 'north' }
        await ask(of('decideVerdict'), at(of('decideVerdict')), wish)
        return { id: wish.client_scan_id }
      }
      return {}
    }
    return { site, gates, ask, at, bodyOf, prepare, resolve }
  }

  it('takes a valid request and answers as documented', async () => {
    const { gates, ask, at, bodyOf, prepare } = await venue()
    expect(gates.length).toBeGreaterThan(20)
    for (const operation of gates) {
      const path = at(operation, await prepare(operation))
      const { status, text, headers } = await ask(operation, path, bodyOf(operation))
      expect(status, `${operation.operationId}: ${text}`).toBeLessThan(300)
      expect(headers.get('x-request-id'), operation.operationId).toMatch(/./)
    }
  })

  it('refuses strangers, tells nobody of other tenants, and names the methods that are possible', async () => {
    const { gates, ask, at, bodyOf, site } = await venue()
    for (const operation of gates) {
      const stranger = await ask(operation, at(operation), bodyOf(operation), { 'X-API-KEY': 'nobody' })
      expect(stranger.status, operation.operationId).toBe(401)
      if (operation.path.includes('{tenantId}')) {
        const other = await ask(operation, at(operation, { tenantId: 'other' }), bodyOf(operation))
        expect(other.status, operation.operationId).toBe(404)
      }
      const wrong = await fetch(site.url + at(operation), { method: 'OPTIONS' })
      expect([wrong.status, wrong.headers.get('allow')?.split(', ')], operation.operationId).toEqual([
        405,
        expect.arrayContaining([operation.method]),
      ])
    }
    const { text } = await fetch(`${site.url}/metrics`).then(async (response) => ({ text: await response.text() }))
    expect(text).toMatch(/capstan_http_request_seconds_count\{[^}]*path="\/api\/\{tenantId\}\/scans"[^}]*status="401"/)
  })

  it('refuses a body with a part missing, of a wrong type, too many or of another kind, and gives no 500', async () => {
    const { gates, ask, at, bodyOf, resolve } = await venue()
    for (const operation of gates) {
      const json = operation.requestBody?.content['application/json']
      for (const { name, schema } of operation.parameters.filter((one) => one.in === 'query')) {
        if (schema['type'] !== 'integer' && schema['enum'] === undefined) continue
        for (const wrong of ['-1', 'x', '1.5']) {
          expect((await ask(operation, `${at(operation)}?${name}=${wrong}`)).status, `${name}=${wrong}`).toBe(400)
        }
      }
      if (json === undefined) continue
      const path = at(operation)
      const valid = bodyOf(operation) as Record<string, unknown>
      const schema = resolve(json.schema)
      const refused = async (body: unknown, status = 400, headers: Record<string, string> = {}) =>
        expect((await ask(operation, path, body, headers)).status, `${operation.operationId} ${String(body)}`).toBe(
          status,
        )
      for (const broken of ['{', '[]', '"x"', 'null', '\u0000', '{"a":']) await refused(broken)
      await refused({ ...valid, no_such_member: 1 })
      await refused(valid, 415, { 'content-type': 'text/plain' })
      await refused(`"${'x'.repeat(1_100_000)}"`, 413)
      for (const name of (schema['required'] ?? []) as readonly string[]) {
        const { [name]: _left, ...rest } = valid
        await refused(rest)
      }
      for (const [name, property] of Object.entries((schema['properties'] ?? {}) as Record<string, Schema>)) {
        for (const wrong of wrongValues(resolve(property))) await refused({ ...valid, [name]: wrong })
      }
    }
  })

  it('takes no more of a form for a token than of any body', async () => {
    const { site } = await venue()
    const response = await fetch(`${site.url}/oauth/token`, { method: 'POST', body: 'x'.repeat(1_100_000) })
    expect(response.status).toBe(413)
  })
})

describe('a photo that is broken on purpose', () => {
  it(
    'is refused or fails alone: cut, two kinds in one, huge when unpacked, or with a broken form',
    { timeout: 180_000 },
    async () => {
      const site = await startSite({ readsPhotos: true })
      const session = await site.openSession()
      const code = new Uint8Array(await drawCode({ format: 'EAN13', text: '4006381333931' }))
      const bomb = new Uint8Array(
        await sharp({ create: { width: 10_000, height: 10_000, channels: 3, background: 'white' } })
          .png()
          .toBuffer(),
      )
      const script = new TextEncoder().encode('<script>alert(1)</script>')
      const joined = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts))
      const photos = [
        bomb,
        joined(code, script),
        joined(code.slice(0, 60), script),
        joined(jpeg(), code),
        ...[12, 30, 33, 60, 200, 400].map((length) => code.slice(0, length)),
        new Uint8Array(await sharp(code).webp().toBuffer()).slice(0, 50),
        new Uint8Array(await sharp(code).jpeg().toBuffer()).slice(0, 200),
      ]
      const taken: string[] = []
      for (const photo of photos) {
        const { status, body } = await site.call(
          'POST',
          `${scanner}/captures/upload-image`,
          photoForm({ session_short_id: session }, photo),
        )
        expect([201, 413, 415]).toContain(status)
        if (status === 201) taken.push(body.id)
      }
      const head = '--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
      for (const broken of [
        '',
        '--x',
        '--x--',
        head,
        `${head}\xff\xd8\xff`,
        `${head}\r\n--x`,
        '--y\r\n\r\n--y--',
        `${head}`.repeat(50),
      ]) {
        const { status } = await site.call('POST', `${scanner}/captures/upload-image`, broken, {
          'Content-Type': 'multipart/form-data; boundary=x',
        })
        expect([400, 415, 422], JSON.stringify(broken.slice(0, 60))).toContain(status)
      }
      for (const id of taken) expect(['NOT_FOUND', 'FAILED']).toContain((await site.settled(id)).status)
      // And the server reads on.
      const { body } = await site.call(
        'POST',
        `${scanner}/captures/upload-image`,
        photoForm({ session_short_id: session }, code),
      )
      expect((await site.settled(body.id)).gtin).toBe(marker)
    },
  )
})
