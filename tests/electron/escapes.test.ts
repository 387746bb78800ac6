import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Kiosk, missing, openKiosk } from './open-kiosk.ts'
import { pageTools } from './page-tools.ts'

if (missing !== null) console.warn(`tests/electron/escapes is skipped: ${missing}.`)

/** Ways out by what a page can do, were somebody able to run something in it. */
const scripts: readonly (readonly [string, (url: string) => unknown])[] = [
  ['a link', (url) => follow({ href: url })],
  ['a link to a new window', (url) => follow({ href: url, target: '_blank' })],
  ['a link to the topmost frame', (url) => follow({ href: url, target: '_top' })],
  ['a link to our own page with a query', () => follow({ href: 'app://kiosk/?next=https://evil.example' })],
  ['a link to a similar host', () => follow({ href: 'app://kiosk.evil/' })],
  ['a link with our name as a user', () => follow({ href: 'app://kiosk@evil.example/' })],
  ['a link to a file', () => follow({ href: 'file:///etc/passwd' })],
  ['a link to the root of the disk', () => follow({ href: 'file:///' })],
  ['a link to the service screen', () => follow({ href: '/service' })],
  ['a link to the cover of other displays', () => follow({ href: '/cover' })],
  ['a script link', () => follow({ href: "javascript:document.title='run'" })],
  ['a data link', () => follow({ href: 'data:text/html,<title>run</title>' })],
  ['a link to view-source', (url) => follow({ href: `view-source:${url}` })],
  ['a link to chrome://settings', () => follow({ href: 'chrome://settings' })],
  ['a link to chrome://gpu', () => follow({ href: 'chrome://gpu' })],
  ['a link to the developer tools', () => follow({ href: 'devtools://devtools/bundled/inspector.html' })],
  ['a link to another program: mail', () => follow({ href: 'mailto:somebody@example.org' })],
  ['a link to another program: telephone', () => follow({ href: 'tel:+100' })],
  ['a link to another program: a shell', () => follow({ href: 'ms-settings:' })],
  [
    'a link to a blob',
    () => follow({ href: URL.createObjectURL(new Blob(['<title>run</title>'], { type: 'text/html' })) }),
  ],
  ['a download of the page', () => follow({ href: '/', download: 'page.html' })],
  ['a download of made up bytes', () => follow({ href: 'data:text/plain,run', download: 'run.sh' })],
  ['location=', (url) => void (location.href = url)],
  ['location.replace', (url) => location.replace(url)],
  ['location.reload', () => location.reload()],
  ['document.open', () => void setTimeout(() => window.open('', '_self'))],
  ['window.open', (url) => void window.open(url)],
  ['window.open in place', (url) => void window.open(url, '_self')],
  ['window.open of nothing', () => void window.open('about:blank')],
  ['window.open as a small window', (url) => void window.open(url, 'small', 'popup,width=200,height=200')],
  ['window.print', () => window.print()],
  ['window.alert', () => window.alert('stop')],
  ['window.confirm', () => window.confirm('stop')],
  ['window.prompt', () => window.prompt('stop')],
  ['window.moveTo and resizeTo', () => [window.moveTo(0, 0), window.resizeTo(100, 100)]],
  ['window.blur', () => window.blur()],
  ['history.back', () => history.back()],
  ['history.forward', () => history.forward()],
  ['history.go to the one before', () => history.go(-1)],
  [
    'navigation.navigate',
    (url) => (globalThis as { navigation?: { navigate(to: string): void } }).navigation?.navigate(url),
  ],
  ['a form', (url) => submitForm(url, 'get')],
  ['a posted form', (url) => submitForm(url, 'post')],
  ['a frame', (url) => void addFrame({ src: url })],
  ['a frame of our own', () => void addFrame({ src: '/' })],
  ['a frame that navigates its top', (url) => void addFrame({ srcdoc: `<a target=_top href="${url}">x</a>` })],
  ['a refresh', (url) => void addRefresh(url)],
  ['a webview', (url) => void add('webview', { src: url })],
  ['an object', (url) => void add('object', { data: url })],
  ['an embedded page', (url) => void add('embed', { src: url })],
  ['a base address', (url) => [add('base', { href: url }), follow({ href: 'next' })]],
  ['a request', (url) => void fetch(url).catch(() => undefined)],
  ['a beacon', (url) => navigator.sendBeacon(url)],
  ['a socket', (url) => void new WebSocket(url.replace('http', 'ws'))],
  ['a picture', (url) => void add('img', { src: `${url}a.png` })],
  ['a style sheet', (url) => void add('link', { rel: 'stylesheet', href: `${url}a.css` })],
  ['a service worker', () => void navigator.serviceWorker?.register('/sw.js').catch(() => undefined)],
  ['the full screen of an element', () => void document.documentElement.requestFullscreen().catch(() => undefined)],
  ['a lock of the pointer', () => void document.documentElement.requestPointerLock()],
  ['a picture of the screen', () => void navigator.mediaDevices.getDisplayMedia().catch(() => undefined)],
]

