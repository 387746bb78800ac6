import { afterEach, describe, expect, it } from 'vitest'
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
