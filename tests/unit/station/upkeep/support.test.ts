import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { unzipSync } from 'fflate'
import { pino } from 'pino'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import type { Purpose } from '#contract/station/staff.ts'
import { recoveryKeyOf } from '#sealing/index.ts'
import { describeStation, gatherSupport, openLogFile, openStaffFile } from '#station/index.ts'
import { redactText, takenOut } from '#station/upkeep/redact.ts'
import { createSecretFile } from '#web/index.ts'
import { runCapstan } from '../../cli/run-capstan.ts'
import { temporaryFolder, valueOf } from '../parts.ts'
import { startStation } from '../start-station.ts'

/** What must not be in a bundle: each is planted where a station really keeps such a thing. */
const planted = {
  key: 'cpst_live_7fK2mQ9xVt4RbZ0pLw8YsHc3',
  token: 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl',
  code: '4006381333931',
  serial: '0104006381333931211A2B3C4D5E',
  link: 'https://id.example.org/01/04006381333931/21/XK77Q',
  name: 'Roswitha Quastenflosser',
  label: 'Inventur bei Zwiebelmann',
  station: 'Quay of Captain Haddock',
  mail: 'roswitha@zwiebelmann.example',
  device: 'Zebra of Tintin',
  deviceId: 'usb:05e0:1200:S24170012345',
  folder: 'C:\\Users\\Roswitha\\Fotos',
  home: '/home/tintin/photos',
  tenant: 'moulinsart-tenant',
  pin: '839174',
  recoveryKey: recoveryKeyOf(new Uint8Array(32).fill(0x5a)),
} as const

/** A station that has all of it, and has logged it; its bundle, as the window gets it. */
async function startPlanted() {
  const dataDir = temporaryFolder()
  const log = pino({ base: null }, openLogFile(dataDir))
  createSecretFile(dataDir, 'https://site.example').write(planted.key)
  // A file keeps the work factors that it was begun with.
  const weak = { format: 1, generation: 'one', salt: 'c2FsdA==', cost: { N: 2, r: 1, p: 1 }, members: [] }
  writeFileSync(join(dataDir, 'staff.json'), JSON.stringify(weak))
  valueOf(await openStaffFile(dataDir).save({ id: null, name: planted.name, role: 'administrator', pin: planted.pin }))
  const { station, call, ask } = await startStation(null, { dataDir, log })
  const grantFor = async (purpose: Purpose): Promise<string> => {
    const answer = await call('staff.unlock', { purpose, pin: planted.pin })
    return answer.outcome === 'granted' ? answer.grant : ''
  }
  const settings = await call('settings.get', {})
  valueOf(
    await ask('settings.change', {
      grant: await grantFor('settings'),
      stationName: planted.station,
      gate: { ...settings.gate, wallet: { ...settings.gate.wallet, tenantId: planted.tenant } },
      folders: [{ id: 'f', path: planted.home, role: 'other' }],
      scanners: { ...settings.scanners, byId: { [planted.deviceId]: { name: planted.device } } },
    }),
  )
  await call('device.report', { id: planted.deviceId, name: planted.device, kind: 'scanner', state: 'ready' })
  const { id } = await call('session.open', { label: planted.label })
  for (const data of [planted.code, planted.serial, planted.link]) await call('scan.submit', { data })
  const photo = await sharp({ create: { width: 600, height: 400, channels: 3, background: '#a33' } })
    .jpeg()
    .toBuffer()
  const request = { method: 'PUT', body: Uint8Array.from(photo) }
  expect((await station.handle(new Request('http://kiosk/media/photos', request))).status).toBe(201)
  await call('capture.undoLast', { sessionId: id })
  // What nobody should log, logged all the same.
  for (const text of Object.values(planted)) {
    log.warn({ error: `refused "${text}" (${text})`, data: text, name: text, count: 7 }, 'not taken')
    log.error({ err: new Error(`${text} is wrong`), reason: `no ${text}` }, 'failed')
  }
  log.info({ error: `ENOENT: open '${planted.home}/a.jpg'`, waitMs: 1_234_567, number: 4_006_381_333_931 }, 'no file')
  const bundle = valueOf(await ask('support.make', { grant: await grantFor('support_bundle') }))
  const fetchIt = () => station.handle(new Request(`http://kiosk${bundle.path}`))
  return { dataDir, station, bundle, fetchIt, photo }
}

const textsOf = (zip: Uint8Array): Record<string, string> =>
  Object.fromEntries(Object.entries(unzipSync(zip)).map(([name, bytes]) => [name, Buffer.from(bytes).toString()]))

