import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { strFromU8, unzipSync } from 'fflate'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Result } from '#contract/result.ts'
import type { EnrolmentOutcome } from '#contract/station/enrolment.ts'
import type { UpdateStatus } from '#contract/station/update.ts'
import { supportFileSchema } from '#contract/station/upkeep.ts'
import type { ProcedureInput, ProcedureName, ProcedureOutput } from '#contract/station/procedures.ts'
import { createSiteSecret, openSiteKey, readEnrolmentCode } from '#enrolment/index.ts'
import { newDataKey, recoveryKeyOf } from '#sealing/index.ts'
import { openDatabase } from '#station/store/database.ts'
import { entriesOf } from '#station/store/ledger-carry.ts'
import {
  checkLedgerOf,
  createStation,
  forkImaging,
  openStationSite,
  systemClock,
  type Station,
  type StationPorts,
} from '#station/index.ts'
import { silentLog } from '#backend/log.ts'
import { forgetSupport, supportKeptMs } from '#backend/support.ts'
import { administrationOf, databaseOf, soundHealth, startSite, temporaryFolder, type Site } from './fixture.ts'

const hourMs = 3_600_000

const valueOf = <T>(result: Result<T>): T => {
  if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`)
  return result.value
}

/** A site with somebody who may make codes. */
async function startFleet() {
  const site = await startSite()
  const administration = await administrationOf(site)
  onTestFinished(() => administration.close())
  const code = async (wish: { label?: string; group?: string; validMs?: number; url?: string } = {}) =>
    valueOf(await administration.createCode({ label: 'Dock 3', group: '', validMs: hourMs, url: site.url, ...wish }))
  return { site, administration, code }
}

const stationLog: StationPorts['log'] = { ...silentLog, debug: () => undefined, child: () => stationLog }

async function startStation(options: Partial<StationPorts> = {}) {
  const dataDir = options.dataDir ?? (await temporaryFolder())
  const requests: string[] = []
  const station: Station = valueOf(
    await createStation({
      host: 'cli',
      version: '1.2.3',
      log: stationLog,
      fetch: (url, init) => {
        requests.push(`${init.method ?? 'GET'} ${new URL(url).pathname}`)
        return fetch(url, init)
      },
      backend: { url: null, credential: () => Promise.resolve(null) },
      spawnImaging: forkImaging(),
      ...options,
      dataDir,
    }),
  )
  onTestFinished(() => station.close())
  const call = async <N extends ProcedureName>(name: N, input: ProcedureInput<N>): Promise<ProcedureOutput<N>> =>
    valueOf((await station.call(name, input)) as Result<ProcedureOutput<N>>)
  const enrol = async (code: string): Promise<EnrolmentOutcome> => {
    const inspected = await call('enrolment.inspect', { code })
    return inspected.outcome === 'refused'
      ? inspected
      : await call('enrolment.enrol', { code, fingerprint: inspected.fingerprint })
  }
  return { station, dataDir, call, enrol, requests }
}

const reasonOf = (outcome: EnrolmentOutcome) => (outcome.outcome === 'refused' ? outcome.reason : outcome.outcome)
/** Another letter in the place of one, of those that a code may have. */
const changed = (code: string, at: number) => code.slice(0, at) + (code.at(at) === 'B' ? 'C' : 'B') + code.slice(at + 1)
const sentTo = async (site: Site, key = site.apiKey) =>
  (await site.call('GET', '/scanner/api/v1/captures', undefined, { 'X-API-Key': key })).body.data as {
    raw_value: string
  }[]

describe('a station', () => {
  it('is enrolled by a code: it shows the site first, gets a key of its own, and sends there what it captures', async () => {
    const { site, administration, code } = await startFleet()
    const { fingerprint, ...made } = await code({ label: 'Dock 3', group: 'north' })
    const { station, dataDir, call } = await startStation()
    expect(await call('enrolment.inspect', { code: made.code })).toMatchObject({
      outcome: 'code',
      url: site.url,
      fingerprint,
      label: 'Dock 3',
      group: 'north',
      isKnown: false,
    })
    // As it is pasted out of a mail, and typed by a scanner in small letters.
    const pasted = ` ${(made.code.match(/.{1,60}/g) ?? []).join('\n').toLowerCase()}\n`
    const outcome = await call('enrolment.enrol', { code: pasted, fingerprint })
    expect(outcome).toMatchObject({
      outcome: 'enrolled',
      site: { url: site.url, label: 'Dock 3', organization: 'Site' },
    })
    await call('session.open', {})
    await call('scan.submit', { data: '4006381333931' })
    await station.drained()
    expect(await sentTo(site)).toMatchObject([{ raw_value: '4006381333931' }])
    expect((await administration.listStations()).map(({ label, group, state }) => [label, group, state])).toEqual([
      ['Dock 3', 'north', 'active'],
    ])
    expect(statSync(join(dataDir, 'site.key')).mode & 0o777).toBe(0o600)
    expect(made.code).not.toContain(readFileSync(join(dataDir, 'site.key'), 'utf8').trim())
  })

  it('takes a code from any of its scanners, and keeps it as no capture', async () => {
    const { site, code } = await startFleet()
    const made = await code()
    const { call, station } = await startStation()
    await call('session.open', {})
    expect(await call('scan.submit', { data: `]Q1${made.code}` })).toEqual({ outcome: 'checked', isSound: true })
    const { scanned } = await call('enrolment.status', {})
    expect(scanned).toMatchObject({ outcome: 'code', label: 'Dock 3' })
    expect(JSON.stringify(await call('device.list', {}))).not.toContain(made.code)
    const used = await call('enrolment.enrol', { code: null, fingerprint: made.fingerprint })
    expect(used.outcome).toBe('enrolled')
    expect((await call('enrolment.status', {})).scanned).toBeNull()
    expect(station.isEnrolled()).toBe(true)
    // What was captured before is for whatever backend there will be.
    await call('scan.submit', { data: '4006381333931' })
    await station.drained()
    expect((await sentTo(site)).map(({ raw_value }) => raw_value)).toEqual(['4006381333931'])
  })

  it('asks nobody about a code that was tampered with: not one letter of it can be another', async () => {
    const { code, administration } = await startFleet()
    const { code: text } = await code()
    const { enrol, requests } = await startStation()
    for (let at = 'XENROL'.length; at < text.length; at += 7) {
      expect(reasonOf(await enrol(changed(text, at))), `letter ${at}`).toBe('tampered')
    }
    expect(reasonOf(await enrol(text.slice(0, -2)))).toBe('tampered')
    expect(reasonOf(await enrol('XENROL'))).toBe('unreadable')
    expect(requests).toEqual([])
    expect(await administration.listStations()).toEqual([])
    // The code itself was none the worse for it.
    expect(reasonOf(await enrol(text))).toBe('enrolled')
  })

  it('refuses a code that has expired, by its own clock without asking, and by that of the site', async () => {
    const { site, code, administration } = await startFleet()
    const { code: text, expires_at } = await code({ validMs: hourMs })
    const late = await startStation({
      clock: { ...systemClock, now: () => new Date(Date.parse(expires_at) + 1_000) },
    })
    const outcome = await late.enrol(text)
    expect([reasonOf(outcome), late.requests]).toEqual(['expired', []])
    expect(outcome).toMatchObject({ detail: expect.stringContaining(expires_at) })
    site.clock.at = new Date(Date.parse(expires_at))
    const slow = await startStation()
    expect(reasonOf(await slow.enrol(text))).toBe('expired')
    expect(await administration.listStations()).toEqual([])
    site.clock.at = new Date(Date.parse(expires_at) - 1)
    expect(reasonOf(await slow.enrol(text))).toBe('enrolled')
  })

  it('refuses a code that was used, also when two use it at the same moment', async () => {
    const { code, administration } = await startFleet()
    const { code: text } = await code()
    const both = await Promise.all([startStation(), startStation()])
    const outcomes = await Promise.all(both.map(({ enrol }) => enrol(text)))
    expect(outcomes.map(reasonOf).toSorted()).toEqual(['enrolled', 'used'])
    expect(reasonOf(await (await startStation()).enrol(text))).toBe('used')
    expect(await administration.listStations()).toHaveLength(1)
    // The one that was refused has become nobody's.
    expect(both.filter(({ station }) => station.isEnrolled())).toHaveLength(1)
    expect((await administration.listKeys()).map(({ name }) => name).toSorted()).toEqual(['Dock 3', 'host'])
  })

  it('that belongs to a site refuses the code of another, without asking, until it has left', async () => {
    const [north, south] = [await startFleet(), await startFleet()]
    const { enrol, call, requests } = await startStation()
    expect(reasonOf(await enrol((await north.code()).code))).toBe('enrolled')
    const asked = () => requests.filter((request) => /enrolments|site/.test(request)).length
    const before = asked()
    const foreign = await south.code()
    expect(reasonOf(await enrol(foreign.code))).toBe('other_site')
    expect(asked()).toBe(before)
    await call('enrolment.leave', {})
    expect(reasonOf(await enrol(foreign.code))).toBe('enrolled')
    expect((await call('station.status', {})).backend.url).toBe(south.site.url)
  })

  it('shows its code to nobody but the site that has signed it', async () => {
    const { site, code } = await startFleet()
    // Somebody else's key at the site's address, and the site's own code for an address where somebody else answers.
    const forged = openSiteKey(createSiteSecret()).writeCode({
      url: site.url,
      id: 'CXc85b4rqinB7s5J52TRYb',
      expiresAt: new Date(Date.now() + hourMs).toISOString(),
      label: 'x',
      group: '',
    })
    const other = await startFleet()
    const misled = await code({ url: other.site.url })
    for (const text of [forged, misled.code]) {
      const { enrol, requests, station } = await startStation()
      expect(reasonOf(await enrol(text))).toBe('not_the_site')
      expect(requests).toEqual(['GET /stations/api/v1/site'])
      expect(station.isEnrolled()).toBe(false)
    }
  })

  it('goes on only with the site that a person has confirmed, and says when it cannot be reached', async () => {
    const { site, code } = await startFleet()
    const { code: text, fingerprint } = await code()
    const { call, requests } = await startStation()
    const other = await call('enrolment.enrol', { code: text, fingerprint: fingerprint.replaceAll(/[A-Z]/g, 'B') })
    expect([reasonOf(other), requests]).toEqual(['other_site', []])
    await site.close()
    expect(reasonOf(await call('enrolment.enrol', { code: text, fingerprint }))).toBe('offline')
  })

  it('that has work for another backend sends that first', async () => {
    const before = await startSite()
    const { code } = await startFleet()
    const { call, enrol, station } = await startStation({
      backend: { url: before.url, credential: () => Promise.resolve(before.apiKey) },
    })
    const { code: text } = await code()
    const { id } = await call('session.open', {})
    await call('scan.submit', { data: '4006381333931' })
    await station.drained()
    expect(reasonOf(await enrol(text))).toBe('working')
    await call('session.end', { id })
    await expect.poll(async () => reasonOf(await enrol(text))).toBe('enrolled')
    expect(await sentTo(before)).toHaveLength(1)
  })

  it('is enrolled by the command before its first start, and the host that keeps secrets takes the key over', async () => {
    const { code, administration } = await startFleet()
    const { code: text, fingerprint } = await code()
    const dataDir = await temporaryFolder()
    const { site: link, close } = valueOf(await openStationSite(dataDir, '1.2.3'))
    expect(reasonOf(await link.enrol(text, fingerprint))).toBe('enrolled')
    close()
    const key = readFileSync(join(dataDir, 'site.key'), 'utf8').trim()
    const secrets = new Map<string, string>()
    const { station, call } = await startStation({
      dataDir,
      secrets: {
        read: (name) => Promise.resolve(secrets.get(name) ?? null),
        write: (name, secret) => Promise.resolve(void secrets.set(name, secret)),
      },
    })
    expect([station.isEnrolled(), secrets.get('site-key')]).toEqual([true, key])
    expect(() => statSync(join(dataDir, 'site.key'))).toThrow('ENOENT')
    await expect.poll(async () => (await call('enrolment.status', {})).toldAt, { timeout: 15_000 }).not.toBeNull()
    expect((await administration.listStations())[0]?.health).toMatchObject({ version: '1.2.3', alarms: [] })
  })
})

describe('the site', () => {
  const ask = (site: Site, body: object) => site.call('POST', '/stations/api/v1/enrolments', body, { 'X-API-Key': '' })
  const request = (code: string, id = 'station-1') => ({
    code,
    challenge: randomBytes(32).toString('base64url'),
    station: { id, name: 'Station', version: '1' },
  })

  it('says why it takes no code, whatever sends it, and gives no key for it', async () => {
    const { site, code, administration } = await startFleet()
    const other = await startFleet()
    const good = await code()
    const read = readEnrolmentCode(good.code)
    if (read.kind !== 'code') throw new Error('no code')
    const cases: readonly [code: string, status: number, said: RegExp][] = [
      [changed(good.code, 200), 400, /damaged, or was changed/],
      ['4006381333931', 400, /damaged, or was changed/],
      [(await other.code()).code, 403, /another site/],
      [openSiteKey(createSiteSecret()).writeCode(read.code), 403, /another site/],
    ]
    for (const [text, status, said] of cases) {
      const answer = await ask(site, request(text))
      expect([answer.status, answer.body.detail]).toEqual([status, expect.stringMatching(said)])
    }
    expect((await administration.listKeys()).map(({ name }) => name)).toEqual(['host'])

    const taken = await ask(site, request(good.code))
    expect(taken.status).toBe(201)
    const again = await ask(site, request(good.code))
    expect([again.status, again.body.detail]).toEqual([409, expect.stringMatching(/was used at/)])
    const { db } = await databaseOf(site.dataDir)
    await db.deleteFrom('enrolment_codes').execute()
    expect((await ask(site, request(good.code))).status).toBe(404)
  })

  it('gives one key of ten requests that come at once, and it works', async () => {
    const { site, code } = await startFleet()
    const { code: text } = await code()
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => ask(site, request(text, `s${index}`))))
    expect(answers.map(({ status }) => status).toSorted()).toEqual([201, ...Array.from({ length: 9 }, () => 409)])
    const key = answers.find(({ status }) => status === 201)?.body.apiKey as string
    expect((await site.call('POST', '/scanner/api/v1/sessions', {}, { 'X-API-Key': key })).status).toBe(201)
  })

  it('takes no check-in from a key that no station has', async () => {
    const { site } = await startFleet()
    expect((await site.call('POST', '/stations/api/v1/check-in', soundHealth)).status).toBe(403)
  })
})

describe('a support bundle', () => {
  it('is sent when the site asks for it, redacted as by hand, and both sides have on record what went to whom', async () => {
    const { administration, code } = await startFleet()
    const { call, enrol, dataDir, station, requests } = await startStation()
    expect(reasonOf(await enrol((await code()).code))).toBe('enrolled')
    await call('session.open', { label: 'Wexford & Sons' })
    await call('scan.submit', { data: '4006381333931' })
    const stationOf = async () => (await administration.listStations())[0]
    const id = String((await stationOf())?.id)
    expect((await stationOf())?.support).toBeNull()
    // Asked twice, one is sent.
    valueOf(await administration.askForSupport(id))
    expect(valueOf(await administration.askForSupport(id))).toMatchObject([{ support: { sent_at: null } }])
    await call('enrolment.refresh', {})
    await expect.poll(async () => (await call('enrolment.status', {})).support, { timeout: 15_000 }).not.toBeNull()
    const { toldAt, support } = await call('enrolment.status', {})
    expect((await stationOf())?.support).toMatchObject({
      id: support?.request,
      asked_by: 'capstan backend',
      is_here: true,
      fetched_at: null,
    })
    const { name, zip } = valueOf(await administration.fetchSupport(id))
    expect(name).toMatch(/^capstan-support-[\dT-]+\.zip$/)
    expect((await stationOf())?.support?.fetched_by).toBe('capstan backend')
    const files = unzipSync(zip)
    expect(Object.keys(files)).toEqual(supportFileSchema.options)
    const text = Object.values(files)
      .map((bytes) => strFromU8(bytes))
      .join('\n')
    expect(text).toContain('"schemaVersion"')
    const key = readFileSync(join(dataDir, 'site.key'), 'utf8').trim()
    for (const secret of ['4006381333931', 'Wexford', key]) expect(text).not.toContain(secret)

    // Told again, the site asks no more, and nothing more is sent.
    await call('enrolment.refresh', {})
    await expect.poll(async () => (await call('enrolment.status', {})).toldAt, { timeout: 15_000 }).not.toBe(toldAt)
    expect(requests.filter((request) => request.endsWith('/support'))).toHaveLength(1)
    await station.close()
    const database = openDatabase(join(dataDir, 'station.sqlite'), { readOnly: true })
    const told = [...entriesOf(database)]
      .map((row) => JSON.parse(String(row['entry'])) as Record<string, unknown>)
      .filter(({ kind }) => kind === 'support.sent')
    database.close()
    const digest = createHash('sha256').update(zip).digest('hex')
    expect(told).toMatchObject([{ request: support?.request, digest, bytes: zip.length }])
    expect(valueOf(checkLedgerOf(dataDir)).problem).toBeNull()
  })

  it('is taken from the station that was asked alone, once, and kept for two weeks', async () => {
    const { site, administration, code } = await startFleet()
    // It says no word until it is told to.
    const { enrol, dataDir } = await startStation()
    const send = (key: string, body: object) =>
      site.call('POST', '/stations/api/v1/support', body, key === '' ? {} : { 'X-API-Key': key })
    const bundle = (request: string, bytes = 'PK\u0003\u0004 and more') => ({
      request,
      files: [],
      zip: Buffer.from(bytes, 'latin1').toString('base64'),
    })
    expect(reasonOf(await enrol((await code()).code))).toBe('enrolled')
    const key = readFileSync(join(dataDir, 'site.key'), 'utf8').trim()
    const id = String((await administration.listStations())[0]?.id)
    const { db, write } = await databaseOf(site.dataDir)
    expect((await send('', bundle('x'))).status).toBe(403)
    expect((await send(key, bundle('x'))).status).toBe(409)
    valueOf(await administration.askForSupport(id))
    const { id: request } = await db.selectFrom('support_requests').select('id').executeTakeFirstOrThrow()
    expect((await send(key, bundle('x'))).status).toBe(409)
    expect((await send(key, bundle(request, 'MZ no zip'))).status).toBe(400)
    expect((await send(key, bundle(request, 'P'.repeat(700_010)))).status).toBe(422)
    expect((await send(key, bundle(request))).status).toBe(204)
    expect((await send(key, bundle(request))).status).toBe(409)
    const { sent_at } = await db.selectFrom('support_requests').select('sent_at').executeTakeFirstOrThrow()
    const after = (ms: number) => new Date(Date.parse(String(sent_at)) + ms)
    await write((transaction) => forgetSupport(transaction, after(supportKeptMs - 1)))
    expect((await administration.fetchSupport(id)).ok).toBe(true)
    await write((transaction) => forgetSupport(transaction, after(supportKeptMs)))
    expect(await administration.fetchSupport(id)).toMatchObject({ ok: false, error: { code: 'not_found' } })
    expect((await administration.listStations())[0]?.support).toMatchObject({ sent_at, is_here: false })

    valueOf(await administration.revokeStation(id))
    expect(await administration.askForSupport(id)).toMatchObject({ ok: false, error: { code: 'conflict' } })
    expect((await send(key, bundle(request))).status).toBe(401)
    expect(await administration.askForSupport('nobody')).toMatchObject({ ok: false, error: { code: 'not_found' } })
  })
})

describe('a recovery key', () => {
  const given = (requests: readonly string[]) => requests.filter((request) => request.endsWith('/recovery-key')).length
  const patience = { timeout: 15_000 }

  it('is given to the site once, shown by no list, and given again where the site has lost it', async () => {
    const { site, administration, code } = await startFleet()
    const key = newDataKey()
    const { call, enrol, dataDir, station, requests } = await startStation({ dataKey: { key, from: 'file' } })
    const listed = async () => (await administration.listStations())[0]
    expect(reasonOf(await enrol((await code()).code))).toBe('enrolled')
    await expect.poll(async () => (await listed())?.recovery_key, patience).toMatchObject({ shown_by: null })
    const id = String((await listed())?.id)
    const kept_at = expect.any(String)
    const shown = valueOf(await administration.showRecoveryKeys(id))
    expect(shown).toEqual([{ recovery_key: recoveryKeyOf(key), kept_at }])
    expect((await listed())?.recovery_key).toEqual({ kept_at, shown_by: 'capstan backend', shown_at: kept_at })
    expect(JSON.stringify(await listed())).not.toContain(recoveryKeyOf(key).slice(0, 9))

    // The site says that it has it: it is not given again, nor after a restart.
    const toldAgain = async (by: typeof call) => {
      const { toldAt } = await by('enrolment.status', {})
      await by('enrolment.refresh', {})
      await expect.poll(async () => (await by('enrolment.status', {})).toldAt, patience).not.toBe(toldAt)
    }
    await toldAgain(call)
    await station.close()
    expect(given(requests)).toBe(1)
    const again = await startStation({ dataDir, dataKey: { key, from: 'file' } })
    await expect.poll(async () => (await again.call('enrolment.status', {})).toldAt, patience).not.toBeNull()
    await toldAgain(again.call)
    expect(given(again.requests)).toBe(0)

    // A backup from before was put in the site's place.
    const { db } = await databaseOf(site.dataDir)
    await db.deleteFrom('recovery_keys').execute()
    await again.call('enrolment.refresh', {})
    await expect.poll(async () => (await listed())?.recovery_key?.kept_at, patience).toBeDefined()
    expect(valueOf(await administration.showRecoveryKeys(id))).toMatchObject([{ recovery_key: recoveryKeyOf(key) }])
  })

  it('is not offered to a site that keeps none, and is given as soon as it can', async () => {
    const { administration, code } = await startFleet()
    let knows: 'nothing' | 'half' | 'all' = 'nothing'
    let refused = 0
    const key = newDataKey()
    const { call, enrol } = await startStation({
      dataKey: { key, from: 'file' },
      async fetch(url, init) {
        const { pathname } = new URL(url)
        if (pathname.endsWith('/recovery-key') && knows !== 'all') {
          refused += 1
          return new Response('no such path', { status: 404 })
        }
        const answer = await fetch(url, init)
        if (!pathname.endsWith('/check-in') || knows !== 'nothing') return answer
        const { recoveryKeys: _, ...older } = (await answer.json()) as Record<string, unknown>
        return Response.json(older)
      },
    })
    const listed = async () => (await administration.listStations())[0]?.recovery_key
    expect(reasonOf(await enrol((await code()).code))).toBe('enrolled')
    await expect.poll(async () => (await call('enrolment.status', {})).toldAt, patience).not.toBeNull()
    // Of several processes one is newer already.
    expect(refused).toBe(0)
    knows = 'half'
    await call('enrolment.refresh', {})
    await expect.poll(() => refused, patience).toBeGreaterThan(0)
    expect(await listed()).toBeNull()
    expect((await call('station.status', {})).backend.state).not.toBe('unauthorised')
    knows = 'all'
    await expect
      .poll(async () => {
        await call('enrolment.refresh', {})
        return listed()
      }, patience)
      .not.toBeNull()
  })

  it('is taken from a station alone, for nothing but itself, and none makes room for another', async () => {
    const { site, administration, code } = await startFleet()
    // Its data are not encrypted: it gives none by itself.
    const { enrol, dataDir } = await startStation()
    const give = (recoveryKey: string, key: string) =>
      site.call('POST', '/stations/api/v1/recovery-key', { recoveryKey }, { 'X-API-Key': key })
    expect(reasonOf(await enrol((await code()).code))).toBe('enrolled')
    const own = readFileSync(join(dataDir, 'site.key'), 'utf8').trim()
    const id = String((await administration.listStations())[0]?.id)
    expect((await administration.listStations())[0]?.recovery_key).toBeNull()
    expect(await administration.showRecoveryKeys(id)).toMatchObject({ ok: false, error: { code: 'not_found' } })

    const first = recoveryKeyOf(newDataKey())
    expect((await give(first, site.apiKey)).status).toBe(403)
    const other = first.startsWith('0') ? `1${first.slice(1)}` : `0${first.slice(1)}`
    expect((await give(other, own)).status).toBe(400)
    expect((await give(first.slice(5), own)).status).toBe(422)
    const many = [first, ...Array.from({ length: 19 }, () => recoveryKeyOf(newDataKey()))]
    for (const one of [...many, first]) expect((await give(one, own)).status).toBe(204)
    expect((await give(recoveryKeyOf(newDataKey()), own)).status).toBe(409)

    // Its disk may have to be read still.
    valueOf(await administration.revokeStation(id))
    expect((await give(first, own)).status).toBe(401)
    const shown = valueOf(await administration.showRecoveryKeys(id)).map(({ recovery_key }) => recovery_key)
    expect(shown.toSorted()).toEqual(many.toSorted())
    const { db } = await databaseOf(site.dataDir)
    const views = await db.selectFrom('recovery_key_views').select(['station_id', 'shown_by']).execute()
    expect(views).toEqual([{ station_id: id, shown_by: 'capstan backend' }])
  })
})

describe('an update of Capstan itself', () => {
  it('is told to the site as it stands at the station: what is offered, what it waits for, and what was taken back', async () => {
    const { administration, code } = await startFleet()
    let told: UpdateStatus = {
      state: 'ready',
      version: '1.3.0',
      waitsFor: 'session',
      message: 'with a path: /home/kim',
      checkedAt: null,
      failed: [],
    }
    const updates = { status: () => told, check: () => Promise.resolve(told), install: () => told }
    const { call, enrol } = await startStation({ updates: () => updates })
    expect(reasonOf(await enrol((await code()).code))).toBe('enrolled')
    const healthOf = async () => (await administration.listStations())[0]?.health
    await expect.poll(healthOf, { timeout: 15_000 }).toMatchObject({
      version: '1.2.3',
      update: { state: 'ready', version: '1.3.0', waitsFor: 'session', failed: [] },
      alarms: [],
    })
    expect(JSON.stringify(await healthOf())).not.toContain('kim')
    told = { ...told, state: 'taken_back', waitsFor: null, failed: ['1.3.0'] }
    await call('enrolment.refresh', {})
    await expect.poll(healthOf, { timeout: 15_000 }).toMatchObject({
      update: { state: 'taken_back', failed: ['1.3.0'] },
      alarms: ['update'],
    })
  })
})

describe('a station that is newer than its site', () => {
  it('is heard with alarms and states that the site has no words for', async () => {
    const { site, administration, code } = await startFleet()
    const { station, enrol, dataDir } = await startStation()
    expect(reasonOf(await enrol((await code()).code))).toBe('enrolled')
    const key = readFileSync(join(dataDir, 'site.key'), 'utf8').trim()
    // It would tell how it really is.
    await station.close()
    const tell = (health: object) => site.call('POST', '/stations/api/v1/check-in', health, { 'X-API-Key': key })
    const newer = {
      ...soundHealth,
      queue: { ...soundHealth.queue, sideways: 3 },
      alarms: ['disk', 'door_ajar'],
      update: { state: 'half_done', version: '9.0.0', waitsFor: 'the_moon', failed: [] },
    }
    expect((await tell(newer)).status).toBe(200)
    expect((await administration.listStations())[0]?.health).toMatchObject({
      alarms: ['disk', 'door_ajar'],
      update: { state: 'half_done', waitsFor: 'the_moon' },
    })
    expect((await tell({ ...newer, alarms: ['<b>'] })).status).toBe(422)
  })
})

describe('a revoked station', () => {
  it('stops sending and says so, keeps what it captures, and goes on when it is enrolled again', async () => {
    const { site, administration, code } = await startFleet()
    const { call, enrol, station } = await startStation()
    expect(reasonOf(await enrol((await code()).code))).toBe('enrolled')
    await call('session.open', {})
    await call('scan.submit', { data: '4006381333931' })
    await station.drained()
    const [enrolled] = await administration.listStations()
    expect(valueOf(await administration.revokeStation(enrolled?.id ?? ''))).toMatchObject([{ state: 'revoked' }])

    // Though it has nothing to send.
    await call('enrolment.refresh', {})
    await expect
      .poll(async () => (await call('station.status', {})).backend.state, { timeout: 15_000 })
      .toBe('unauthorised')
    await call('scan.submit', { data: '4006381333948' })
    expect(await station.drained()).toBe('unauthorised')
    const { backend, queue } = await call('station.status', {})
    expect([backend.state, backend.message, queue.waiting]).toEqual([
      'unauthorised',
      'The API key has been revoked.',
      1,
    ])
    expect(await sentTo(site)).toHaveLength(1)

    // Though a session is open and something waits: it is for this site.
    expect(reasonOf(await enrol((await code()).code))).toBe('enrolled')
    await expect
      .poll(async () => (await sentTo(site)).map(({ raw_value }) => raw_value).toSorted(), { timeout: 15_000 })
      .toEqual(['4006381333931', '4006381333948'])
    expect((await administration.listStations()).map(({ state }) => state)).toEqual(['active'])
  })
})

describe('settings', () => {
  it('come in layers: the site, over it the group, over it the station; each change is kept with who made it', async () => {
    const { administration, code } = await startFleet()
    valueOf(await administration.changeLayer('', { 'sound.volume': 0.2, theme: 'dark', 'gate.showMs': 3_000 }))
    valueOf(await administration.changeLayer('north', { 'sound.volume': 0.4 }))
    valueOf(await administration.changeLayer('south', { 'sound.volume': 0.9 }))
    const { call, enrol, dataDir, station } = await startStation()
    await call('settings.change', { theme: 'light' })
    expect(reasonOf(await enrol((await code({ group: 'north' })).code))).toBe('enrolled')
    const row = async (path: string) => (await call('settings.explain', {})).find((one) => one.path === path)
    await expect.poll(async () => (await row('sound.volume'))?.source).toBe('group')
    expect(await row('sound.volume')).toMatchObject({ value: 0.4, layers: { built_in: 0.8, site: 0.2, group: 0.4 } })
    expect(await row('gate.showMs')).toMatchObject({ value: 3_000, source: 'site' })
    expect(await row('theme')).toMatchObject({ value: 'light', source: 'station' })
    expect((await call('settings.get', {})).sound.volume).toBe(0.4)
    // What is taken back here is said by the site again.
    expect((await call('settings.reset', { paths: ['theme'] })).theme).toBe('dark')
    const history = valueOf(await administration.listLayers())
    expect(history.map((layer) => [layer.group, layer.changed_by])).toEqual([
      ['south', 'capstan backend'],
      ['north', 'capstan backend'],
      ['', 'capstan backend'],
    ])
    // Without the site, the last good ones hold after a restart too.
    await station.close()
    const again = await startStation({ dataDir, fetch: () => Promise.reject(new Error('no network')) })
    expect((await again.call('settings.get', {})).sound.volume).toBe(0.4)
  })

  it('that a site cannot mean are refused where they are set, with every reason', async () => {
    const { administration } = await startFleet()
    const refused = await administration.changeLayer('', { 'sound.volume': 7, stationName: 'x', nonsense: 1 })
    expect(refused).toMatchObject({
      ok: false,
      error: {
        details: [
          { field: 'sound.volume', message: expect.stringContaining('<=1') },
          { field: 'stationName', message: 'is of each station alone' },
          { field: 'nonsense', message: 'is no setting' },
        ],
      },
    })
    expect(valueOf(await administration.listLayers())).toEqual([])
  })

  it('of a bad layer are refused whole by the station, which keeps the last good ones and tells the site', async () => {
    const { site, administration, code } = await startFleet()
    valueOf(await administration.changeLayer('', { 'sound.volume': 0.3 }))
    const { call, enrol, station, dataDir } = await startStation()
    await enrol((await code()).code)
    await expect.poll(async () => (await call('settings.get', {})).sound.volume).toBe(0.3)
    // A newer site that knows more than this station does.
    const { db } = await databaseOf(site.dataDir)
    const before = await db.selectFrom('setting_layers').selectAll().executeTakeFirstOrThrow()
    await db
      .insertInto('setting_layers')
      .values({ ...before, id: `${before.id}z`, settings: '{"sound.volume":0.9,"sound.pitch":3}' })
      .execute()
    await station.close()
    const again = await startStation({ dataDir })
    await expect.poll(async () => (await again.call('enrolment.status', {})).toldAt, { timeout: 15_000 }).not.toBeNull()
    expect((await again.call('settings.get', {})).sound.volume).toBe(0.3)
    // It says so with its next word.
    await again.call('enrolment.refresh', {})
    await expect
      .poll(async () => (await administration.listStations())[0]?.health, { timeout: 15_000 })
      .toMatchObject({
        alarms: ['layer'],
        layers: { site: before.id, refused: expect.stringContaining('sound.pitch: is no setting') },
      })
  })

  it('of a store from before the layers keep what was chosen there, and nothing else', async () => {
    const { administration, code } = await startFleet()
    valueOf(await administration.changeLayer('', { 'sound.volume': 0.1, theme: 'dark' }))
    const first = await startStation()
    await first.call('settings.change', { theme: 'light' })
    await first.station.close()
    const { DatabaseSync } = await import('node:sqlite')
    const database = new DatabaseSync(join(first.dataDir, 'station.sqlite'))
    database.exec(`DELETE FROM facts WHERE key LIKE 'settings\\_%' ESCAPE '\\'`)
    database.close()
    const { call, enrol } = await startStation({ dataDir: first.dataDir })
    await enrol((await code()).code)
    await expect.poll(async () => (await call('settings.get', {})).sound.volume).toBe(0.1)
    expect((await call('settings.get', {})).theme).toBe('light')
  })
})
