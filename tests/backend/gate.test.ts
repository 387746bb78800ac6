import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { VerdictAnswer } from '#contract/gate/site.ts'
import type { Judgement } from '#contract/gate/verdict.ts'
import type { BackendOptions } from '#backend/index.ts'
import { judge } from '#domain/gate/judge.ts'
import { createWalletClient } from '#station/remote/wallet-client.ts'
import { loadList } from '#station/gate/list-load.ts'
import { openPassList } from '#station/gate/pass-list.ts'
import { createGateClient } from '#station/remote/gate-client.ts'
import { importPasses } from '#backend/gate/import-passes.ts'
import { silentLog } from '#backend/log.ts'
import { gateVectors } from '../vectors/gate.ts'
import { databaseOf, engine, startSite, temporaryFolder, type Site } from './fixture.ts'

const tenantKey = 'tenant-key-of-acme'
const usual = [
  'passId,value,format,passType,entries',
  'good,0007-good,qrcode,day,once',
  'good,0007-chip,nfc,day,once',
  '"twice","  blanks, a ""quote"" and\na line  ",pdf417,season,2',
  'open,000123,code128,season,unlimited',
].join('\r\n')

async function startVenue(csv = usual, rules?: object, options: Partial<BackendOptions> = {}) {
  const folder = await temporaryFolder()
  const [passes, rulesFile] = [join(folder, 'passes.csv'), join(folder, 'rules.json')]
  await writeFile(passes, csv)
  if (rules) await writeFile(rulesFile, JSON.stringify(rules))
  const tenant = { id: 'acme', key: tenantKey, passes, ...(rules ? { rules: rulesFile } : {}) }
  const site = await startSite({ tenant, ...options })
  const wallet = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(site.url + path, {
      method,
      headers: { 'x-api-key': tenantKey, 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? null : JSON.parse(text) }
  }
  return { site, wallet }
}

const verdict = async (site: Site, data: string, more: object = {}): Promise<VerdictAnswer> => {
  const response = await fetch(`${site.url}/gate/v1/verdicts`, {
    method: 'POST',
    headers: { 'x-api-key': site.apiKey, 'content-type': 'application/json' },
    body: JSON.stringify({
      client_scan_id: randomUUID(),
      device_id: 'reader',
      gate: 'north',
      data,
      type: 'qrcode',
      scanned_at: new Date().toISOString(),
      ...more,
    }),
  })
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`)
  return (await response.json()) as VerdictAnswer
}

describe('the Scan API', () => {
  it('correlates the exact value, whichever barcode of the pass, and lists the scans', async () => {
    const { site, wallet } = await startVenue()
    const client = createWalletClient({
      fetch,
      url: site.url,
      tenantId: 'acme',
      secret: () => Promise.resolve(tenantKey),
      now: () => new Date(),
    })
    const scan = async (data: string) => {
      const answer = await client.recordScan({ data, type: 'code128' })
      return answer.ok && 'passId' in answer.value ? answer.value.passId : answer
    }
    expect(await scan('0007-good')).toBe('good')
    expect(await scan('0007-chip')).toBe('good')
    expect(await scan('  blanks, a "quote" and\na line  ')).toBe('twice')
    expect(await scan('000123')).toBe('open')
    for (const other of ['123', '0123', '000123 ', '0007-GOOD', '\u001d000123']) expect(await scan(other)).toBeNull()

    const listed = await wallet('GET', '/api/acme/scans?pageSize=1&passId=good')
    expect(listed.headers.get('x-pagination-total')).toBe('2')
    expect(listed.body).toEqual([{ ...listed.body[0], passId: 'good', data: '0007-chip', type: 'code128' }])
    expect((await wallet('GET', `/api/acme/scans/${listed.body[0].id}`)).body).toEqual(listed.body[0])
    const passes = await wallet('GET', '/api/acme/passes')
    expect(passes.headers.get('x-pagination-total')).toBe('3')
    expect(passes.body[0]).toMatchObject({
      id: 'good',
      passType: 'day',
      nfcValue: '0007-chip',
      barcodes: [{ format: 'qrcode', value: '0007-good' }],
    })
  })

  it.each([
    ['a member too many', { data: 'abc', type: 'nfc', x: 1 }, 400, ['x']],
    ['no data', { type: 'nfc' }, 400, ['data']],
    ['data too short', { data: 'ab', type: 'nfc' }, 400, ['data']],
    ['data too long', { data: 'a'.repeat(2_049), type: 'nfc' }, 400, ['data']],
    ['another type', { data: 'abc', type: 'upce' }, 400, ['type']],
    ['no JSON', '{', 400, undefined],
  ])('refuses %s as ASP.NET does', async (_name, body, status, fields) => {
    const { wallet } = await startVenue()
    const answer = await wallet('POST', '/api/acme/scans', body)
    expect(answer.status).toBe(status)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.body).toMatchObject({ status, type: null, instance: null })
    expect(answer.body.errors && Object.keys(answer.body.errors)).toEqual(fields)
  })

  it('takes 2,048 characters of any kind', async () => {
    const value = '\u001dß'.repeat(1_024)
    const { wallet } = await startVenue(`passId,value\nlong,${value}`)
    expect(await wallet('POST', '/api/acme/scans', { data: value, type: 'qrcode' })).toMatchObject({
      status: 201,
      body: { passId: 'long' },
    })
  })

  it('knows its tenant by the key, and tells nobody of others', async () => {
    const { site, wallet } = await startVenue()
    const scan = { data: '0007-good', type: 'nfc' }
    expect((await wallet('POST', '/api/other/scans', scan)).status).toBe(404)
    expect((await wallet('POST', '/api/acme/scans', scan, { 'x-api-key': 'wrong' })).status).toBe(401)
    // A station's key is for gates, not for the tenant's API.
    expect((await wallet('POST', '/api/acme/scans', scan, { 'x-api-key': site.apiKey })).status).toBe(401)
    expect((await wallet('POST', '/api/acme/scans', scan, { 'content-type': 'text/plain' })).status).toBe(415)
  })

  it('takes tokens of its own endpoint, with the scopes that were asked for', async () => {
    const { site, wallet } = await startVenue()
    const ask = async (secret: string, scope: string) => {
      const response = await fetch(`${site.url}/oauth/token`, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'client_credentials',
          client_id: 'acme',
          client_secret: secret,
          scope,
        }),
      })
      return { status: response.status, body: (await response.json()) as { access_token: string } }
    }
    expect((await ask('wrong', '')).status).toBe(401)
    const headers = { authorization: `Bearer ${(await ask(tenantKey, 'Pass.Read')).body.access_token}` }
    const as = (method: string, path: string, body?: unknown) =>
      fetch(site.url + path, {
        method,
        headers: { ...headers, 'content-type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
      })
    expect((await as('GET', '/api/acme/passes')).status).toBe(200)
    expect((await as('POST', '/api/acme/scans', { data: 'abc', type: 'nfc' })).status).toBe(401)
    site.clock.at = new Date(Date.now() + 3_601_000)
    expect((await as('GET', '/api/acme/passes')).status).toBe(401)
    expect((await wallet('GET', '/api/acme/passes')).status).toBe(200)
  })
})

describe('a privilege', () => {
  it('is moved only by who knows its total, and never below nothing', async () => {
    const { wallet } = await startVenue()
    const path = '/api/acme/passes/good/privileges'
    const { body } = await wallet('POST', path, { externalId: 'lounge', type: 'MultiUse' })
    const move = (value: number, expectedTotal: number) =>
      wallet('POST', `${path}/${body.privilegeId}/movements`, { value, expectedTotal })
    expect(await move(3, 0)).toMatchObject({ status: 201, body: { total: 3 } })
    expect(await move(-1, 2)).toMatchObject({ status: 409, body: { currentTotal: 3 } })
    expect((await move(0, 3)).status).toBe(400)
    expect((await move(-4, 3)).status).toBe(422)
    const both = await Promise.all([move(-1, 3), move(-1, 3)])
    expect(both.map(({ status }) => status).toSorted()).toEqual([201, 409])
    expect((await wallet('GET', path)).body).toMatchObject([{ externalId: 'lounge', total: 2 }])
  })
})

describe('the relay', () => {
  it('knows a repeat, and a second read of one device', async () => {
    const { site, wallet } = await startVenue()
    const scan = {
      data: '0007-good',
      type: 'nfc',
      scanned_at: '2026-11-21T09:00:00.000Z',
      device_id: 'reader',
      client_scan_id: randomUUID(),
    }
    const send = (more: object) =>
      wallet('POST', '/relay/v1/wallet/scans', { ...scan, ...more }, { 'x-api-key': site.apiKey })
    expect(await send({})).toMatchObject({ status: 201, body: { passId: 'good' } })
    await send({})
    await send({ client_scan_id: randomUUID(), scanned_at: '2026-11-21T09:00:01.000Z' })
    expect((await wallet('GET', '/api/acme/scans')).headers.get('x-pagination-total')).toBe('1')
    await send({ client_scan_id: randomUUID(), scanned_at: '2026-11-21T09:00:03.000Z' })
    await send({ client_scan_id: randomUUID(), scanned_at: '2026-11-21T09:00:01.000Z', device_id: 'other' })
    expect((await wallet('GET', '/api/acme/scans')).headers.get('x-pagination-total')).toBe('3')
    expect((await send({ data: 'nobody' })).status).not.toBe(500)
  })
})

describe('the gates of one venue', () => {
  it('let a pass in once, though it is shown at all of them at the same moment', async () => {
    const { site } = await startVenue()
    const gates = Array.from({ length: 8 }, (_, gate) => `gate-${gate}`)
    const answers = await Promise.all(gates.map((gate) => verdict(site, '0007-good', { gate })))
    expect(answers.filter(({ judgement }) => judgement.result === 'admit')).toHaveLength(1)
    const won = gates[answers.findIndex(({ judgement }) => judgement.result === 'admit')]
    for (const { judgement } of answers) {
      if (judgement.result !== 'admit') expect(judgement).toMatchObject({ code: 'used', usedBefore: { gate: won } })
    }
    // The other value of the same pass.
    expect((await verdict(site, '0007-chip', { gate: 'east' })).judgement.code).toBe('used')
  })

  // SQLite has one writer, which waits for no row.
  it.runIf(engine === 'postgres')(
    'wait for one another without a connection, which others need meanwhile',
    async () => {
      const { site, wallet } = await startVenue()
      const other = await databaseOf(site.dataDir)
      const { promise: isOver, resolve: letGo } = Promise.withResolvers<void>()
      const held = Promise.withResolvers<void>()
      const holding = other.write(async (db) => {
        await db.selectFrom('tenants').selectAll().forNoKeyUpdate().execute()
        held.resolve()
        await isOver
      })
      await held.promise
      // More than there are connections, as when all gates are shown passes while another process of the site decides.
      const asking = Array.from({ length: 30 }, () => verdict(site, '000123'))
      expect((await wallet('GET', '/api/acme/passes')).status).toBe(200)
      letGo()
      await holding
      await Promise.all(asking)
      expect((await wallet('GET', '/api/acme/scans')).headers.get('x-pagination-total')).toBe('30')
    },
  )

  it('answer a repeat as before and count it once', async () => {
    const { site } = await startVenue()
    const id = randomUUID()
    const [first, again] = [
      await verdict(site, '0007-good', { client_scan_id: id }),
      await verdict(site, '0007-good', { client_scan_id: id }),
    ]
    expect(again).toEqual(first)
    expect(first).toMatchObject({ judgement: { code: 'admitted' }, inside: 1 })
  })

  it('record what a station did alone, say whether they would have done so, and name what it doubles', async () => {
    const { site } = await startVenue()
    await verdict(site, '0007-good', { gate: 'south' })
    const offline = { code: 'admitted', counts_entry: true }
    expect(await verdict(site, '0007-good', { offline })).toMatchObject({
      agrees: false,
      judgement: { code: 'used' },
      doubles: { gate: 'south' },
    })
    expect(await verdict(site, '000123', { offline })).toMatchObject({ agrees: true, doubles: null, inside: 2 })
    // The question had arrived and was answered; the station did not hear it and sent the person to the staff.
    const id = randomUUID()
    const lost = '  blanks, a "quote" and\na line  '
    expect(await verdict(site, lost, { client_scan_id: id })).toMatchObject({ inside: 3 })
    const told = { client_scan_id: id, offline: { code: 'offline_refer', counts_entry: false } }
    expect(await verdict(site, lost, told)).toMatchObject({ agrees: false })
    expect((await verdict(site, lost, { gate: 'east' })).judgement).toMatchObject({
      code: 'admitted',
      inputs: { entries: 0 },
    })
  })

  it('take an admission back', async () => {
    const { site, wallet } = await startVenue()
    const id = randomUUID()
    await verdict(site, '0007-good', { client_scan_id: id })
    const undo = () => wallet('POST', `/gate/v1/verdicts/${id}/undo`, { reason: 'nobody passed' })
    expect((await undo()).status).toBe(200)
    expect((await undo()).status).toBe(200)
    expect((await verdict(site, '0007-good')).judgement).toMatchObject({ code: 'admitted', inputs: { inside: 0 } })
    expect((await wallet('POST', `/gate/v1/verdicts/${randomUUID()}/undo`, { reason: 'x' })).status).toBe(404)
  })

  it('have rules of their own, and an exit', async () => {
    const { site } = await startVenue(usual, {
      '*': { event: 'concert', reentry: 'free' },
      vip: { event: 'concert', passTypes: ['season'] },
      out: { event: 'concert', direction: 'exit' },
    })
    expect((await verdict(site, '0007-good', { gate: 'vip' })).judgement.code).toBe('wrong_type')
    expect((await verdict(site, '0007-good')).judgement.code).toBe('admitted')
    expect(await verdict(site, '0007-good', { gate: 'out' })).toMatchObject({
      judgement: { code: 'exited' },
      inside: 0,
    })
    expect((await verdict(site, '0007-good')).judgement.code).toBe('readmitted')
  })

  it('give their stations a list that follows every use', async () => {
    const { site } = await startVenue()
    const client = createGateClient({
      fetch,
      url: site.url,
      credential: () => Promise.resolve(site.apiKey),
      now: () => new Date(),
    })
    const key = await client.listKey()
    if (!key.ok) throw new Error(key.failure.message)
    const log = { ...silentLog, debug: () => undefined, child: () => log } as never
    const list = openPassList({ path: join(await temporaryFolder(), 'list.sqlite'), key: key.value, log })
    const load = () =>
      loadList({
        client,
        list,
        log,
        signal: new AbortController().signal,
        key: () => Promise.resolve(key.value),
        onProgress: () => undefined,
      })
    expect(await load()).toEqual({ outcome: 'current' })
    expect(list.state).toMatchObject({ values: 4, left: 0 })
    expect(list.find('  blanks, a "quote" and\na line  ')).toMatchObject({
      pass: { passId: 'twice', passType: 'season', entries: { kind: 'times', times: 2 } },
      use: { entries: 0 },
    })
    await verdict(site, '0007-good', { gate: 'south' })
    await load()
    for (const value of ['0007-good', '0007-chip'])
      expect(list.find(value)?.use).toMatchObject({ entries: 1, isInside: true, lastEntry: { gate: 'south' } })
    list.close()
  })

  it(
    'give a list whose load was interrupted from where it was, and what has changed meanwhile',
    { timeout: 180_000 },
    async () => {
      const count = 4_500
      const rows = Array.from({ length: count }, (_, index) => `pass-${index},value-${index}`)
      const { site } = await startVenue(['passId,value', ...rows].join('\n'))
      const log = { ...silentLog, debug: () => undefined, child: () => log } as never
      const path = join(await temporaryFolder(), 'list.sqlite')
      const asked: string[] = []
      /** A road that is cut in the middle of the page with this number. */
      const load = async (cutPage: number) => {
        let pages = 0
        const client = createGateClient({
          fetch: async (address, init) => {
            const { pathname, search } = new URL(address)
            if (pathname !== '/gate/v1/list') return await fetch(address, init)
            asked.push(search)
            const response = await fetch(address, init)
            pages += 1
            if (pages !== cutPage || response.body === null) return response
            const reader = response.body.getReader()
            const half = new ReadableStream<Uint8Array>({
              async pull(controller) {
                controller.enqueue((await reader.read()).value?.subarray(0, 1_000) ?? new Uint8Array())
                controller.error(new Error('the road is cut'))
                await reader.cancel()
              },
            })
            return new Response(half, response)
          },
          url: site.url,
          credential: () => Promise.resolve(site.apiKey),
          now: () => new Date(),
        })
        const key = await client.listKey()
        if (!key.ok) throw new Error(key.failure.message)
        // Another process each time: what is there is what the file has.
        const list = openPassList({ path, key: key.value, log })
        const ended = await loadList({
          client,
          list,
          log,
          signal: new AbortController().signal,
          key: () => Promise.resolve(key.value),
          onProgress: () => undefined,
        })
        const found = [0, count - 1].map((index) => list.find(`value-${index}`)?.use.entries ?? null)
        const { state } = list
        list.close()
        return { outcome: ended.outcome, state, found }
      }
      expect(await load(1)).toMatchObject({ outcome: 'failed', state: null, found: [null, null] })
      expect(await load(2)).toMatchObject({ outcome: 'failed', state: { at: 4_000, asOf: null }, found: [0, null] })
      await verdict(site, 'value-0')
      expect(await load(0)).toMatchObject({ outcome: 'current', state: { values: count, left: 0 }, found: [1, 0] })
      expect(asked).toEqual(['?after=0', '?after=0', '?after=4000', '?after=4000'])
    },
  )

  it('do not let one pass in for another that has the same value', async () => {
    const { site, wallet } = await startVenue('passId,value\none,the same\nother,the same')
    expect((await wallet('POST', '/api/acme/scans', { data: 'the same', type: 'nfc' })).status).toBe(404)
    expect((await verdict(site, 'the same')).judgement.code).toBe('unknown_pass')
  })

  it('are listed by what one pass alone has, and counted, however many files bring them in whatever order', async () => {
    const { site } = await startVenue('passId,value\nfirst,not-one-of-them')
    const database = await databaseOf(site.dataDir)
    const folder = await temporaryFolder()
    const row = fc.record({ pass: fc.constantFrom('a', 'b', 'c'), value: fc.constantFrom('1', '2', '3', '4') })
    const files = fc.array(fc.array(row, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 3 })
    let runs = 0
    await fc.assert(
      fc.asyncProperty(files, async (parts) => {
        const run = (runs += 1)
        for (const [index, rows] of parts.entries()) {
          const path = join(folder, `${run}-${index}.json`)
          const named = rows.map(({ pass, value }) => ({ passId: `${run}-${pass}`, value: `value-${run}-${value}` }))
          await writeFile(path, JSON.stringify(named))
          await importPasses(database, 'acme', path, silentLog, () => new Date())
        }
        const holders = Map.groupBy(
          new Set(parts.flat().map(({ pass, value }) => `${value} ${pass}`)),
          (one) => one.split(' ')[0],
        )
        const alone = [...holders.values()].filter(({ length }) => length === 1).length
        const stored = await database.db
          .selectFrom('pass_values')
          .select(['sealed', 'change'])
          .where('value', 'like', `value-${run}-%`)
          .execute()
        expect(stored.length).toBe([...holders.values()].flat().length)
        expect(stored.filter(({ sealed }) => sealed !== '').length).toBe(alone)
        const listed = await database.db
          .selectFrom('pass_values')
          .select((select) => select.fn.countAll().as('n'))
          .where('sealed', '!=', '')
          .executeTakeFirstOrThrow()
        const tenant = await database.db.selectFrom('tenants').selectAll().executeTakeFirstOrThrow()
        expect(tenant.listed).toBe(Number(listed.n))
        // No change is told twice, and none is beyond the last.
        expect(new Set(stored.map(({ change }) => change)).size).toBe(stored.length)
        expect(Math.max(...stored.map(({ change }) => change))).toBeLessThanOrEqual(tenant.changes)
      }),
      { numRuns: 12 },
    )
  })

  it('leave out rows that are wrong and say so, and take the others', async () => {
    const { wallet } = await startVenue(
      'passId,value,validFrom,entries\nok,value-1,2026-11-21T10:00+01:00,daily\n,value-2,,\nbad,value-3,tomorrow,\nworse,value-4,,0\nshort,ab,,',
    )
    const { body } = await wallet('GET', '/api/acme/passes')
    expect(body.map(({ id, validFrom }: { id: string; validFrom: string }) => [id, validFrom])).toEqual([
      ['ok', '2026-11-21T09:00:00.000Z'],
    ])
  })
})

describe('the vectors of the rules', () => {
  it('give the same verdicts at the site', async () => {
    const { site } = await startVenue('passId,value\nnone,none-at-all')
    const { write } = await databaseOf(site.dataDir)
    const asked = gateVectors.filter(({ question }) => question.mode === 'online' && question.clock.mostMs === 0)
    expect(asked.length).toBeGreaterThan(40)
    const [told, expected]: [Record<string, object>, Record<string, object>] = [{}, {}]
    for (const [index, { name, question, expected: wanted }] of asked.entries()) {
      const { pass, use, rules, inside } = question
      const [id, value, event] = [`pass-${index}`, `value-${index}`, `event-${index}`]
      await write(async (db) => {
        const { holdTenant, placeOf, listKeys } = await import('#backend/gate/passes.ts')
        const tenant = await holdTenant(db, 'acme')
        await db
          .updateTable('tenants')
          .set({ rules: JSON.stringify({ '*': { ...rules, event } }) })
          .execute()
        if (inside) await db.insertInto('attendance').values({ tenant_id: 'acme', event, inside }).execute()
        if (pass === null) return
        await db
          .insertInto('passes')
          .values({
            tenant_id: 'acme',
            id,
            pass_type: pass.passType,
            pass_kind: pass.passKind,
            status: pass.status,
            valid_from: pass.validFrom,
            valid_until: pass.validUntil,
            entries: pass.entries && JSON.stringify(pass.entries),
            lists: JSON.stringify(pass.lists),
            identifiers: '{}',
            metadata: '{}',
            created_at: '2026-11-01T00:00:00.000Z',
            modified_at: '2026-11-01T00:00:00.000Z',
          })
          .execute()
        const place = placeOf(listKeys(tenant), value)
        await db
          .insertInto('pass_values')
          .values({ tenant_id: 'acme', place, pass_id: id, value, format: 'qrcode', sealed: '', change: 0 })
          .execute()
        const used = { used: JSON.stringify(use), is_inside: use.isInside ? 1 : 0 }
        await db
          .insertInto('pass_uses')
          .values({ tenant_id: 'acme', event, pass_id: id, ...used })
          .execute()
        for (const [external_id, total] of Object.entries(pass.privileges)) {
          const type = total === null ? 'Unlimited' : 'MultiUse'
          const row = { tenant_id: 'acme', id: randomUUID(), pass_id: id, external_id, priority: 0 }
          await db
            .insertInto('pass_privileges')
            .values({ ...row, type, total: total ?? 0 })
            .execute()
        }
      })
      // The site always counts who is inside.
      if (name === 'nobody counts') continue
      const of = ({ result, code, path, countsEntry, usedBefore }: Judgement) => ({
        result,
        code,
        path,
        countsEntry,
        usedBefore,
      })
      told[name] = of((await verdict(site, value, { scanned_at: question.now.toISOString() })).judgement)
      const judged = judge(question)
      expect(judged.code, name).toBe(wanted.code)
      expected[name] = of(judged)
    }
    expect(told).toEqual(expected)
  })
})
