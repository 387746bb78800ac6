import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Role } from '#backend/db/tables.ts'
import { isWellFormedKey, makeKey, secretHash } from '#backend/keys.ts'
import {
  databaseOf,
  engine,
  jpeg,
  photoForm,
  readReply,
  scanner,
  startSite,
  temporaryFolder,
  type Site,
} from './fixture.ts'

/** Adds a key to a running site's database, as a later `keys` command will. */
async function addKey(
  site: Site,
  change: { role?: Role; organization?: string; active?: number; expires?: string } = {},
) {
  const key = makeKey()
  const { db } = await databaseOf(site.dataDir)
  const own = await db.selectFrom('organizations').select('id').executeTakeFirstOrThrow()
  const organization = change.organization ?? own.id
  await db
    .insertInto('organizations')
    .values({ id: organization, name: 'Other', created_at: '2026' })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  await db
    .insertInto('api_keys')
    .values({
      id: key,
      organization_id: organization,
      name: 'test',
      hash: secretHash(key),
      role: change.role ?? 'editor',
      rate_limit_per_minute: 0,
      is_active: change.active ?? 1,
      expires_at: change.expires ?? null,
      last_used_at: null,
      created_at: '2026',
    })
    .execute()
  return { 'X-API-Key': key }
}

describe('an API key', () => {
  it('has the documented format, and a mistyped one is known by its checksum', () => {
    const key = makeKey()
    expect(key).toMatch(/^csb_[0-9A-Za-z]{32}_[0-9a-f]{8}$/)
    expect(isWellFormedKey(key)).toBe(true)
    expect(isWellFormedKey(key.replace(/_./, (match) => (match === '_a' ? '_b' : '_a')))).toBe(false)
  })

  it('is made once for a folder, kept for its owner only, and is not in the database', async () => {
    const site = await startSite()
    const file = join(site.dataDir, 'backend.key')
    expect(isWellFormedKey(site.apiKey)).toBe(true)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    const { db } = await databaseOf(site.dataDir)
    expect(JSON.stringify(await db.selectFrom('api_keys').selectAll().execute())).not.toContain(site.apiKey)
    await site.close()
    if (engine === 'sqlite') {
      expect((await readFile(join(site.dataDir, 'backend.sqlite'))).includes(site.apiKey)).toBe(false)
    }
    expect((await startSite({ dataDir: site.dataDir })).apiKey).toBe(site.apiKey)
  })

  it('may be any text when configured; the one before it ends', async () => {
    const site = await startSite({ apiKey: 'first secret' })
    expect((await site.call('GET', `${scanner}/sessions`)).status).toBe(200)
    await site.close()
    const next = await startSite({ dataDir: site.dataDir, apiKey: 'second' })
    expect((await next.call('GET', `${scanner}/sessions`)).status).toBe(200)
    const old = await next.call('GET', `${scanner}/sessions`, undefined, { 'X-API-Key': 'first secret' })
    expect(old.status).toBe(401)
  })

  it('that is missing, wrong, revoked or expired answers 401; a read-only one may not write', async () => {
    const site = await startSite()
    const read = async (headers: Record<string, string>) =>
      (await site.call('GET', `${scanner}/sessions`, undefined, headers)).status
    expect((await fetch(`${site.url}${scanner}/sessions`)).status).toBe(401)
    expect(await read({ 'X-API-Key': 'wrong' })).toBe(401)
    expect(await read({ 'X-API-Key': makeKey() })).toBe(401)
    expect(await read(await addKey(site, { active: 0 }))).toBe(401)
    expect(await read(await addKey(site, { expires: '2020-01-01T00:00:00.000Z' }))).toBe(401)
    const readonly = await addKey(site, { role: 'readonly' })
    expect(await read(readonly)).toBe(200)
    expect((await site.call('POST', `${scanner}/sessions`, {}, readonly)).status).toBe(403)
    expect((await site.call('POST', `${scanner}/sessions`, {}, await addKey(site))).status).toBe(201)
  })

  it('of another organisation finds nothing of ours', async () => {
    const site = await startSite()
    const id = await site.openSession()
    const capture = await site.submit(id, 'x')
    const other = await addKey(site, { organization: 'CXc85b4rqinB7s5J52TRYb' })
    const status = async (method: string, path: string, body?: unknown) =>
      (await site.call(method, `${scanner}${path}`, body, other)).status
    expect(await status('GET', `/sessions/${id}`)).toBe(404)
    expect(await status('POST', `/sessions/${id}/end`)).toBe(404)
    expect(await status('GET', `/captures/${capture.body.id}`)).toBe(404)
    expect(await status('POST', '/captures', { session_short_id: id, capture_type: 'MANUAL', raw_value: 'x' })).toBe(
      404,
    )
    expect(await status('POST', '/captures/upload-image', photoForm({ session_short_id: id }))).toBe(404)
    expect((await site.call('GET', `${scanner}/captures`, undefined, other)).body.data).toEqual([])
  })
})

