import { afterEach, describe, expect, it } from 'vitest'
import { missedTopic } from '#contract/ipc.ts'
import { serveIpc, isTrustedSender } from '#main/ipc.ts'
import { isOwnUrl } from '#main/origin.ts'
import { createBridge } from '#preload/bridge.ts'
import { createFakeIpc, type FakeIpc } from '../../contract/fake-ipc.ts'
import { createFakeStation, createKeptLog } from '../../contract/fake-station.ts'

describe('our own address', () => {
  it.each(['app://kiosk/', 'app://kiosk/index.html', 'app://kiosk/?a=b#c', 'app://kiosk'])('is %s', (url) => {
    expect(isOwnUrl(url)).toBe(true)
  })

  it.each([
    'app://kiosk.evil/',
    'app://evil.kiosk/',
    'app://kiosk@evil/',
    'app://evil@kiosk/',
    'app://kiosk:80/',
    'app:kiosk',
    'https://kiosk/',
    'file:///app://kiosk/',
    'http://127.0.0.1/?app://kiosk/',
    'about:blank',
    'data:text/html,app://kiosk/',
    'blob:app://kiosk/1',
    'null',
    '',
  ])('is not %j', (url) => {
    expect(isOwnUrl(url)).toBe(false)
  })
})

describe('a sender', () => {
  const own = { isOwnWindow: true, isMainFrame: true, url: 'app://kiosk/' }

  it('is trusted when it is the main frame of our own page', () => {
    expect(isTrustedSender(own)).toBe(true)
  })

  it.each([
    ['another window', { ...own, isOwnWindow: false }],
    ['an iframe', { ...own, isMainFrame: false }],
    ['a frame that is gone', { ...own, url: null }],
    ['another origin', { ...own, url: 'https://evil.example/' }],
    ['a similar origin', { ...own, url: 'app://kiosk.evil/' }],
  ])('is not trusted when it is %s', (_what, facts) => {
    expect(isTrustedSender(facts)).toBe(false)
  })
})

describe('a message over IPC', () => {
  let ipc: FakeIpc
  afterEach(() => ipc.close())

  const own = { sender: { id: 1 }, senderFrame: { url: 'app://kiosk/', parent: null } }

  it.each([
    ['another window', { ...own, sender: { id: 2 } }],
    ['an iframe of our own page', { ...own, senderFrame: { url: 'app://kiosk/', parent: {} } }],
    ['a destroyed frame', { ...own, senderFrame: null }],
    ['a frame that an older Electron does not know any more', { ...own, senderFrame: undefined }],
    [
      'a frame that goes at this moment',
      {
        ...own,
        get senderFrame(): never {
          throw new Error('Render frame was disposed before WebFrameMain could be accessed')
        },
      },
    ],
    ['a foreign page', { ...own, senderFrame: { url: 'https://evil.example/', parent: null } }],
  ])('from %s reaches no handler', async (_what, event) => {
    ipc = createFakeIpc()
    const station = createFakeStation()
    const { log, lines } = createKeptLog()
    serveIpc({ ipcMain: ipc.ipcMain as never, transport: station, page: () => ipc.page, log })
    const window = createBridge(ipc.ipcRenderer as never)
    ipc.sendAs(event)
    expect(await window.call('settings.change', { stationName: 'taken over' })).toMatchObject({
      ok: false,
      error: { code: 'unauthorised' },
    })
    ipc.sendAs(own)
    expect(await window.call('settings.get', {})).toMatchObject({ ok: true, value: { stationName: 'Station' } })
    expect(lines.map(({ level }) => level)).toEqual(['warn'])
  })

  it('is refused when its name is no string', async () => {
    ipc = createFakeIpc()
    const { log } = createKeptLog()
    serveIpc({ ipcMain: ipc.ipcMain as never, transport: createFakeStation(), page: () => ipc.page, log })
    const window = createBridge(ipc.ipcRenderer as never)
    for (const name of [7, null, ['settings.get'], { toString: 'settings.get' }]) {
      expect(await window.call(name as never, {})).toMatchObject({ ok: false, error: { code: 'invalid_input' } })
    }
  })
})

