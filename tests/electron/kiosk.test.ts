import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createBackend, openAdministration } from '#backend/index.ts'
import { contentSecurityPolicy } from '#contract/page.ts'
import { drawCode } from '../barcode-image.ts'
import { isRunning, type Kiosk, missing, openKiosk, processTree } from './open-kiosk.ts'
import { pageTools } from './page-tools.ts'

if (missing !== null) console.warn(`tests/electron is skipped: ${missing}.`)

const preload = fileURLToPath(new URL('../../out/preload/index.cjs', import.meta.url))

describe.skipIf(missing !== null)('the kiosk in Electron', () => {
  let kiosk: Kiosk
  /** A page of somebody else's. */
  let foreign: Server
  let foreignUrl: string

  beforeAll(async () => {
    foreign = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html')
      response.end('<title>foreign</title>')
    })
    await new Promise<void>((resolve) => foreign.listen(0, '127.0.0.1', resolve))
    foreignUrl = `http://127.0.0.1:${(foreign.address() as AddressInfo).port}/`
    kiosk = await openKiosk()
  })
  afterAll(async () => {
    await kiosk?.close()
    foreign?.close()
  })

  describe('the window', () => {
    it('opens our own page, with the policy that both hosts share', async () => {
      expect(kiosk.page.url()).toBe('app://kiosk/')
      const { policy, nonce } = await kiosk.page.evaluate(async () => {
        const answer = await fetch('/')
        const html = await answer.text()
        return { policy: answer.headers.get('content-security-policy'), nonce: /nonce="([^"]+)"/.exec(html)?.[1] ?? '' }
      })
      expect(policy).toBe(contentSecurityPolicy(nonce))
      expect(await kiosk.page.evaluate(() => isSecureContext)).toBe(true)
    })

    it('shows the scan screen', async () => {
      await kiosk.page.getByRole('heading', { level: 1 }).first().waitFor()
      expect(await kiosk.page.evaluate(() => document.getElementById('root')?.childElementCount ?? 0)).toBeGreaterThan(
        0,
      )
    })

    it('has a page without Node, in a sandbox and a world of its own', async () => {
      const names = [
        'process',
        'require',
        'module',
        'exports',
        'Buffer',
        'global',
        '__dirname',
        'ipcRenderer',
        'electron',
      ]
      expect(await kiosk.page.evaluate((all) => all.filter((name) => name in globalThis), names)).toEqual([])
      const preferences = await kiosk.app.evaluate(({ BrowserWindow }) => {
        const contents = BrowserWindow.getAllWindows()[0]?.webContents as unknown as {
          getLastWebPreferences(): Record<string, unknown>
        }
        return contents.getLastWebPreferences()
      })
      expect(preferences).toMatchObject({
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        webviewTag: false,
        webSecurity: true,
      })
    })

    it('sees exactly two functions of ours', async () => {
      const bridge = await kiosk.page.evaluate(() => {
        const { capstan } = window as unknown as { capstan: Record<string, unknown> }
        return Object.entries(capstan).map(([name, value]) => `${name}: ${typeof value}`)
      })
      expect(bridge.toSorted()).toEqual(['call: function', 'subscribe: function'])
    })

    it('has no menu', async () => {
      expect(await kiosk.app.evaluate(({ Menu }) => Menu.getApplicationMenu())).toBeNull()
    })
  })

  describe('the station behind it', () => {
    it('answers calls and sends events, and listeners get the payload alone', async () => {
      expect(await kiosk.call('station.status')).toMatchObject({ ok: true, value: { host: 'electron' } })
      const heard = await kiosk.page.evaluate(async () => {
        const { capstan } = window as unknown as {
          capstan: {
            call(name: string, input: unknown): Promise<unknown>
            subscribe(topic: string, listener: (...args: unknown[]) => void): () => void
          }
        }
        const event = new Promise<unknown[]>((resolve) => {
          const stop = capstan.subscribe('settings.changed', (...args) => {
            stop()
            resolve(args)
          })
        })
        await capstan.call('settings.change', { stationName: 'Electron' })
        return await event
      })
      expect(heard).toHaveLength(1)
      expect(heard[0]).toMatchObject({ stationName: 'Electron' })
    })

    it('refuses unknown names, prototype names and bad input as data', async () => {
      for (const name of ['nothing.such', '__proto__', 'constructor']) {
        expect(await kiosk.call(name)).toMatchObject({ ok: false, error: { code: 'not_found' } })
      }
      expect(await kiosk.call('capture.get', { id: 7 })).toMatchObject({ ok: false, error: { code: 'invalid_input' } })
    })

    it('refuses a page of somebody else, even with our preload', async () => {
      const answer = await kiosk.app.evaluate(
        async ({ BrowserWindow }, { url, script }) => {
          const window = new BrowserWindow({ show: false, webPreferences: { preload: script, sandbox: true } })
          await window.loadURL(url)
          const result: unknown = await window.webContents.executeJavaScript(
            `capstan.call('settings.change', { stationName: 'taken over' })`,
          )
          window.destroy()
          return result
        },
        { url: foreignUrl, script: preload },
      )
      expect(answer).toMatchObject({ ok: false, error: { code: 'unauthorised' } })
      expect(JSON.stringify(await kiosk.call('settings.get'))).not.toContain('taken over')
    })

    it('refuses our own page in another window', async () => {
      const answer = await kiosk.app.evaluate(async ({ BrowserWindow }, script) => {
        const window = new BrowserWindow({ show: false, webPreferences: { preload: script, sandbox: true } })
        await window.loadURL('app://kiosk/service')
        const result: unknown = await window.webContents.executeJavaScript(`capstan.call('settings.get', {})`)
        window.destroy()
        return result
      }, preload)
      expect(answer).toMatchObject({ ok: false, error: { code: 'unauthorised' } })
    })

    it('has a backend of its own in a process beside it, and another one when that dies', async () => {
      const processOfBackend = () =>
        kiosk.app.evaluate(({ app }) => app.getAppMetrics().find(({ name }) => name === 'backend')?.pid ?? 0)
      const isOnline = async () =>
        expect(await kiosk.call('station.status')).toMatchObject({ value: { backend: { state: 'online' } } })
      await vi.waitFor(isOnline, { timeout: 30_000, interval: 200 })
      const first = await processOfBackend()
      expect(first).toBeGreaterThan(0)
      process.kill(first, 'SIGKILL')
      await vi.waitFor(async () => expect([0, first]).not.toContain(await processOfBackend()), {
        timeout: 30_000,
        interval: 200,
      })
      await kiosk.call('station.syncNow')
      await vi.waitFor(isOnline, { timeout: 30_000, interval: 200 })
    })

    it('has a backend that reads photos, their codes in a process that this program starts for it', async () => {
      let url = ''
      const headers = { 'X-API-Key': (await readFile(join(kiosk.dataDir, 'backend', 'backend.key'), 'utf8')).trim() }
      const ask = async (path: string, init: RequestInit = {}) =>
        (await (await fetch(url + path, { ...init, headers })).json()) as Record<string, string>
      // Run from its sources it has the models of labels; a package leaves them out.
      // The test before has ended one, and what the station knows of it, or where it is, may be from before.
      await vi.waitFor(
        async () => {
          const { value } = await kiosk.call('station.status')
          url = (value as unknown as { backend: { url: string } }).backend.url
          expect(await ask('/readyz')).toMatchObject({ photos: { codes: true, labels: true } })
        },
        { timeout: 30_000, interval: 200 },
      )
      const { id: session = '' } = await ask('/scanner/api/v1/sessions', { method: 'POST' })
      const body = new FormData()
      body.set('session_short_id', session)
      body.set('image', new Blob([new Uint8Array(await drawCode({ format: 'EAN13', text: '4006381333931' }))]))
      const { id: capture = '' } = await ask('/scanner/api/v1/captures/upload-image', { method: 'POST', body })
      await expect
        .poll(async () => (await ask(`/scanner/api/v1/captures/${capture}`))['gtin'], { timeout: 30_000 })
        .toBe('04006381333931')
    })

    it('reads a photo with sharp, in its own process', async () => {
      const opened = await kiosk.call('session.open', { label: 'photos' })
      expect(opened).toMatchObject({ ok: true })
      const photo = await sharp({ create: { width: 640, height: 480, channels: 3, background: '#808080' } })
        .jpeg()
        .toBuffer()
      const outcome = await kiosk.page.evaluate(async (base64) => {
        const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
        const answer = await fetch('/media/photos', { method: 'PUT', body: bytes })
        const body = (await answer.json()) as Record<string, unknown>
        const shown = await fetch(`/media/${String(body['photo'])}`)
        return { status: answer.status, body, shownBytes: (await shown.arrayBuffer()).byteLength }
      }, photo.toString('base64'))
      const body = { widthPixels: 640, heightPixels: 480 }
      expect(outcome).toMatchObject({ status: 201, body, shownBytes: photo.length })
      await kiosk.call('session.end', { id: (opened.value as unknown as { id: string }).id })
    })
  })

  describe('a scanner that types', () => {
    it('has its burst captured, wherever the focus is', async () => {
      const opened = await kiosk.call('session.open', { label: 'wedge' })
      expect(opened).toMatchObject({ ok: true })
      const { id } = opened.value as unknown as { id: string }
      const code = '4006381333931'
      // As a wedge scanner types: key by key into the window, faster than any person.
      await kiosk.app.evaluate(({ BrowserWindow }, text) => {
        const contents = BrowserWindow.getAllWindows()[0]?.webContents
        for (const keyCode of [...text, 'Enter']) {
          contents?.sendInputEvent({ type: 'keyDown', keyCode })
          if (keyCode !== 'Enter') contents?.sendInputEvent({ type: 'char', keyCode })
          contents?.sendInputEvent({ type: 'keyUp', keyCode })
        }
      }, code)
      await vi.waitFor(
        async () => {
          const list = await kiosk.call('capture.list', { sessionId: id })
          expect(list).toMatchObject({ ok: true, value: { captures: [{ raw: code, source: 'wedge' }] } })
        },
        { timeout: 20_000, interval: 200 },
      )
      await kiosk.page.getByText(code).first().waitFor()
      await kiosk.call('session.end', { id })
    })
  })

  it('saves an export without a dialog, and downloads nothing else', async () => {
    const folder = join(kiosk.dataDir, 'downloads')
    await mkdir(folder)
    await kiosk.app.evaluate(({ app }, path) => app.setPath('downloads', path), folder)
    const opened = await kiosk.call('session.open', { label: 'export' })
    const { id } = opened.value as unknown as { id: string }
    await kiosk.call('scan.submit', { data: '96385074', source: 'manual' })
    await kiosk.page.evaluate(pageTools)
    await kiosk.page.evaluate((path) => follow({ href: path, download: '' }), '/')
    // Chromium writes under another name until it is done.
    const names = async () => (await readdir(folder)).filter((name) => name.endsWith('.csv')).toSorted()
    for (let count = 0; count < 2; count += 1) {
      await kiosk.page.evaluate((path) => follow({ href: path, download: '' }), `/exports/${id}.csv`)
      await expect.poll(names).toHaveLength(count + 1)
    }
    const saved = await names()
    expect(saved.map((name) => /^capstan-[\d-]+T[\d-]+( 2)?\.csv$/.test(name))).toEqual([true, true])
    await expect.poll(() => readFile(join(folder, saved[0] ?? ''), 'utf8')).toContain('96385074')
    await kiosk.call('session.end', { id })
  })

  it('is enrolled at a site, and keeps its key in the key store, or says that the machine has none', async () => {
    const folder = join(kiosk.dataDir, 'site')
    const site = await createBackend({ dataDir: folder, port: 0 })
    const administration = await openAdministration({ dataDir: folder })
    try {
      const made = await administration.createCode({ label: 'Dock 9', group: '', validMs: 600_000, url: site.url })
      if (!made.ok) throw new Error(made.error.message)
      const { code, fingerprint } = made.value
      // What was captured above goes to the kiosk's own backend first.
      await vi.waitFor(
        async () =>
          expect(await kiosk.call('enrolment.enrol', { code, fingerprint })).toMatchObject({
            value: { outcome: 'enrolled', site: { url: site.url } },
          }),
        { timeout: 60_000, interval: 500 },
      )
      // It tells the site how it is with the key as it was kept: read and decrypted for each request.
      await vi.waitFor(
        async () =>
          expect(await administration.listStations()).toMatchObject([
            { label: 'Dock 9', state: 'active', health: { host: 'electron' } },
          ]),
        { timeout: 30_000, interval: 200 },
      )
      const { secrets } = (await kiosk.call('about.get')).value as unknown as { secrets: string }
      const hasKeyStore = await kiosk.app.evaluate(
        ({ safeStorage }) =>
          safeStorage.isEncryptionAvailable() &&
          (process.platform !== 'linux' || safeStorage.getSelectedStorageBackend() !== 'basic_text'),
      )
      expect(secrets).toBe(hasKeyStore ? 'key_store' : 'file')
      const file = join(kiosk.dataDir, 'electron', 'secrets.json')
      const kept = (JSON.parse(await readFile(file, 'utf8')) as Record<string, string>)['site-key'] ?? ''
      expect([kept !== '', kept.startsWith('plain:')]).toEqual([true, !hasKeyStore])
      if (process.platform !== 'win32') expect((await stat(file)).mode & 0o777).toBe(0o600)
      if (!hasKeyStore) expect(kiosk.output()).toContain('unprotected secret')
    } finally {
      await administration.close()
      await site.close()
    }
  })

  describe('permissions', () => {
    const ask = (constraints: MediaStreamConstraints) =>
      kiosk.page.evaluate(
        (wanted) =>
          navigator.mediaDevices.getUserMedia(wanted).then(
            (stream) => {
              for (const track of stream.getTracks()) track.stop()
              return 'granted'
            },
            (error: DOMException) => error.name,
          ),
        constraints,
      )

    it('are granted for the camera and for nothing else', async () => {
      expect(await ask({ video: true })).toBe('granted')
      expect(await ask({ audio: true })).toBe('NotAllowedError')
      expect(await ask({ audio: true, video: true })).toBe('NotAllowedError')
      expect(await kiosk.page.evaluate(() => Notification.requestPermission())).toBe('denied')
      expect(
        await kiosk.page.evaluate(
          () =>
            new Promise((resolve) => {
              navigator.geolocation.getCurrentPosition(
                () => resolve('granted'),
                ({ code }) => resolve(code),
              )
            }),
        ),
      ).toBe(1)
    })
  })

  it('comes back by itself when its page crashes', async () => {
    const bridge = await kiosk.app.evaluate(async ({ BrowserWindow }) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents
      if (contents === undefined) throw new Error('there is no window')
      const loaded = new Promise((resolve) => contents.once('did-finish-load', () => resolve(undefined)))
      contents.forcefullyCrashRenderer()
      await loaded
      return (await contents.executeJavaScript(`capstan.call('session.current', {})`)) as unknown
    })
    expect(bridge).toMatchObject({ ok: true })
  })

  it('leaves no process behind when it quits', async () => {
    const own = await openKiosk()
    const tree = processTree(own.app.process().pid ?? 0)
    expect(tree.length).toBeGreaterThan(1)
    await own.close()
    await vi.waitFor(() => expect(tree.filter(isRunning)).toEqual([]), { timeout: 10_000 })
    expect(own.output()).not.toContain('not closed cleanly')
  })

  it('ends when it is told to by a signal', async () => {
    const own = await openKiosk()
    const child = own.app.process()
    const tree = processTree(child.pid ?? 0)
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    expect(await exited).toBe(0)
    await vi.waitFor(() => expect(tree.filter(isRunning)).toEqual([]), { timeout: 10_000 })
    await own.close()
  })

  it('runs once for a data folder', async () => {
    const second = await openKiosk(['--data', kiosk.dataDir]).then(
      async (opened) => {
        await opened.close()
        return 'opened'
      },
      () => 'refused',
    )
    expect(second).toBe('refused')
    expect(join(kiosk.dataDir, 'electron')).toBe(await kiosk.app.evaluate(({ app }) => app.getPath('userData')))
  })
})

/** Of the page tools. */
declare function follow(attributes: Record<string, string>): void
