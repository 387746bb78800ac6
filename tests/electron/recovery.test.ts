import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Kiosk, missing, openKiosk } from './open-kiosk.ts'

if (missing !== null) console.warn(`tests/electron/recovery is skipped: ${missing}.`)

describe.skipIf(missing !== null)("a kiosk's window", () => {
  let kiosk: Kiosk

  beforeAll(async () => {
    kiosk = await openKiosk(['--kiosk'])
    await kiosk.page.getByRole('heading', { level: 1 }).first().waitFor()
    expect(await kiosk.call('session.open', { label: 'the same' })).toMatchObject({ ok: true })
    await kiosk.page.keyboard.press('Alt+2')
    await isAtPlace()
  })
  afterAll(() => kiosk?.close())

  const rendererOf = () =>
    kiosk.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.webContents.getOSProcessId() ?? 0)
  const addressOf = () =>
    kiosk.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.webContents.getURL() ?? '')
  /** In the page, by the main process: Playwright's own page does not outlive a crash. */
  const inPage = (code: string): Promise<unknown> =>
    Promise.race([
      kiosk.app.evaluate(
        ({ BrowserWindow }, text) =>
          BrowserWindow.getAllWindows()[0]?.webContents.executeJavaScript(text) as Promise<unknown>,
        code,
      ),
      delay(2_000, 'no answer'),
    ])
  const isAtPlace = () =>
    vi.waitFor(
      async () =>
        expect(await inPage(`document.querySelector('.rail-entry[aria-current] span')?.textContent`)).toBe('Queue'),
      { timeout: 40_000, interval: 100 },
    )
  const losses = () => kiosk.output().match(/page lost/g)?.length ?? 0

  // First, since it takes longest: the three that are lost are to be lost within a minute, on a slow machine too.
  it('that hangs is found, though nobody touches it, and comes back', async () => {
    const before = await rendererOf()
    await inPage('for (;;);')
    await vi.waitFor(() => expect(kiosk.output()).toContain('the page hangs'), { timeout: 30_000, interval: 100 })
    await vi.waitFor(async () => expect([0, before]).not.toContain(await rendererOf()), { timeout: 30_000 })
    await isAtPlace()
  })

  it('that is killed comes back where it was, with the session that is open', async () => {
    const before = losses()
    process.kill(await rendererOf(), 'SIGKILL')
    await expect.poll(losses).toBe(before + 1)
    await isAtPlace()
    await expect
      .poll(() => inPage(`capstan.call('session.current', {}).then(({ value }) => value.label)`))
      .toBe('the same')
    expect(await kiosk.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.isKiosk())).toBe(true)
  })

  it('that is lost a third time within a minute shows the service screen, and stays there', async () => {
    process.kill(await rendererOf(), 'SIGKILL')
    await vi.waitFor(async () => expect(await addressOf()).toBe('app://kiosk/service'), { timeout: 30_000 })
    const before = losses()
    await delay(4_000)
    expect(losses()).toBe(before)
    await expect.poll(() => inPage('document.body.innerText')).toContain('needs a hand')
  })

  it('beats for whoever watches the process, and no more when it ends on purpose', async () => {
    const path = join(kiosk.dataDir, 'heartbeat.json')
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: kiosk.app.process().pid, isReady: true })
    await kiosk.app.evaluate(({ app }) => app.quit()).catch(() => undefined)
    await vi.waitFor(() => expect(existsSync(path)).toBe(false), { timeout: 20_000 })
  })
})
