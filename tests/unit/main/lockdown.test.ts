import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { clearEachDay, isSwallowedKey, limitPermissions, lockNavigation } from '#main/lockdown.ts'
import { createKeptLog } from '../../contract/fake-station.ts'
import { createFakeContents, createFakeEvent } from './fake-electron.ts'

function lockedPage() {
  const app = new EventEmitter()
  const contents = createFakeContents()
  const { log, lines } = createKeptLog()
  lockNavigation(app as never, log)
  app.emit('web-contents-created', {}, contents)
  return { contents, lines }
}

describe('navigation', () => {
  it.each(['will-navigate', 'will-frame-navigate', 'will-redirect', 'will-attach-webview'])(
    'is refused at %s',
    (name) => {
      const { contents } = lockedPage()
      const event = createFakeEvent()
      contents.emit(name, event, 'app://kiosk/?next=https://evil.example')
      expect(event.isPrevented).toBe(true)
    },
  )

  it('opens no second window', () => {
    const { contents } = lockedPage()
    expect(contents.windowOpenHandler?.({ url: 'app://kiosk/' })).toEqual({ action: 'deny' })
  })

  it('does not write scanned addresses into the log', () => {
    const { contents, lines } = lockedPage()
    contents.emit('will-navigate', createFakeEvent(), 'https://evil.example/secret')
    expect(lines).toHaveLength(1)
    expect(JSON.stringify(lines)).not.toContain('evil')
  })
})

describe('keys', () => {
  const press = (text: string) => {
    const parts = text.split('+')
    const key = text.endsWith('++') ? '+' : (parts.at(-1) ?? '')
    return {
      key,
      control: parts.includes('Ctrl'),
      meta: parts.includes('Cmd'),
      alt: parts.includes('Alt'),
      shift: parts.includes('Shift'),
    }
  }

  it.each(
    'Ctrl+p Ctrl+P Ctrl+s Ctrl+o Ctrl+r Ctrl+Shift+R Ctrl+w Ctrl+n Ctrl+t Cmd+q Ctrl+f Ctrl++ Cmd+- Ctrl+0 Ctrl+Shift+I F1 F3 F5 F7 F10 F11 Alt+F4 Alt+Tab Alt+Escape Alt+ArrowLeft Alt+ArrowRight Alt+Home BrowserBack'.split(
      ' ',
    ),
  )('keeps %s from the page', (text) => {
    expect(isSwallowedKey(press(text))).toBe(true)
    const { contents } = lockedPage()
    const event = createFakeEvent()
    contents.emit('before-input-event', event, press(text))
    expect(event.isPrevented).toBe(true)
  })

  // A wedge scanner types these: digits, Enter, the GS1 separator as Ctrl+], F8, F12 or an arrow, and ISO 15434's others.
  it.each(
    'a A 1 Enter Tab Escape Ctrl+] Ctrl+^ Ctrl+- Ctrl+_ Ctrl+d F2 F8 F12 ArrowDown ArrowLeft { | Ctrl+c Ctrl+v Ctrl+a Ctrl+z'.split(
      ' ',
    ),
  )('lets the page have %s', (text) => {
    expect(isSwallowedKey(press(text))).toBe(false)
  })
})

