import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { isWellFormedKey } from '#backend/keys.ts'
import { databaseOf, databaseUrl, engine, scanner, startSite, temporaryFolder, type Site } from './fixture.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Runs `capstan backend ...` on a site's database and answers its lines. */
async function capstan(dataDir: string, ...args: string[]) {
  const url = await databaseUrl(dataDir)
  const child = spawn(
    process.execPath,
    ['src/cli/capstan.ts', 'backend', ...args, ...(url === undefined ? ['--data', dataDir] : ['--database-url', url])],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const [out, error, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return {
    code: code as number,
    error,
    lines: out
      .split('\n')
      .filter((line) => line !== '')
      // oxlint-disable-next-line typescript/no-explicit-any
      .map((line): any => JSON.parse(line)),
  }
}

const status = async (site: Site, key: string, method = 'GET') =>
  (await site.call(method, `${scanner}/sessions`, method === 'GET' ? undefined : {}, { 'X-API-Key': key })).status

describe('capstan backend keys', () => {
  it('makes a key that works at once, is shown once, and is nowhere in the clear', async () => {
    const site = await startSite()
    const { code, lines } = await capstan(site.dataDir, 'keys', 'create', '--name', 'dock 3', '--role', 'readonly')
    expect([code, lines.length]).toEqual([0, 1])
    const { key, id } = lines[0]
    expect(isWellFormedKey(key)).toBe(true)
    expect([await status(site, key), await status(site, key, 'POST')]).toEqual([200, 403])
    const list = await capstan(site.dataDir, 'keys', 'list')
    expect(list.lines.map(({ name }) => name).toSorted()).toEqual(['dock 3', 'host'])
    expect(JSON.stringify(list.lines)).not.toContain(key)
    expect(JSON.stringify(list.lines)).not.toContain('hash')
    if (engine === 'sqlite') {
      for (const name of ['backend.sqlite', 'backend.sqlite-wal']) {
        expect((await readFile(join(site.dataDir, name)).catch(() => Buffer.alloc(0))).includes(key)).toBe(false)
      }
    }
    expect((await capstan(site.dataDir, 'keys', 'revoke', id)).lines[0].is_active).toBe(false)
    expect(await status(site, key)).toBe(401)
  })

  it('makes publishable keys, which only read and have the documented limit of a minute', async () => {
    const site = await startSite()
    const refused = await capstan(
      site.dataDir,
      'keys',
      'create',
      '--name',
      'shop',
      '--kind',
      'publishable',
      '--role',
      'editor',
    )
    expect([refused.code, refused.error]).toEqual([2, expect.stringContaining('may only read')])
    const { lines } = await capstan(site.dataDir, 'keys', 'create', '--name', 'shop', '--kind', 'publishable')
    const { key } = lines[0]
    expect([key.slice(0, 4), isWellFormedKey(key), lines[0].role]).toEqual(['cpk_', true, 'readonly'])
    expect([await status(site, key), await status(site, key, 'POST')]).toEqual([200, 403])
    const { headers } = await site.call('GET', `${scanner}/sessions`, undefined, { 'X-API-Key': key })
    expect(headers.get('ratelimit-policy')).toMatch(/^100;w=60, /)
  })

  it("makes a user's keys, which may what the user may at the time", async () => {
    const site = await startSite({ user: { email: 'ada@example.org', password: 'correct horse' } })
    const unknown = await capstan(
      site.dataDir,
      'keys',
      'create',
      '--name',
      'x',
      '--kind',
      'user',
      '--user',
      'b@example.org',
    )
    expect([unknown.code, unknown.error]).toEqual([2, expect.stringContaining('There is no user b@example.org')])
    const { lines } = await capstan(
      site.dataDir,
      'keys',
      'create',
      '--name',
      'her script',
      '--kind',
      'user',
      '--user',
      'Ada@example.org',
    )
    const { key } = lines[0]
    expect([key.slice(0, 4), lines[0].kind]).toEqual(['csu_', 'user'])
    expect([await status(site, key), await status(site, key, 'POST')]).toEqual([200, 201])
    const { db } = await databaseOf(site.dataDir)
    await db.updateTable('users').set({ role: 'readonly' }).execute()
    expect([await status(site, key), await status(site, key, 'POST')]).toEqual([200, 403])
    await db.deleteFrom('users').execute()
    expect(await status(site, key)).toBe(401)
  })

  it('rotates a key: the new one works, the old one until its time is over', async () => {
    const site = await startSite()
    const old = (await capstan(site.dataDir, 'keys', 'create', '--name', 'a', '--per-minute', '7')).lines[0]
    const fresh = (await capstan(site.dataDir, 'keys', 'rotate', old.id, '--keep-hours', '1')).lines[0]
    expect([fresh.name, fresh.rate_limit_per_minute, fresh.id === old.id]).toEqual(['a', 7, false])
    expect([await status(site, old.key), await status(site, fresh.key)]).toEqual([200, 200])
    site.clock.at = new Date(Date.now() + 3_700_000)
    expect([await status(site, old.key), await status(site, fresh.key)]).toEqual([401, 200])
  })

  it('says what is wrong and ends with 2', async () => {
    const folder = await temporaryFolder()
    const site = await startSite({ dataDir: folder })
    const ofDatabase = [
      ['keys', 'create', '--name', 'x', '--organization', 'none'],
      ['keys', 'rotate', 'CXc85b4rqinB7s5J52TRYb'],
    ]
    const ofArguments = [
      ['keys'],
      ['keys', 'create'],
      ['keys', 'create', '--name', 'x', '--role', 'owner'],
      ['keys', 'create', '--name', 'x', '--per-day', 'many'],
      ['keys', 'revoke'],
      ['organizations', 'create'],
      ['organizations', 'delete'],
    ]
    for (const args of engine === 'sqlite' ? [...ofArguments, ...ofDatabase] : ofDatabase) {
      const { code, error } = await capstan(site.dataDir, ...args)
      expect(code, args.join(' ')).toBe(2)
      expect(JSON.parse(error).error.message, args.join(' ')).not.toBe('')
    }
  })

  it.runIf(engine === 'sqlite')('makes no database in a folder that has none, and says what to do', async () => {
    const folder = await temporaryFolder()
    const { code, error } = await capstan(folder, 'keys', 'list')
    expect(code).toBe(2)
    expect(JSON.parse(error).error.message).toBe(
      `There is no backend in ${folder}. Start it once: capstan backend --data ${folder} --port 4800`,
    )
    expect(await readdir(folder)).toEqual([])
  })
})

describe('organisations', () => {
  it('are made by a command, and each finds only what is its own', async () => {
    const site = await startSite()
    const session = await site.openSession()
    const { id } = (await capstan(site.dataDir, 'organizations', 'create', '--name', 'North')).lines[0]
    expect((await capstan(site.dataDir, 'keys', 'create', '--name', 'x')).code).toBe(2)
    const { key } = (await capstan(site.dataDir, 'keys', 'create', '--name', 'x', '--organization', id)).lines[0]
    const other = { 'X-API-Key': key }
    expect((await site.call('GET', `${scanner}/sessions/${session}`, undefined, other)).status).toBe(404)
    expect((await site.call('GET', `${scanner}/sessions`, undefined, other)).body.data).toEqual([])
    const own = await site.call('POST', `${scanner}/sessions`, {}, other)
    expect(own.body.organization_short_id).toBe(id)
    expect((await capstan(site.dataDir, 'organizations', 'list')).lines).toHaveLength(2)
  })
})

describe('a key', () => {
  it('is marked as used, and keeps its own limits a minute and a day', async () => {
    const site = await startSite({ sessionTtlSeconds: 2 })
    const { key, id } = (
      await capstan(site.dataDir, 'keys', 'create', '--name', 'x', '--per-minute', '5', '--per-day', '6')
    ).lines[0]
    site.clock.at = new Date('2026-11-21T09:00:00.000Z')
    const { headers } = await site.call('GET', `${scanner}/sessions`, undefined, { 'X-API-Key': key })
    expect([headers.get('ratelimit-policy'), headers.get('ratelimit-remaining')]).toEqual(['5;w=60, 6;w=86400', '4'])
    for (let left = 4; left > 0; left -= 1) expect(await status(site, key)).toBe(200)
    expect(await status(site, key)).toBe(429)
    site.clock.at = new Date('2026-11-21T09:01:00.000Z')
    expect(await status(site, key)).toBe(200)
    expect(await status(site, key)).toBe(429)
    site.clock.at = new Date('2026-11-22T00:00:00.000Z')
    expect(await status(site, key)).toBe(200)
    const used = async () =>
      (await capstan(site.dataDir, 'keys', 'list')).lines.find((line) => line.id === id).last_used_at as string | null
    await delay(1_100)
    await expect.poll(used, { timeout: 60_000 }).toBe('2026-11-22T00:00:00.000Z')
  })
})
