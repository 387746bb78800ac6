import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import {
  copyFileSync,
  cpSync,
  createWriteStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Result } from '#contract/result.ts'
import {
  checkLedgerOf,
  createStation,
  forkImaging,
  openStoreForReading,
  readHeartbeat,
  systemClock,
  timeOrderedIds,
} from '#station/index.ts'
import { build } from '../../tools/set-up.mjs'
import { dist, isOld, missing, openDisplay, processTree } from './open-kiosk.ts'
import { packageKiosk } from './package-kiosk.ts'

if (missing !== null) console.warn(`tests/electron/updates is skipped: ${missing}.`)

const root = fileURLToPath(new URL('../../', import.meta.url))
const log = { debug() {}, info() {}, warn() {}, error() {}, child: () => log }
const release = (...args: readonly string[]): string =>
  execFileSync(process.execPath, [join(root, 'tools/release.ts'), ...args], { encoding: 'utf8' }).trim()

const updater = 'updaterCacheDirName: capstan-updater-drill\n'

/**
 * The bad-build drill on unpacked applications. The one that is installed is what electron-builder packs, with its archive and its
 * fuses; those that are offered are laid out as it does, without an archive, whose making takes its time.
 */
describe.skipIf(missing !== null || process.platform !== 'linux')('an update of a running kiosk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-update-drill-'))
  const at = (...names: readonly string[]): string => join(folder, ...names)
  const dataDir = at('data')
  const saved: string[] = []
  let site: Server
  let child: ChildProcess | null = null
  let isOver = false
  let output = ''
  let display: Awaited<ReturnType<typeof openDisplay>> = null

  /** An unpacked application; the large files are the runtime's own. */
  const layOut = (where: string, version: string, main: string | null): void => {
    mkdirSync(where, { recursive: true })
    // Links where the disk allows it: the runtime is a quarter of a gigabyte.
    const copy = 'cp -al "$1/." "$2" 2>/dev/null || cp -a "$1/." "$2"; rm -f "$2/resources/default_app.asar"'
    execFileSync('sh', ['-c', copy, '-', dist, where])
    renameSync(join(where, 'electron'), join(where, 'capstan'))
    const app = join(where, 'resources/app')
    mkdirSync(join(app, 'tests/electron'), { recursive: true })
    cpSync(join(root, 'out'), join(app, 'out'), { recursive: true })
    for (const name of [
      'packaged-entry.mjs',
      'sqlite-hook.cjs',
      'sqlite-hook.mjs',
      'sqlite-entry.cjs',
      'sealed-stand-in.cjs',
    ])
      copyFileSync(join(root, 'tests/electron', name), join(app, 'tests/electron', name))
    symlinkSync(join(root, 'node_modules'), join(app, 'node_modules'))
    if (main !== null) writeFileSync(join(app, 'bad.cjs'), main)
    const entry = main !== null ? 'bad.cjs' : isOld ? 'tests/electron/packaged-entry.mjs' : 'out/main/index.js'
    writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'capstan', version, type: 'module', main: entry }))
    writeFileSync(join(where, 'resources/update-key.txt'), publicKey)
    writeFileSync(join(where, 'resources/app-update.yml'), updater)
  }
  /** Packs and signs a version; what it answers puts it in the place of what the site offers. */
  const pack = async (version: string, main: string | null): Promise<() => void> => {
    layOut(at('build', `capstan-${version}`), version, main)
    const path = at('site', `capstan-${version}-x64.tar.gz`)
    const tar = spawn('tar', ['-cf', '-', '-C', at('build'), `capstan-${version}`], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    // Not pressed: it would take longer than all the rest.
    await pipeline(tar.stdout, createGzip({ level: 0 }), createWriteStream(path))
    rmSync(at('build'), { recursive: true })
    const out = at(`offer-${version}`)
    mkdirSync(out)
    const signed = release(
      'sign',
      '--key',
      at('key.pem'),
      '--platform',
      'linux',
      '--version',
      version,
      '--out',
      out,
      path,
    )
    return () => renameSync(signed, at('site', basename(signed)))
  }
  /** What systemd does: starts it again whenever it ends with a fault. */
  const supervise = (): void => {
    if (isOver) return
    const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : []
    const started = spawn(at('home/launch'), [...sandbox, '--data', dataDir], {
      env: {
        ...process.env,
        CAPSTAN_SUPERVISED: '1',
        XDG_CACHE_HOME: at('cache'),
        ...(display === null ? {} : { DISPLAY: display.name }),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child = started
    for (const stream of [started.stdout, started.stderr]) stream.on('data', (piece) => (output += String(piece)))
    started.once('exit', (code) => {
      output += `ended with ${code}\n`
      if (code !== 0) supervise()
    })
  }
  const count = (text: string): number => output.split(text).length - 1
  const until = (isSo: () => boolean): Promise<void> =>
    vi.waitFor(
      () => {
        if (!isSo()) throw new Error(`not yet; it printed:\n${output.slice(-3_000)}`)
      },
      { timeout: 150_000, interval: 100 },
    )
  const current = (): string => readlinkSync(at('home/current'))
  let publicKey = ''

  beforeAll(async () => {
    await build()
    for (const name of ['site', 'home']) mkdirSync(at(name))
    publicKey = release('key', '--out', at('key.pem'))
    mkdirSync(at('home/versions'))
    renameSync(await packageKiosk(at('packed')), at('home/versions/0.1.0'))
    writeFileSync(at('home/versions/0.1.0/resources/update-key.txt'), publicKey)
    writeFileSync(at('home/versions/0.1.0/resources/app-update.yml'), updater)
    symlinkSync('versions/0.1.0', at('home/current'))
    copyFileSync(join(root, 'packaging/linux/launch'), at('home/launch'))
    site = createServer(({ url }, response) => {
      const path = at('site', new URL(url ?? '', 'http://site').pathname.slice(1))
      if (!existsSync(path)) return void response.writeHead(404).end()
      response.end(readFileSync(path))
    })
    await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve))
    const station = await createStation({
      dataDir,
      host: 'cli',
      version: '0.1.0',
      log,
      fetch,
      backend: null,
      spawnImaging: forkImaging(),
    })
    if (!station.ok) throw new Error(station.error.message)
    const call = async (name: string, input: object): Promise<never> => {
      const answer = (await station.value.call(name, input)) as Result<never>
      if (!answer.ok) throw new Error(answer.error.message)
      return answer.value
    }
    const address = `http://127.0.0.1:${(site.address() as AddressInfo).port}/`
    await call('settings.change', { update: { address, ring: 'all', quietMinutes: 0 } })
    const { id } = await call('session.open', { label: 'before the update' })
    for (let index = 0; index < 20; index += 1) {
      const { capture } = (await call('scan.submit', { data: `BEFORE-${index}` })) as { capture: { id: string } }
      saved.push(capture.id)
    }
    await call('session.end', { id })
    await station.value.close()
    display = await openDisplay()
  }, 300_000)
  afterAll(() => {
    isOver = true
    for (const pid of child?.pid === undefined ? [] : processTree(child.pid)) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended.
      }
    }
    site?.close()
    display?.server.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  it('begins at what electron-builder packs: an archive, native code beside it, and no switch that makes it a Node', () => {
    const unpacked = at('home/versions/0.1.0')
    const program = join(unpacked, 'capstan')
    const read = execFileSync(join(root, 'node_modules/.bin/electron-fuses'), ['read', '--app', program], {
      encoding: 'utf8',
    })
    const fuses = Object.fromEntries(
      [...read.matchAll(/(\w+) is (Enabled|Disabled)/g)].map(([, name, is]) => [name, is]),
    )
    expect(fuses).toMatchObject({
      RunAsNode: 'Disabled',
      EnableCookieEncryption: 'Enabled',
      EnableNodeOptionsEnvironmentVariable: 'Disabled',
      EnableNodeCliInspectArguments: 'Disabled',
      EnableEmbeddedAsarIntegrityValidation: 'Enabled',
      OnlyLoadAppFromAsar: 'Enabled',
      GrantFileProtocolExtraPrivileges: 'Disabled',
    })
    expect(existsSync(join(unpacked, 'resources/app.asar'))).toBe(true)
    for (const name of ['sharp', 'usb'])
      expect(existsSync(join(unpacked, 'resources/app.asar.unpacked/node_modules', name))).toBe(true)
  })

  it('that migrates the store and then does not start is taken back with all data, is not tried again, and a good one after it stays', async () => {
    // What a later version might do to the store before it fails.
    const offerBad = await pack(
      '0.2.0',
      `const { DatabaseSync } = require(${JSON.stringify(isOld ? '@photostructure/sqlite' : 'node:sqlite')})
       const store = new DatabaseSync(${JSON.stringify(join(dataDir, 'station.sqlite'))})
       if (store.prepare('PRAGMA user_version').get().user_version < 900)
         store.exec("ALTER TABLE captures ADD COLUMN newer TEXT; PRAGMA user_version = 900")
       console.error('the bad one was here')
       process.exit(1)`,
    )
    const offerGood = await pack('0.3.0', null)
    offerBad()
    supervise()
    await until(() => output.includes('an update is installed'))
    await until(() => existsSync(at('home/failed')) && !existsSync(at('home/trial')))
    expect([count('the bad one was here'), readFileSync(at('home/failed'), 'utf8')]).toEqual([2, '0.2.0\n'])
    expect(current()).toBe('versions/0.1.0')
    // The version before runs again, on the data.
    await until(() => count('"ready to scan"') === 2)
    expect(existsSync(at('home/rolled-back'))).toBe(false)

    // It looks some seconds after its start, and then not for long.
    offerGood()
    await until(() => count('an update is installed') === 2)
    await until(() => output.includes('this version works'))
    expect([current(), existsSync(at('home/trial'))]).toEqual(['versions/0.3.0', false])
    expect(count('the bad one was here')).toBe(2)

    const last = readHeartbeat(dataDir)
    expect(last?.isReady).toBe(true)
    isOver = true
    process.kill(last?.pid ?? 0, 'SIGTERM')
    await until(() => readHeartbeat(dataDir) === null)
    const store = openStoreForReading(dataDir, { clock: systemClock, ids: timeOrderedIds })
    if (!store.ok) throw new Error(store.error.message)
    expect(saved.map((id) => store.value.captures.get(id)?.raw)).toEqual(saved.map((_id, index) => `BEFORE-${index}`))
    store.value.close()
    const checked = checkLedgerOf(dataDir)
    expect(checked.ok && checked.value.problem).toBeNull()
  }, 300_000)
})
