import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  copyFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Settings } from '#contract/station/settings.ts'
import { createUpdates, isSigned, watchTrial, type Offer, type UpdateSource } from '#main/updates.ts'
import { findVersions, type Versions } from '#main/versions.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const release = (...args: readonly string[]): string =>
  execFileSync(process.execPath, [join(root, 'tools/release.ts'), ...args], { encoding: 'utf8' }).trim()

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-update-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** An offer as the release tool writes it, and the public half of its key. */
function makeOffer(): { offer: Offer; publicKey: string } {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-update-'))
  const publicKey = release('key', '--out', join(folder, 'key.pem'))
  writeFileSync(join(folder, 'capstan.tar.gz'), 'a package')
  const of = ['--key', join(folder, 'key.pem'), '--platform', 'linux', '--version', '0.2.0', '--ring', 'early']
  const path = release('sign', ...of, '--out', folder, join(folder, 'capstan.tar.gz'))
  expect(path).toBe(join(folder, 'early-linux.yml'))
  const offer = JSON.parse(readFileSync(path, 'utf8')) as Offer
  rmSync(folder, { recursive: true })
  return { offer, publicKey }
}
let made: ReturnType<typeof makeOffer> | undefined
/** Made once: each is three programs. */
const signedOffer = () => (made ??= makeOffer())

describe('an offer', () => {
  it('is taken only as the release key has signed it: its version, files, ring and platform', () => {
    const { offer, publicKey } = signedOffer()
    const of = { ring: 'early', platform: 'linux', publicKey } as const
    expect(isSigned(offer, of)).toBe(true)
    const [file] = offer.files
    if (!file) throw new Error('no file')
    for (const other of [
      { ...offer, version: '0.3.0' },
      { ...offer, files: [{ ...file, sha512: 'AAAA' }] },
      { ...offer, files: [{ ...file, url: 'https://elsewhere.example/capstan.tar.gz' }] },
      { ...offer, files: [] },
      { ...offer, files: [file, file] },
      { ...offer, signature: undefined },
      { ...offer, signature: 7 },
      { ...offer, signature: Buffer.alloc(64).toString('base64') },
    ])
      expect(isSigned(other, of)).toBe(false)
    expect(isSigned(offer, { ...of, ring: 'all' })).toBe(false)
    expect(isSigned(offer, { ...of, platform: 'win32' })).toBe(false)
    expect(isSigned(offer, { ...of, publicKey: makeOffer().publicKey })).toBe(false)
    expect(isSigned(offer, { ...of, publicKey: 'no key' })).toBe(false)
  })
})

/** Time that passes when it is told to. */
function createTime() {
  let nowMs = 0
  let timers: { readonly at: number; readonly run: () => void }[] = []
  const later = (run: () => void, waitMs: number) => {
    const timer = { at: nowMs + waitMs, run }
    timers.push(timer)
    return () => void (timers = timers.filter((one) => one !== timer))
  }
  const pass = async (ms: number): Promise<void> => {
    const until = nowMs + ms
    for (;;) {
      const next = timers.filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)[0]
      if (!next) break
      nowMs = Math.max(nowMs, next.at)
      timers = timers.filter((one) => one !== next)
      next.run()
      for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
    }
    nowMs = until
  }
  const clock = { now: () => new Date(nowMs), monotonicMs: () => nowMs, bootId: 'boot' }
  return { later, pass, clock }
}

const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }

/** Updates over a source and a station that say what the test says. */
function start(given: { offer?: Offer | null; failed?: readonly string[]; publicKey: string }) {
  const time = createTime()
  const site = { offer: given.offer ?? null, downloads: 0, installs: 0, fault: null as Error | null }
  const source: UpdateSource = {
    check: () => Promise.resolve(site.offer),
    download: () => (site.fault ? Promise.reject(site.fault) : Promise.resolve(void (site.downloads += 1))),
    install: () => void (site.installs += 1),
  }
  const station = { session: null as object | null, uploads: [] as object[], storage: 'ok' }
  const listeners = new Map<string, (payload: unknown) => void>()
  const settings: Settings['update'] = { address: 'https://site.example/', ring: 'early', quietMinutes: 15 }
  const updates = createUpdates({
    source,
    station: {
      call: (name) =>
        Promise.resolve({
          ok: true,
          value:
            name === 'session.current'
              ? station.session
              : { queue: { uploads: station.uploads }, storage: { state: station.storage } },
        }),
      subscribe(topic, listener) {
        listeners.set(topic, listener)
        return () => void listeners.delete(topic)
      },
    },
    settings: () => settings,
    publicKey: given.publicKey,
    platform: 'linux',
    failed: given.failed ?? [],
    clock: time.clock,
    log: silent,
    later: time.later,
    random: () => 0.5,
  })
  return { ...time, site, station, updates, scan: () => listeners.get('scan.taken')?.({}) }
}

