import type { App, Input, Session, WebContents } from 'electron'
import type { Log } from '#contract/ports.ts'
import { isOwnUrl } from './origin.ts'

/** Keeps every page of this process where it is: a kiosk never leaves its page, and has no second window. */
export function lockNavigation(app: Pick<App, 'on'>, log: Log): void {
  app.on('web-contents-created', (_event, contents) => lockPage(contents, log))
}

/** The lock on one page; loads that the main process itself starts do not pass here. */
export function lockPage(contents: Pick<WebContents, 'on' | 'setWindowOpenHandler'>, log: Log): void {
  const refuse = (event: { preventDefault(): void }): void => {
    event.preventDefault()
    // Not the address: it can be a scanned one.
    log.warn({}, 'navigation refused')
  }
  contents.on('will-navigate', refuse)
  contents.on('will-frame-navigate', refuse)
  contents.on('will-redirect', refuse)
  contents.on('will-attach-webview', refuse)
  contents.setWindowOpenHandler(() => {
    log.warn({}, 'window refused')
    return { action: 'deny' }
  })
  contents.on('before-input-event', (event, input) => {
    if (isSwallowedKey(input)) event.preventDefault()
  })
}

/** Keys that browsers and desktops give a meaning to, together with Control or Command. */
const swallowedWithControl = new Set('psorwntqfghu+=0')

/**
 * Ctrl+J is not among them: scanners type a line feed by it. Nor is Ctrl+-: it is how some scanners type the control character US. Without a menu it zooms nothing, and
 * the page refuses it too; with Command it is nobody's code.
 */
const swallowedWithCommand = new Set(['-'])

/**
 * Function keys that do something in a browser. F8, F12 and the arrows are not among them: they are how some
 * keyboard-wedge scanners type the GS1 group separator, and without a menu they mean nothing to Electron.
 */
const swallowedAlone = new Set(['F1', 'F3', 'F4', 'F5', 'F6', 'F7', 'F10', 'F11', 'BrowserBack', 'BrowserForward'])

/** Keys that windows and desktops give a meaning to, together with Alt. */
const swallowedWithAlt = new Set(['ArrowLeft', 'ArrowRight', 'Home', 'F4', 'Tab', 'Escape', ' ', 'Enter'])

/** Whether a key press stays with the host instead of reaching the page. */
export function isSwallowedKey(input: Pick<Input, 'key' | 'control' | 'meta' | 'alt' | 'shift'>): boolean {
  if (swallowedAlone.has(input.key)) return true
  if (input.alt && swallowedWithAlt.has(input.key)) return true
  if (!input.control && !input.meta) return false
  const key = input.key.toLowerCase()
  if (input.meta && swallowedWithCommand.has(key)) return true
  return swallowedWithControl.has(key) || (input.shift && (key === 'i' || key === 'j' || key === 'c'))
}

/**
 * Refuses every permission but the camera for our own page. Electron approves everything by default, and asks
 * one handler when a page requests and another when it only checks: both are needed.
 */
export function limitPermissions(
  session: Pick<
    Session,
    'setPermissionRequestHandler' | 'setPermissionCheckHandler' | 'setDevicePermissionHandler' | 'on'
  >,
): void {
  session.setPermissionRequestHandler((_contents, permission, answer, details) => {
    const mediaTypes = 'mediaTypes' in details ? (details.mediaTypes ?? []) : []
    const isVideoOnly = mediaTypes.length > 0 && mediaTypes.every((type) => type === 'video')
    answer(permission === 'media' && isVideoOnly && details.isMainFrame && isOwnUrl(details.requestingUrl))
  })
  session.setPermissionCheckHandler(
    (_contents, permission, origin, details) =>
      permission === 'media' && details.mediaType === 'video' && details.isMainFrame && isOwnUrl(origin),
  )
  session.setDevicePermissionHandler(() => false)
  // The station's drivers open devices; a page never chooses one.
  session.on('select-usb-device', (event, _details, choose) => {
    event.preventDefault()
    choose()
  })
  session.on('select-hid-device', (event, _details, choose) => {
    event.preventDefault()
    choose()
  })
  session.on('select-serial-port', (event, _ports, _contents, choose) => {
    event.preventDefault()
    choose('')
  })
}

const firstClearMs = 60_000
const dayMs = 86_400_000

/**
 * Clears what a page can keep on the disk, soon after the start and after each day. Capstan keeps nothing there: what is, a
 * fault has left, and it may be about a visitor. Scans on their way over a reload are in the session storage, which stays.
 */
export function clearEachDay(
  session: Pick<Session, 'clearStorageData'>,
  later: (run: () => void, waitMs: number) => unknown,
  log: Pick<Log, 'warn'>,
): void {
  const clear = (): void => {
    session
      .clearStorageData({
        storages: ['cookies', 'filesystem', 'indexdb', 'localstorage', 'serviceworkers', 'cachestorage'],
      })
      .catch((error: unknown) => log.warn({ err: error }, 'what the page kept on the disk could not be cleared'))
    later(clear, dayMs)
  }
  later(clear, firstClearMs)
}