/** None of what was planted, whole or in part. */
function expectNothing(zip: Uint8Array, dataDir: string, photo: Buffer): Record<string, string> {
  const texts = textsOf(zip)
  for (const [name, text] of Object.entries(texts)) {
    for (const [what, secret] of Object.entries(planted)) {
      const escaped = JSON.stringify(secret).slice(1, -1)
      expect([name, what, text.includes(secret) || text.includes(escaped)]).toEqual([name, what, false])
    }
    expect(text).not.toMatch(/Roswitha|Quasten|Tintin|tintin|Haddock|Zwiebelmann|2417001|moulinsart|XK77Q/)
    expect(text).not.toContain(dataDir)
    expect(text).not.toContain(photo.toString('base64').slice(0, 40))
    expect(Buffer.from(text).includes(photo.subarray(0, 40))).toBe(false)
  }
  return texts
}

it('holds no key, code, photo or name of the station, nor what was logged of them, and is of use', async () => {
  const { dataDir, station, bundle, fetchIt, photo } = await startPlanted()
  const fetched = await fetchIt()
  expect(fetched.headers.get('content-disposition')).toMatch(/^attachment; filename="capstan-support-[\dT-]+\.zip"$/)
  const zip = new Uint8Array(await fetched.arrayBuffer())
  // What it holds was said before, and whoever comes after has nothing.
  expect(bundle.files).toEqual(Object.entries(unzipSync(zip)).map(([name, { length }]) => ({ name, bytes: length })))
  expect(bundle.bytes).toBe(zip.length)
  expect((await fetchIt()).status).toBe(404)

  const texts = expectNothing(zip, dataDir, photo)
  const json = (name: string): unknown => JSON.parse(texts[name] ?? '')
  expect(json('store.json')).toMatchObject({ counts: { sessions: 1, captures: 3 }, staff: { administrator: 1 } })
  expect(json('settings.json')).toMatchObject({ theme: 'system', stationName: takenOut })
  expect(json('status.json')).toMatchObject({ backend: { state: 'unconfigured' }, queue: {} })
  for (const kept of ['"message":"not taken"', '"count":"7"', '"waitMs":"1234567"', 'ENOENT', 'support.test.ts'])
    expect(texts['log.ndjson']).toContain(kept)

  await station.close()
  const out = join(temporaryFolder(), 'support.zip')
  const { code, lines } = await runCapstan(['support', '--data', dataDir, '--out', out])
  expect([code, lines.length]).toEqual([0, 7])
  expectNothing(readFileSync(out), dataDir, photo)
})

it('of a store that cannot be read tells of the log what the program says by itself', async () => {
  const { dataDir, station, photo } = await startPlanted()
  await station.close()
  writeFileSync(join(dataDir, 'station.sqlite'), 'no database')
  const about = describeStation({ version: '0', host: 'cli', stationId: '', dataDir, secrets: null, dataKey: null })
  const nothing = { settings: null, status: null, devices: [], staff: [] }
  const { zip } = await gatherSupport({ dataDir, store: 'it is damaged', about, ...nothing })
  const texts = expectNothing(zip, dataDir, photo)
  expect(texts['store.json']).toContain('not a database')
  expect(texts['log.ndjson']).toContain('"message":"not taken"')
})

describe('a text of the log', () => {
  it.each([
    ['the backend answered 503 after 30000 ms', 'the backend answered 503 after 30000 ms'],
    ['SQLITE_FULL: database or disk is full', 'SQLITE_FULL: database or disk is full'],
    ['exit code 15', 'exit code 15'],
    ['no pass 4006381333931', 'no pass [...]'],
    ['gtin 400 638 133 3931 unknown', 'gtin [...] unknown'],
    ['refused "ABC-1": gone', 'refused [...]: gone'],
    ['at run (/opt/capstan/out/main/index.js:12:3)', 'at run (index.js:12:3)'],
    ['connect to https://site.example/scan?code=1', 'connect to [...]'],
    ['write to a.person@site.example failed', 'write to [...] failed'],
  ])('%s', (text, left) => {
    expect(redactText(text)).toBe(left)
  })

  it('tells nothing of a recovery key, however it was written down', () => {
    const key = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(recoveryKeyOf)
    const written = fc.constantFrom('-', ' ', ' - ', '\n', '')
    fc.assert(
      fc.property(key, written, fc.boolean(), (recoveryKey, between, isSmall) => {
        const text = recoveryKey.replaceAll('-', between)
        expect(redactText(`the key ${isSmall ? text.toLowerCase() : text} is wrong`)).toBe(
          `the key ${takenOut} is wrong`,
        )
      }),
    )
  })
})
