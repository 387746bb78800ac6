import type { App, BrowserWindow, BrowserWindowConstructorOptions, Display, Screen } from 'electron'
import type { Log } from '#contract/ports.ts'
import { ownUrl } from './origin.ts'

/** The lock of a kiosk's screens. */
export interface KioskLock {
  readonly isLocked: boolean
  /** Ends it: the window is one like others for a quarter of an hour or until the next start, or the program ends. */
  leave(to: 'window' | 'end'): void
}

export interface KioskLockPorts {
  readonly app: Pick<App, 'on' | 'off' | 'quit'>
  readonly window: BrowserWindow
  readonly Window: new (options: BrowserWindowConstructorOptions) => BrowserWindow
  readonly screen: Pick<Screen, 'on' | 'off' | 'getAllDisplays' | 'getDisplayMatching'>
  /** What other displays show instead of the cover's page: it reads the station, and may be looked at only. */
  readonly shown?: { readonly url: string; readonly preload: string; readonly onMade: (window: BrowserWindow) => void }
  /** The window is gone though it is locked: a page can close its own, and nothing prevents that. */
  readonly onLost: () => void
  readonly log: Log
}

/** Where the page of a covered display is; `service-screen.ts` makes it. */
export const coverUrl = `${ownUrl}cover`

/** A screen that staff have left is locked again by itself. */
const relockMs = 15 * 60_000

/**
 * Keeps the window on its whole screen and every other screen covered: it is not closed, made smaller or hidden by whatever
 * asks, but by the program's own end. A display that is plugged in is covered as well.
 */
export function lockKiosk({ app, window, Window, screen, shown, onLost, log }: KioskLockPorts): KioskLock {
  let isLocked = true
  const covers = new Map<number, BrowserWindow>()
  const whileLocked = (run: () => void) => (): void => {
    if (isLocked && !window.isDestroyed()) run()
  }

  const unlock = (): void => void (isLocked = false)
  app.on('before-quit', unlock)
  window.on('close', (event) => {
    if (!isLocked) return
    event.preventDefault()
    log.warn({}, 'closing refused')
  })
  window.on(
    'minimize',
    whileLocked(() => window.restore()),
  )
  window.on(
    'hide',
    whileLocked(() => window.show()),
  )
  window.on(
    'leave-full-screen',
    whileLocked(() => window.setKiosk(true)),
  )
  window.webContents.on('devtools-opened', () => window.webContents.closeDevTools())
  refuseFileDialogs(window, () => isLocked, log)

  const cover = (display: Display): void => {
    const known = covers.get(display.id)
    if (known) return known.setBounds(display.bounds)
    const made = new Window({
      ...display.bounds,
      kiosk: true,
      frame: false,
      focusable: false,
      skipTaskbar: true,
      alwaysOnTop: true,
      backgroundColor: '#101418',
      webPreferences: {
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        devTools: false,
        ...(shown && { preload: shown.preload, backgroundThrottling: false }),
      },
    })
    made.on('close', (event) => isLocked && event.preventDefault())
    covers.set(display.id, made)
    shown?.onMade(made)
    made
      .loadURL(shown?.url ?? coverUrl)
      .catch((error: unknown) => log.error({ err: error }, 'a display is covered without its page'))
  }
  const uncover = (id: number): void => {
    covers.get(id)?.destroy()
    covers.delete(id)
  }
  const look = whileLocked(() => {
    const own = screen.getDisplayMatching(window.getBounds()).id
    const displays = screen.getAllDisplays()
    for (const id of covers.keys()) if (id === own || !displays.some((display) => display.id === id)) uncover(id)
    for (const display of displays) if (display.id !== own) cover(display)
  })
  const changes = ['display-added', 'display-removed', 'display-metrics-changed'] as const
  for (const name of changes) screen.on(name as 'display-added', look)
  look()

  const relock = (): void => {
    if (window.isDestroyed()) return
    log.info({}, 'the screen is locked again')
    isLocked = true
    window.setKiosk(true)
    look()
  }
  const uncoverAll = (): void => {
    for (const id of covers.keys()) uncover(id)
  }
  window.on('closed', () => {
    uncoverAll()
    app.off('before-quit', unlock)
    for (const name of changes) screen.off(name as 'display-added', look)
    if (isLocked) onLost()
  })

  return {
    get isLocked() {
      return isLocked
    },
    leave(to) {
      isLocked = false
      uncoverAll()
      if (to === 'end') return app.quit()
      window.setKiosk(false)
      window.setFullScreen(false)
      // Whoever left it open has gone.
      const timer = setTimeout(relock, relockMs)
      window.once('closed', () => clearTimeout(timer))
    },
  }
}

/**
 * A dialog for files shows the disk to whoever stands there. No setting of Electron keeps a page from opening one; the
 * protocol of its developer tools does, without a port or a tool of its own.
 */
function refuseFileDialogs({ webContents }: BrowserWindow, isLocked: () => boolean, log: Log): void {
  const refuse = async (): Promise<void> => {
    if (!isLocked()) return
    if (!webContents.debugger.isAttached()) webContents.debugger.attach('1.3')
    await webContents.debugger.sendCommand('Page.setInterceptFileChooserDialog', { enabled: true })
  }
  const tryRefuse = (): void =>
    void refuse().catch((error: unknown) => log.error({ err: error }, 'file dialogs are not refused'))
  // A page that comes after a crash knows nothing of what was asked of the one before.
  webContents.on('did-finish-load', tryRefuse)
}