/** Ways out by keys, with what a keyboard's driver hands to the window. */
const keys = `
  Alt+F4 Alt+Tab Alt+Escape Alt+Left Alt+Right Alt+Home Alt+Space Alt+D Alt+F Control+W
  Control+Shift+W Control+F4 Control+Q Control+Shift+Q Control+N Control+Shift+N Control+T
  Control+Shift+T Control+Tab Control+R Control+Shift+R Control+F5 Control+P Control+S Control+O
  Control+F Control+G Control+H Control+J Control+U Control+L Control+Shift+I Control+Shift+J
  Control+Shift+C Control+Shift+Delete Control+Alt+I Control+M Control+Plus Control+- Control+0
  Control+Escape Shift+Escape Escape ContextMenu Shift+F10 F1 F3 F5 F6 F7 F10 F11 F12 Meta+Q Meta+W
  Meta+M Meta+H Meta+D
`
  .trim()
  .split(/\s+/)

describe.skipIf(missing !== null)('a locked kiosk', () => {
  let kiosk: Kiosk
  let page: Page
  let foreign: Server
  let foreignUrl: string
  let visits = 0

  beforeAll(async () => {
    foreign = createServer((_request, response) => {
      visits += 1
      response.setHeader('content-type', 'text/html')
      response.end('<title>foreign</title>')
    })
    await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve))
    foreignUrl = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}/`
    kiosk = await openKiosk(['--kiosk'])
    page = kiosk.page
    await page.getByRole('heading', { level: 1 }).first().waitFor()
    await prepare()
  })
  const prepare = async () => {
    await page.evaluate(pageTools)
    await page.evaluate(() => void Object.assign(window, { isStillHere: true }))
  }
  afterAll(async () => {
    await kiosk?.app.evaluate(({ app }) => app.quit()).catch(() => undefined)
    await kiosk?.close()
    foreign?.close()
  })
  afterEach(() =>
    page.evaluate(() => {
      for (const added of document.querySelectorAll('.attempt')) added.remove()
    }),
  )

  /** Everything by which a person would see that he got out, once what was started has had its turn. */
  const whereItIs = async () => {
    await page.waitForTimeout(120)
    const seen = await page.evaluate(() => ({
      isStillHere: 'isStillHere' in window,
      title: document.title,
      magnified: window.visualViewport?.scale,
      elements: document.fullscreenElement?.tagName ?? document.pointerLockElement?.tagName ?? null,
      selected: String(document.getSelection()),
    }))
    const app = await kiosk.app.evaluate(({ BrowserWindow, Menu, webContents }) => {
      const [window] = BrowserWindow.getAllWindows()
      return {
        windows: BrowserWindow.getAllWindows().length,
        pages: webContents.getAllWebContents().length,
        url: window?.webContents.getURL(),
        isKiosk: window?.isKiosk(),
        isVisible: window?.isVisible(),
        isMinimized: window?.isMinimized(),
        hasTools: window?.webContents.isDevToolsOpened(),
        zoom: window?.webContents.getZoomFactor(),
        menu: Menu.getApplicationMenu(),
      }
    })
    return { ...seen, ...app, visits }
  }
  const locked = {
    isStillHere: true,
    title: 'Capstan',
    magnified: 1,
    elements: null,
    selected: '',
    windows: 1,
    pages: 1,
    url: 'app://kiosk/',
    isKiosk: true,
    isVisible: true,
    isMinimized: false,
    hasTools: false,
    zoom: 1,
    menu: null,
    visits: 0,
  }

  it('counts more than forty ways out, each of which is tried below', () => {
    expect(scripts.length + keys.length).toBeGreaterThan(100)
  })

  it.each(scripts)('is not left by %s', async (_what, attempt) => {
    await page.evaluate(`void (${attempt.toString()})(${JSON.stringify(foreignUrl)})`).catch(() => undefined)
    expect(await whereItIs()).toEqual(locked)
  })

  it.each(keys)('is not left by the keys %s', async (combination) => {
    await kiosk.app.evaluate(({ BrowserWindow }, text) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents
      const parts = text.split('+')
      const keyCode = parts.pop() ?? ''
      const modifiers = parts.map((part) => part.toLowerCase()) as ('control' | 'alt' | 'shift' | 'meta')[]
      contents?.sendInputEvent({ type: 'keyDown', keyCode, modifiers })
      contents?.sendInputEvent({ type: 'keyUp', keyCode, modifiers })
    }, combination)
    expect(await whereItIs()).toEqual(locked)
  })

  const ofTheDesktop: readonly (readonly [string, (window: Electron.BrowserWindow) => void])[] = [
    ["the desktop's own Alt+F4, or its list of windows", (window) => window.close()],
    ["the desktop's minimising", (window) => window.minimize()],
    ["the desktop's hiding", (window) => window.hide()],
    ["the desktop's leaving of the full screen", (window) => window.setKiosk(false)],
    ['opening the developer tools', (window) => window.webContents.openDevTools()],
  ]
  it.each(ofTheDesktop)('is not left by %s', async (_what, act) => {
    await kiosk.app.evaluate(({ BrowserWindow }, code) => {
      const [window] = BrowserWindow.getAllWindows()
      return void new Function('window', `(${code})(window)`)(window)
    }, act.toString())
    await vi.waitFor(async () => expect(await whereItIs()).toEqual(locked), { timeout: 10_000 })
  })

  const pointer: readonly (readonly [string, (client: Client) => Promise<unknown>])[] = [
    ['a click with the right button', ({ mouse }) => mouse('right', 600, 400)],
    ['a click with the middle button on a link', ({ mouse }) => mouse('middle', 20, 20)],
    ["a mouse's button for the page before", ({ mouse }) => mouse('back', 600, 400)],
    ["a mouse's button for the page after", ({ mouse }) => mouse('forward', 600, 400)],
    [
      'two fingers drawn apart',
      ({ send }) =>
        send('Input.synthesizePinchGesture', { x: 600, y: 400, scaleFactor: 3, gestureSourceType: 'touch' }),
    ],
    [
      'the wheel with Control held',
      ({ send }) =>
        send('Input.dispatchMouseEvent', { type: 'mouseWheel', x: 600, y: 400, deltaX: 0, deltaY: -400, modifiers: 2 }),
    ],
    ['a file dropped on it', ({ drop }) => drop({ files: ['/etc/passwd'], items: [] })],
    [
      'an address dropped on it',
      ({ drop }) => drop({ files: [], items: [{ mimeType: 'text/uri-list', data: 'https://evil.example/' }] }),
    ],
  ]
  it.each(pointer)('is not left by %s', async (_what, act) => {
    const session = await page.context().newCDPSession(page)
    const send = (name: string, fields: object) => session.send(name as never, fields as never) as Promise<unknown>
    await page.evaluate(
      (url) =>
        void Object.assign(add('a', { href: url }), { innerText: 'out' }).setAttribute(
          'style',
          'position:fixed;left:0;top:0;width:60px;height:60px;z-index:9',
        ),
      foreignUrl,
    )
    try {
      await act({
        send,
        async mouse(button, x, y) {
          for (const type of ['mousePressed', 'mouseReleased'])
            await send('Input.dispatchMouseEvent', { type, button, x, y, clickCount: 1 })
        },
        async drop(data) {
          for (const type of ['dragEnter', 'dragOver', 'drop'])
            await send('Input.dispatchDragEvent', { type, x: 600, y: 400, data: { dragOperationsMask: 1, ...data } })
        },
      })
      expect(await whereItIs()).toEqual(locked)
    } finally {
      await session.detach()
    }
  })

  it('comes back at once from a link to an empty page, which nothing can refuse before it is there', async () => {
    await page.evaluate(() => follow({ href: 'about:blank' }))
    await vi.waitFor(async () => expect(await whereItIs()).toMatchObject({ isStillHere: false, url: 'app://kiosk/' }), {
      timeout: 10_000,
    })
    await page.getByRole('heading', { level: 1 }).first().waitFor()
    await prepare()
    expect(await whereItIs()).toEqual(locked)
  })

  it('comes back from a page that closes its own window, which nothing can refuse either', async () => {
    const closed = page.waitForEvent('close')
    await page.evaluate(() => window.close()).catch(() => undefined)
    await closed
    const closedMs = performance.now()
    page = await kiosk.app.waitForEvent('window')
    await page.getByRole('heading', { level: 1 }).first().waitFor()
    console.info(`ready ${Math.round(performance.now() - closedMs)} ms after its window was closed`)
    await prepare()
    expect(await whereItIs()).toEqual(locked)
  })

  it('shows no dialog for files when a page asks for one', async () => {
    const asked = kiosk.app.evaluate(
      ({ BrowserWindow }) =>
        new Promise((resolve) => {
          BrowserWindow.getAllWindows()[0]?.webContents.debugger.on('message', (_event, method) => resolve(method))
        }),
    )
    await page.evaluate(() => {
      const input = add('input', { type: 'file' })
      input.addEventListener('click', (event) => event.stopPropagation())
      input.setAttribute('style', 'position:fixed;left:0;top:0;z-index:9')
    })
    await kiosk.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]?.webContents.debugger.sendCommand('Page.enable'),
    )
    await page.locator('input.attempt').click()
    expect(await asked).toMatch(/^Page\./)
    expect(await whereItIs()).toEqual(locked)
  })

  it('says in its console that modal dialogs are refused: the policy of the page is a sandbox', async () => {
    const told: string[] = []
    page.on('console', (message) => told.push(message.text()))
    await page.evaluate(() => [window.print(), window.alert('stop')])
    await expect.poll(() => told.filter((text) => text.includes('allow-modals'))).toHaveLength(2)
  })

  it.each(['usb', 'hid', 'serial', 'bluetooth'])('gives a page no device: %s', async (name) => {
    const result = await page.evaluate(async (api) => {
      const devices = (
        navigator as unknown as Record<string, Record<string, (o: object) => Promise<unknown>> | undefined>
      )[api]
      const ask = devices?.['requestDevice'] ?? devices?.['requestPort']
      return ask === undefined
        ? 'none'
        : await ask.call(devices, { filters: [], acceptAllDevices: true }).then(
            (found) => (Array.isArray(found) && found.length === 0 ? 'none' : 'some'),
            () => 'none',
          )
    }, name)
    expect(result).toBe('none')
    expect(await whereItIs()).toEqual(locked)
  })

  it('covers a display that is plugged in, and nothing of it can be closed', async () => {
    await kiosk.app.evaluate(({ screen }) => {
      const [own] = screen.getAllDisplays()
      if (own === undefined) throw new Error('there is no display')
      const all = screen.getAllDisplays.bind(screen)
      const second = { ...own, id: 4_711, bounds: { x: 1_280, y: 0, width: 640, height: 480 } }
      screen.getAllDisplays = () => [...all(), second]
      screen.emit('display-added', {}, second)
    })
    const covers = () =>
      kiosk.app.evaluate(({ BrowserWindow }) =>
        BrowserWindow.getAllWindows()
          .filter((window) => window.webContents.getURL() === 'app://kiosk/cover')
          .map((window) => {
            window.close()
            return { isKiosk: window.isKiosk(), isFocusable: window.isFocusable() }
          }),
      )
    await expect.poll(covers).toEqual([{ isKiosk: true, isFocusable: false }])
    expect(await covers()).toHaveLength(1)
  })

  it('still takes a scan after all of that, and is left by staff alone, with a PIN', async () => {
    const call = (name: string, input: object) =>
      page.evaluate(
        ([asked, given]) =>
          (window as unknown as { capstan: { call(name: string, input: unknown): Promise<unknown> } }).capstan.call(
            asked,
            given,
          ),
        [name, input] as const,
      )
    expect(await call('session.open', { label: 'still here' })).toMatchObject({ ok: true })
    expect(await call('scan.submit', { data: '96385074', source: 'manual' })).toMatchObject({ ok: true })
    expect(await call('staff.begin', { name: 'Kim', pin: '739184' })).toMatchObject({ ok: true })
    await page.keyboard.press('Control+Alt+Shift+K')
    await page.getByRole('button', { name: 'Leave the full screen' }).click()
    const pad = page.getByRole('dialog').filter({ hasText: 'Leave Capstan' })
    await pad.getByLabel('PIN').fill('111222')
    await page.keyboard.press('Enter')
    await pad.getByText('Nobody has this PIN').waitFor()
    expect(await kiosk.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isKiosk())).toBe(true)
    await pad.getByLabel('PIN').fill('739184')
    await page.keyboard.press('Enter')
    await vi.waitFor(
      async () =>
        expect(
          await kiosk.app.evaluate(({ BrowserWindow }) =>
            BrowserWindow.getAllWindows().map((window) => window.isKiosk()),
          ),
        ).toEqual([false]),
      { timeout: 20_000 },
    )
  })
})

interface Client {
  send(name: string, fields: object): Promise<unknown>
  mouse(button: string, x: number, y: number): Promise<void>
  drop(data: { readonly files: readonly string[]; readonly items: readonly object[] }): Promise<void>
}

/** Of the page tools. */
declare function add(name: string, attributes: Record<string, string>): HTMLElement
declare function follow(attributes: Record<string, string>): void
declare function submitForm(action: string, method: string): void
declare function addFrame(attributes: Record<string, string>): void
declare function addRefresh(url: string): void
