import type { BrowserWindow, BrowserWindowConstructorOptions } from 'electron'

export interface WindowOptions {
  /** The bundled preload, absolute. */
  readonly preload: string
  readonly kiosk: boolean
  readonly devTools: boolean
  /** False for one that only shows: what a scanner types must not go there. True unless given. */
  readonly focusable?: boolean
}

/** The kiosk window's settings; what Electron defaults to safely is said all the same, so that a test can hold it. */
export function windowOptions({
  preload,
  kiosk,
  devTools,
  focusable = true,
}: WindowOptions): BrowserWindowConstructorOptions {
  return {
    kiosk,
    focusable,
    show: false,
    width: 1280,
    height: 800,
    minWidth: 800,
    minHeight: 600,
    title: 'Capstan',
    backgroundColor: '#101418',
    autoHideMenuBar: true,
    webPreferences: {
      preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webviewTag: false,
      navigateOnDragDrop: false,
      disableDialogs: true,
      spellcheck: false,
      devTools,
      // A hidden or covered window still takes scans and answers them with a sound.
      backgroundThrottling: false,
      autoplayPolicy: 'no-user-gesture-required',
    },
  }
}

/** Makes the kiosk window; `load` puts a page into it. */
export function createKioskWindow(Window: typeof BrowserWindow, options: WindowOptions): BrowserWindow {
  const window = new Window(windowOptions(options))
  window.removeMenu()
  window.once('ready-to-show', () => window.show())
  const { webContents } = window
  webContents.on('did-finish-load', () => {
    webContents.setZoomFactor(1)
    void webContents.setVisualZoomLevelLimits(1, 1)
  })
  return window
}