describe('an update', () => {
  it('is installed when no session is open, nothing was scanned for the quiet time, and no photo is on its way', async () => {
    const { pass, site, station, updates, scan } = start(signedOffer())
    station.session = {}
    await pass(60_000)
    expect(updates.status()).toMatchObject({ state: 'ready', version: '0.2.0', waitsFor: 'session' })
    station.session = null
    await pass(60_000)
    expect(updates.status().waitsFor).toBe('work')
    await pass(10 * 60_000)
    scan()
    await pass(14 * 60_000)
    expect(site.installs).toBe(0)
    station.uploads = [{}]
    await pass(2 * 60_000)
    expect(updates.status().waitsFor).toBe('sending')
    station.uploads = []
    station.storage = 'low'
    await pass(60_000)
    expect(updates.status().waitsFor).toBe('room')
    station.storage = 'ok'
    await pass(60_000)
    expect([site.downloads, site.installs]).toEqual([1, 1])
  })

  it('is installed without the quiet time when a person says so, but never under a session', async () => {
    const { pass, site, station, updates } = start(signedOffer())
    await pass(20_000)
    station.session = {}
    updates.install()
    await pass(1_000)
    expect(site.installs).toBe(0)
    station.session = null
    await pass(30_000)
    expect(site.installs).toBe(1)
  })

  it('is not even downloaded unsigned, or when it was taken back here', async () => {
    const { offer, publicKey } = signedOffer()
    const unsigned = start({ offer: { ...offer, signature: 'AAAA' }, publicKey })
    await unsigned.pass(60_000)
    expect([unsigned.updates.status().state, unsigned.site.downloads]).toEqual(['unsigned', 0])
    const failed = start({ offer, publicKey, failed: ['0.2.0'] })
    await failed.pass(60_000)
    expect([failed.updates.status().state, failed.site.downloads]).toEqual(['taken_back', 0])
  })

  it('that cannot be had is looked for again within two hours, and says why', async () => {
    const { pass, site, updates } = start(signedOffer())
    site.fault = new Error('sha512 checksum mismatch\nat somewhere')
    await pass(20_000)
    expect(updates.status()).toMatchObject({ state: 'failed', message: 'sha512 checksum mismatch' })
    site.fault = null
    await pass(2 * 60 * 60_000)
    expect(site.installs).toBe(1)
    updates.close()
  })
})

describe('a version on trial', () => {
  it.each([
    ['is kept once it was ready for ten seconds', true, 11, 'kept'],
    ['is given up when it is not ready in time', false, 91, 'given up'],
  ] as const)('%s', async (_name, isReady, seconds, end) => {
    const { later, pass } = createTime()
    let ended = ''
    watchTrial({ isReady: () => isReady, later, confirm: () => (ended = 'kept'), fail: () => (ended = 'given up') })
    await pass(5_000)
    expect(ended).toBe('')
    await pass(seconds * 1_000)
    expect(ended).toBe(end)
  })
})

describe.skipIf(process.platform !== 'linux')('versions side by side', () => {
  /** A machine with version 1; each program writes who it is. */
  function makeMachine() {
    const home = temporaryFolder()
    const at = (name: string): string => join(home, name)
    const program = (folder: string, says: string) => {
      mkdirSync(folder, { recursive: true })
      writeFileSync(join(folder, 'capstan'), `#!/bin/sh\necho ${says} "$@"\n`)
      chmodSync(join(folder, 'capstan'), 0o755)
    }
    const packed = (version: string) => {
      const folder = join(temporaryFolder(), `capstan-${version}`)
      program(folder, version)
      const path = `${folder}.tar.gz`
      execFileSync('tar', ['-czf', path, '-C', join(folder, '..'), `capstan-${version}`])
      return path
    }
    program(at('versions/0.1.0'), '0.1.0')
    symlinkSync('versions/0.1.0', at('current'))
    copyFileSync(join(root, 'packaging/linux/launch'), at('launch'))
    const versions = (): Versions => {
      const found = findVersions(join(home, readlinkSync(at('current')), 'capstan'))
      if (!found) throw new Error('no versions')
      return found
    }
    const launch = (...args: readonly string[]) => execFileSync(at('launch'), args, { encoding: 'utf8' }).trim()
    return { at, packed, versions, launch }
  }

  it('start the new one on trial, and the one before again after two starts that came to nothing', () => {
    const { packed, versions, launch } = makeMachine()
    expect(launch('--kiosk', 'a b')).toBe('0.1.0 --kiosk a b')
    versions().begin(packed('0.2.0'), '0.2.0')
    expect(versions().isOnTrial()).toBe(true)
    expect([launch(), launch(), launch(), launch()]).toEqual(['0.2.0', '0.2.0', '0.1.0', '0.1.0'])
    expect([versions().isOnTrial(), versions().isRolledBack(), versions().failed()]).toEqual([false, true, ['0.2.0']])
    versions().rolledBackIsDone()
    expect(versions().isRolledBack()).toBe(false)
  })

  it('keep one that works, and of the others only the one before', () => {
    const { at, packed, versions, launch } = makeMachine()
    for (const version of ['0.2.0', '0.3.0']) {
      versions().begin(packed(version), version)
      expect(launch()).toBe(version)
      versions().confirm()
    }
    expect([launch(), launch(), launch()]).toEqual(['0.3.0', '0.3.0', '0.3.0'])
    expect(['0.1.0', '0.2.0', '0.3.0'].map((name) => existsSync(at(`versions/${name}`)))).toEqual([false, true, true])
    expect(versions().failed()).toEqual([])
  })

  it('are as before after a package that is cut off or holds no program', () => {
    const { packed, versions, launch } = makeMachine()
    const whole = readFileSync(packed('0.2.0'))
    const cut = join(temporaryFolder(), 'cut.tar.gz')
    writeFileSync(cut, whole.subarray(0, whole.length / 2))
    expect(() => versions().begin(cut, '0.2.0')).toThrow()
    const empty = join(temporaryFolder(), 'empty.tar.gz')
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'capstan-0.2.0'))
    execFileSync('tar', ['-czf', empty, '-C', folder, 'capstan-0.2.0'])
    expect(() => versions().begin(empty, '0.2.0')).toThrow()
    expect([versions().isOnTrial(), launch()]).toEqual([false, '0.1.0'])
  })

  it('are not there for a program that was installed in another way', () => {
    expect(findVersions('/opt/Capstan/capstan')).toBeNull()
    expect(findVersions(join(temporaryFolder(), 'versions/0.1.0/capstan'))).toBeNull()
  })
})
