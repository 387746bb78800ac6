import { join } from 'node:path'
import { app, BrowserWindow, dialog, ipcMain, Menu, powerSaveBlocker, protocol, screen, session } from 'electron'
import type { Transport } from '#contract/transport.ts'
import type { Station } from '#station/index.ts'
import { parseKioskArguments } from './arguments.ts'
import { limitDownloads } from './downloads.ts'
import { serveIpc } from './ipc.ts'
import { lockKiosk, type KioskLock } from './kiosk-lock.ts'
import { createLog } from './log.ts'
import { clearEachDay, limitPermissions, lockNavigation } from './lockdown.ts'
import { ownScheme, ownUrl, visitorUrl } from './origin.ts'
import { createProtocolHandler, ownSchemePrivileges } from './protocol.ts'
import { keepPageAlive, serviceUrl } from './recovery.ts'
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
/** Somebody may have brought the key of the data meanwhile: the service manager starts the kiosk again. */
const keyWaitMs = 60_000
/** What has to be ended before the program may end, the last one opened first. */
const closers: (() => void | Promise<void>)[] = []
let lock: KioskLock | null = null

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
  const script = Promise.withResolvers<void>()
  protocol.handle(ownScheme, createProtocolHandler({ assetsDir, handle, log, onScript: script.resolve }))

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
    keepPageAlive({ window: opened, ipcMain, clock: { now: () => new Date() }, later, log })
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

  // All else is loaded while the page runs its scripts: it is ten times as much, and would keep them from coming.
  later(script.resolve, shownMs)
  await script.promise
  const { openHost, MissingKeyError, restartCode } = await import('./host.ts')
  const opened = openHost({
    options,
    dataDir,
    programDir: import.meta.dirname,
    log,
    later,
    isShown,
    ...(isKiosk ? { leaveKiosk: (to: 'window' | 'end') => lock?.leave(to) } : {}),
    onClose: (close) => void closers.push(close),
    onOpen(station) {
      // It ends before the station does.
      closers.push(stopIpc)
      opening.resolve(station)
    },
  })
  await opened.catch((error: unknown) => {
    if (!isKiosk || !(error instanceof MissingKeyError)) throw error
    log.error({ err: error }, 'the kiosk waits for the key of its data')
    window.loadURL(`${serviceUrl}?reason=key`).catch(() => {})
    later(() => app.exit(restartCode), keyWaitMs)
  })
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

// In order, and first: electron-store brings a package that would end the program at once.
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.on(signal, () => app.quit())
process.on('uncaughtException', (error) => {
  log.error({ err: error }, 'a bug ended the kiosk')
  process.exitCode = 1
  app.quit()
})
app.on('child-process-gone', (_event, { type, reason, serviceName }) =>
  log.error({ type, reason, serviceName }, 'child process gone'),
)