describe('a cookie', () => {
  it('is given for the right password, reads, and writes with the CSRF header only', async () => {
    const site = await startSite({ user: { email: 'Operator@example.org', password: 'correct horse' } })
    const login = (password: string) =>
      fetch(`${site.url}/account/api/v1/login`, {
        method: 'POST',
        body: JSON.stringify({ email: 'operator@example.org', password }),
      })
    expect((await login('wrong')).status).toBe(401)
    const answer = await login('correct horse')
    const cookies = answer.headers.getSetCookie()
    expect(cookies.find((cookie) => cookie.startsWith('sessionid='))).toContain('HttpOnly')
    const { organization_short_id: organization } = (await answer.json()) as { organization_short_id: string }
    const jar = cookies.map((cookie) => cookie.split(';')[0]).join('; ')
    const token = /csrftoken=([^;]+)/.exec(jar)?.[1] ?? ''
    const call = async (method: string, headers: Record<string, string>, body?: unknown) =>
      readReply(
        await fetch(`${site.url}${scanner}/sessions`, {
          method,
          headers: { Cookie: jar, ...headers },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
      )
    expect((await call('GET', {})).status).toBe(200)
    expect((await call('POST', {}, { organization_short_id: organization })).status).toBe(403)
    expect((await call('POST', { 'X-CSRFToken': 'guess' }, { organization_short_id: organization })).status).toBe(403)
    expect((await call('POST', { 'X-CSRFToken': token }, {})).body.errors[0].field).toBe('organization_short_id')
    expect((await call('POST', { 'X-CSRFToken': token }, { organization_short_id: organization })).status).toBe(201)
    site.clock.at = new Date(Date.now() + 15 * 24 * 3_600_000)
    expect((await call('GET', {})).status).toBe(401)
  })
})

describe('signing out', () => {
  it('needs the CSRF header, ends the login, and clears the cookies', async () => {
    const site = await startSite({ user: { email: 'a@example.org', password: 'correct horse' } })
    const login = await fetch(`${site.url}/account/api/v1/login`, {
      method: 'POST',
      body: JSON.stringify({ email: 'a@example.org', password: 'correct horse' }),
    })
    const jar = login.headers
      .getSetCookie()
      .map((cookie) => cookie.split(';')[0])
      .join('; ')
    const csrf = /csrftoken=([^;]+)/.exec(jar)?.[1] ?? ''
    const call = (method: string, path: string, headers: Record<string, string> = {}) =>
      fetch(`${site.url}/account/api/v1/${path}`, { method, headers: { Cookie: jar, ...headers } })
    expect(await (await call('GET', 'me')).json()).toMatchObject({
      kind: 'cookie',
      name: 'a@example.org',
      role: 'manager',
    })
    expect((await call('POST', 'logout')).status).toBe(403)
    const out = await call('POST', 'logout', { 'X-CSRFToken': csrf })
    expect([out.status, out.headers.getSetCookie().every((cookie) => cookie.includes('Max-Age=0'))]).toEqual([
      204,
      true,
    ])
    expect((await call('GET', 'me')).status).toBe(401)
  })
})

describe('behind a proxy with https', () => {
  it('cookies are for https only, and addresses for uploads are those of the proxy', async () => {
    const site = await startSite({
      publicUrl: 'https://scan.example.org',
      user: { email: 'a@example.org', password: 'correct horse' },
    })
    const login = await fetch(`${site.url}/account/api/v1/login`, {
      method: 'POST',
      body: JSON.stringify({ email: 'a@example.org', password: 'correct horse' }),
    })
    expect(login.headers.getSetCookie().map((cookie) => cookie.endsWith('; Secure'))).toEqual([true, true])
    const session = await site.openSession()
    const { body } = await site.call('GET', `${scanner}/sessions/${session}/presigned-upload-url`)
    expect(body.upload_url).toMatch(/^https:\/\/scan\.example\.org\/scanner\/api\/v1\/uploads\//)
  })
})

describe('the rate limit', () => {
  it('is in the headers of every answer, also where there is none', async () => {
    const site = await startSite({ rateLimitPerMinute: 300 })
    site.clock.at = new Date('2026-11-21T09:00:15.000Z')
    const { headers } = await site.call('GET', `${scanner}/sessions`)
    expect(Object.fromEntries([...headers].filter(([name]) => name.includes('ratelimit')))).toEqual({
      'ratelimit-policy': '300;w=60, 10000;w=86400',
      'ratelimit-limit': '300',
      'ratelimit-remaining': '299',
      'ratelimit-reset': '45',
      'x-ratelimit-limit': '300',
      'x-ratelimit-remaining': '299',
      'x-ratelimit-reset': String(Date.parse('2026-11-21T09:01:00.000Z') / 1_000),
    })
    for (const path of ['/nowhere', '/healthz', `${scanner}/sessions/bad`]) {
      expect((await site.call('GET', path)).headers.has('ratelimit-limit'), path).toBe(true)
    }
    const free = await startSite()
    expect((await free.call('GET', '/healthz')).headers.has('ratelimit-limit')).toBe(true)
  })

  it('answers 429 with Retry-After until its window has passed, for each credential apart', async () => {
    const site = await startSite({ rateLimitPerMinute: 3 })
    site.clock.at = new Date('2026-11-21T09:00:15.000Z')
    const read = () => site.call('GET', `${scanner}/sessions`)
    for (let index = 0; index < 3; index += 1) expect((await read()).status).toBe(200)
    const refused = await read()
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '45'])
    expect(refused.body).toMatchObject({ retryable: true, retry_after_seconds: 45, error_code: 'rate_limited' })
    expect((await site.call('GET', `${scanner}/sessions`, undefined, await addKey(site))).status).toBe(200)
    site.clock.at = new Date('2026-11-21T09:01:00.000Z')
    expect((await read()).status).toBe(200)
  })

  it('is neither for those who watch the server nor for photos to an address that it gave; for guessed ones it is', async () => {
    const site = await startSite({ rateLimitPerMinute: 4 })
    site.clock.at = new Date('2026-11-21T09:00:15.000Z')
    const { body } = await site.call(
      'GET',
      `${scanner}/sessions/${await site.openSession({})}/presigned-upload-url?photo_type=front`,
    )
    const put = async (url: string) => (await fetch(url, { method: 'PUT', body: jpeg() })).status
    for (let index = 0; index < 6; index += 1) {
      for (const path of ['/healthz', '/readyz', '/metrics']) {
        expect((await fetch(site.url + path)).status, path).toBe(200)
      }
      expect(await put(body.upload_url)).toBe(204)
    }
    const guessed = `${body.upload_url.slice(0, -4)}AAAA`
    const answers: number[] = []
    for (let index = 0; index < 6; index += 1) answers.push(await put(guessed))
    expect(answers).toEqual([404, 404, 404, 404, 429, 429])
  })

  it('is there for passwords where there is no other, by address', async () => {
    const site = await startSite({ user: { email: 'a@example.org', password: 'correct horse' } })
    site.clock.at = new Date('2026-11-21T09:00:15.000Z')
    const signIn = async (password: string) =>
      (await site.call('POST', '/account/api/v1/login', { email: 'a@example.org', password })).status
    const answers = await Promise.all(Array.from({ length: 22 }, (_, index) => signIn(`guess ${index}`)))
    expect(answers.toSorted()).toEqual([...Array.from({ length: 20 }, () => 401), 429, 429])
    expect(await signIn('correct horse')).toBe(429)
    expect((await site.call('GET', `${scanner}/sessions`)).status).toBe(200)
    site.clock.at = new Date('2026-11-21T09:01:00.000Z')
    expect(await signIn('correct horse')).toBe(200)
  })

  it.runIf(engine === 'postgres')(
    'is one for all processes of a database, and counts what was let through',
    async () => {
      const dataDir = await temporaryFolder()
      const at = new Date('2026-11-21T09:00:15.000Z')
      const sites = await Promise.all([1, 2].map(() => startSite({ dataDir, rateLimitPerMinute: 30 })))
      for (const site of sites) site.clock.at = at
      const replies = await Promise.all(
        Array.from({ length: 80 }, (_, index) => sites[index % 2]!.call('GET', `${scanner}/sessions`)),
      )
      expect(replies.filter(({ status }) => status === 200)).toHaveLength(30)
      expect(replies.filter(({ status }) => status === 429)).toHaveLength(50)
      const left = replies.flatMap(({ status, headers }) =>
        status === 200 ? [headers.get('ratelimit-remaining')] : [],
      )
      expect(left.map(Number).toSorted((one, other) => one - other)).toEqual(
        Array.from({ length: 30 }, (_, index) => index),
      )
      for (const site of sites) site.clock.at = new Date('2026-11-21T09:01:00.000Z')
      expect(
        await Promise.all(sites.map(async (site) => (await site.call('GET', `${scanner}/sessions`)).status)),
      ).toEqual([200, 200])
    },
  )
})