describe('permissions', () => {
  function limitedSession() {
    type Handler = (...args: unknown[]) => unknown
    const handlers: Record<string, Handler> = {}
    const session = Object.assign(new EventEmitter(), {
      setPermissionRequestHandler: (handler: Handler) => (handlers['request'] = handler),
      setPermissionCheckHandler: (handler: Handler) => (handlers['check'] = handler),
      setDevicePermissionHandler: (handler: Handler) => (handlers['device'] = handler),
    })
    limitPermissions(session as never)
    const request = (permission: string, details: object): boolean => {
      let answer: unknown
      handlers['request']?.(null, permission, (value: unknown) => (answer = value), details)
      return answer === true
    }
    const check = (permission: string, origin: string, details: object) =>
      handlers['check']?.(null, permission, origin, details)
    return { session, request, check, device: () => handlers['device']?.({}) }
  }
  const own = { requestingUrl: 'app://kiosk/', isMainFrame: true }

  it('grant the camera to our own page', () => {
    const { request, check } = limitedSession()
    expect(request('media', { ...own, mediaTypes: ['video'] })).toBe(true)
    expect(check('media', 'app://kiosk/', { ...own, mediaType: 'video' })).toBe(true)
  })

  it.each([
    ['the microphone', { ...own, mediaTypes: ['audio'], mediaType: 'audio' }, 'app://kiosk/'],
    ['camera with microphone', { ...own, mediaTypes: ['video', 'audio'], mediaType: 'audio' }, 'app://kiosk/'],
    ['a medium without a name', { ...own, mediaTypes: [], mediaType: 'unknown' }, 'app://kiosk/'],
    [
      'the camera to another page',
      { requestingUrl: 'https://evil.example/', isMainFrame: true, mediaTypes: ['video'], mediaType: 'video' },
      'https://evil.example/',
    ],
    [
      'the camera to a page with a similar name',
      { requestingUrl: 'app://kiosk.evil/', isMainFrame: true, mediaTypes: ['video'], mediaType: 'video' },
      'app://kiosk.evil/',
    ],
    [
      'the camera to a frame',
      { requestingUrl: 'app://kiosk/', isMainFrame: false, mediaTypes: ['video'], mediaType: 'video' },
      'app://kiosk/',
    ],
  ])('refuse %s', (_what, details, origin) => {
    const { request, check } = limitedSession()
    expect(request('media', details)).toBe(false)
    expect(check('media', origin, details)).toBe(false)
  })

  it.each(
    'clipboard-read clipboard-sanitized-write display-capture fullscreen geolocation idle-detection mediaKeySystem midi midiSysex notifications pointerLock keyboardLock openExternal speaker-selection storage-access top-level-storage-access window-management unknown fileSystem hid serial usb background-sync accessibility-events local-fonts'.split(
      ' ',
    ),
  )('refuse %s', (permission) => {
    const { request, check } = limitedSession()
    expect(request(permission, { ...own, mediaTypes: ['video'] })).toBe(false)
    expect(check(permission, 'app://kiosk/', { ...own, mediaType: 'video' })).toBe(false)
  })

  it('open no device and choose none', () => {
    const { session, device } = limitedSession()
    expect(device()).toBe(false)
    const chosen: unknown[] = []
    const choose = (value?: unknown) => chosen.push(value)
    const events = [createFakeEvent(), createFakeEvent(), createFakeEvent()]
    session.emit('select-usb-device', events[0], {}, choose)
    session.emit('select-hid-device', events[1], {}, choose)
    session.emit('select-serial-port', events[2], [], null, choose)
    expect(events.every(({ isPrevented }) => isPrevented)).toBe(true)
    expect(chosen).toEqual([undefined, undefined, ''])
  })
})

describe('what a page keeps on the disk', () => {
  it('is cleared soon after the start and after each day, also when it could not be once', async () => {
    const { log, lines } = createKeptLog()
    const planned: { readonly run: () => void; readonly waitMs: number }[] = []
    const cleared: unknown[] = []
    const clearStorageData = (options: unknown): Promise<void> => {
      cleared.push(options)
      return cleared.length === 2 ? Promise.reject(new Error('the disk is full')) : Promise.resolve()
    }
    clearEachDay({ clearStorageData }, (run, waitMs) => planned.push({ run, waitMs }), log)
    for (let turn = 0; turn < 3; turn += 1) {
      planned[turn]?.run()
      await Promise.resolve()
    }
    expect(planned.map(({ waitMs }) => waitMs)).toEqual([60_000, 86_400_000, 86_400_000, 86_400_000])
    expect(cleared).toHaveLength(3)
    expect(cleared[0]).toEqual({ storages: expect.not.arrayContaining(['sessionstorage']) as unknown })
    expect(JSON.stringify(cleared[0])).toMatch(/localstorage.*cachestorage/)
    expect(lines).toMatchObject([{ message: 'what the page kept on the disk could not be cleared' }])
  })
})
