import type { BrowserWindow, IpcMain } from 'electron'
import { ipcChannels } from '#contract/ipc.ts'
import type { Log, WallClock } from '#contract/ports.ts'
import { isOwnUrl, ownUrl } from './origin.ts'

export interface RecoveryPorts {
  readonly window: Pick<BrowserWindow, 'on' | 'isDestroyed'> & {
    readonly webContents: Pick<
      BrowserWindow['webContents'],
      'on' | 'loadURL' | 'forcefullyCrashRenderer' | 'send' | 'id'
    >
  }
  readonly ipcMain: Pick<IpcMain, 'on'>
  readonly clock: WallClock
  /** Runs something later, as `setTimeout`; returns what stops it. */
  readonly later: (run: () => void, waitMs: number) => () => void
  readonly log: Log
}

/** Where the service screen is; `service-screen.ts` is its page. */
export const serviceUrl = `${ownUrl}service`

const firstWaitMs = 500
const watchedMs = 60_000
const faultsUntilService = 3
/** A page that hangs longer than this is ended; until then it may be a slow disk. */
const patienceMs = 10_000
/** How often the page is asked whether it runs. Chromium itself only finds out when somebody types or touches. */
const pulseMs = 3_000
/** Nobody may be there to press a key: the service screen tries again by itself. */
const serviceMs = 300_000

/**
 * Brings the page back after a crash or a hang: with back-off, and after three faults in a minute with the
 * service screen instead, so that a kiosk never flickers on for ever.
 */
export function keepPageAlive({ window, ipcMain, clock, later, log }: RecoveryPorts): void {
  const { webContents } = window
  let faults: number[] = []
  let isInService = false
  let stopWaiting = (): void => {}
  let stopPatience = (): void => {}

  const load = (url: string): void => {
    if (window.isDestroyed()) return
    // A failed load is a fault like any other, and told of by did-fail-load.
    webContents.loadURL(url).catch((error: unknown) => log.error({ err: error }, 'page did not load'))
  }
  const restart = (): void => {
    isInService = false
    load(ownUrl)
  }

  const fault = (reason: string): void => {
    const now = clock.now().getTime()
    faults = [...faults.filter((at) => now - at < watchedMs), now]
    log.error({ reason, faults: faults.length }, 'page lost')
    // When even the service screen cannot be shown, nothing but waiting helps.
    if (isInService) return
    stopWaiting()
    if (faults.length < faultsUntilService) {
      stopWaiting = later(restart, firstWaitMs * 2 ** (faults.length - 1))
      return
    }
    faults = []
    isInService = true
    load(serviceUrl)
    stopWaiting = later(restart, serviceMs)
  }

  webContents.on('render-process-gone', (_event, details) => {
    if (details.reason !== 'clean-exit') fault(details.reason)
  })
  webContents.on('did-fail-load', (_event, code, description, _url, isMainFrame) => {
    // -3 is a load that another one replaced.
    if (isMainFrame && code !== -3) fault(description)
  })
  // Nothing tells of a link to an empty page before it is there.
  webContents.on('did-navigate', (_event, url) => {
    if (isOwnUrl(url)) return
    log.warn({}, 'the page was left, and is taken back')
    load(ownUrl)
  })

  const endHung = (): void => {
    log.error({}, 'the page hangs')
    if (!window.isDestroyed()) webContents.forcefullyCrashRenderer()
  }
  const beginPatience = (): void => {
    stopPatience()
    stopPatience = later(endHung, patienceMs)
  }
  window.on('unresponsive', beginPatience)
  window.on('responsive', () => stopPatience())

  let stopPulse = (): void => {}
  /** Asks, and is patient until the answer comes; then the next question has its turn. */
  const ask = (): void => {
    if (window.isDestroyed()) return
    webContents.send(ipcChannels.pulse)
    beginPatience()
  }
  const rest = (): void => {
    stopPatience()
    stopPulse()
  }
  // A page that is loading, or gone, is not asked: how that ends is told in other ways.
  webContents.on('did-start-loading', rest)
  webContents.on('render-process-gone', rest)
  webContents.on('did-finish-load', () => {
    rest()
    if (!isInService) ask()
  })
  ipcMain.on(ipcChannels.pulse, ({ sender }) => {
    if (sender.id !== webContents.id) return
    rest()
    stopPulse = later(ask, pulseMs)
  })
}