describe('a page that cannot keep up', () => {
  const own = { sender: { id: 1 }, senderFrame: { url: 'app://kiosk/', parent: null } }

  /** A page whose messages wait until it reads them. */
  function open() {
    const station = createFakeStation()
    const { log, lines } = createKeptLog()
    const unread: unknown[][] = []
    let toPage: (...all: unknown[]) => void = () => undefined
    let fromPage: (event: unknown, number: unknown) => void = () => undefined
    const ipcMain = {
      handle: () => undefined,
      removeHandler: () => undefined,
      on: (_channel: string, listener: typeof fromPage) => (fromPage = listener),
      off: () => undefined,
    }
    const page = { id: 1, isDestroyed: () => false, send: (_channel: string, ...all: unknown[]) => unread.push(all) }
    serveIpc({ ipcMain: ipcMain as never, transport: station, page: () => page, log })
    const begin = () =>
      createBridge({
        invoke: () => Promise.reject(new Error('not here')),
        on: (_channel: string, listener: typeof toPage) => (toPage = listener),
        send: (_channel: string, number: unknown) => fromPage(own, number),
      } as never)
    const read = (count = Number.POSITIVE_INFINITY): void => {
      for (const all of unread.splice(0, count)) toPage({}, ...all)
    }
    return { station, lines, unread, begin, read, say: (event: unknown, number: unknown) => fromPage(event, number) }
  }

  it('gets no more of a flood than it can hold, and asks anew once it has read that', () => {
    const { station, lines, unread, begin, read } = open()
    const window = begin()
    const heard: unknown[] = []
    let missed = 0
    window.subscribe('scan.taken', (payload) => heard.push(payload))
    window.subscribe(missedTopic, () => (missed += 1))
    for (let scan = 0; scan < 20_000; scan++) {
      station.emit('scan.taken', scan)
      station.emit('status.changed', scan)
    }
    expect(unread.length).toBeLessThanOrEqual(512)
    expect(lines.map(({ level }) => level)).toEqual(['warn'])
    read()
    expect(heard.length).toBeGreaterThan(200)
    // What came while it was told is in the answers that it asks for.
    read()
    expect(missed).toBe(1)
    station.emit('scan.taken', 'the next one')
    read()
    expect(heard.at(-1)).toBe('the next one')
    expect(missed).toBe(1)
  })

  it('is told whatever it could not ask for later', () => {
    const { station, begin, read } = open()
    const window = begin()
    const refused: unknown[] = []
    window.subscribe('scan.refused', (payload) => refused.push(payload))
    for (let scan = 0; scan < 2_000; scan++) {
      station.emit('scan.taken', scan)
      station.emit('scan.refused', scan)
    }
    read()
    expect(refused).toEqual(Array.from({ length: 2_000 }, (_, index) => index))
  })

  it('begins with nothing unread when it is loaded anew', () => {
    const { station, unread, begin, read } = open()
    begin()
    for (let scan = 0; scan < 2_000; scan++) station.emit('scan.taken', scan)
    // What was on its way went with the page.
    unread.length = 0
    const window = begin()
    const heard: unknown[] = []
    window.subscribe('scan.taken', (payload) => heard.push(payload))
    station.emit('scan.taken', 'the first one')
    read()
    expect(heard).toEqual(['the first one'])
  })

  it('is not believed to have read by a foreign frame, or in numbers that are none', () => {
    const { station, unread, begin, say } = open()
    begin()
    for (let scan = 0; scan < 2_000; scan++) station.emit('scan.taken', scan)
    const before = unread.length
    say({ ...own, sender: { id: 2 } }, 500)
    for (const number of ['500', Number.NaN, 1.5, null]) say(own, number)
    // Nothing ends by a page that is gone: it would be the whole kiosk.
    say({ ...own, senderFrame: undefined }, 500)
    for (let scan = 0; scan < 2_000; scan++) station.emit('scan.taken', scan)
    expect(unread).toHaveLength(before)
  })
})
