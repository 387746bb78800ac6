import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { chromium, type Page } from 'playwright-core'
import { build, root } from './set-up.mjs'

/** A kiosk's station in a process of its own, its window in a real Chromium. */
export interface BenchWindow {
  readonly page: Page
  /** The floor: what a key takes that changes one word of a page, without a station; measured as everything else is. */
  bareKeys(): Promise<readonly number[]>
  /** Shows the window of the station, and waits until it is there. */
  show(): Promise<void>
  close(): Promise<void>
}

export interface Painted {
  /** The key that was pressed. */
  readonly key: string
  /** What came to the screen then. */
  readonly what: string
  /** From the time that the key event carries to the end of the first frame that shows it. */
  readonly ms: number
}

/**
 * Opens the kiosk over `dataDir`, cut off from its server, with `watch` in its page before anything else. That begins a
 * look with `press(key, seen)` and is called back with each frame and each change of the page; it says what has come with
 * `tell(what)` and ends the look with `over()`. A frame has ended when a message that is posted in it comes.
 */
export async function openBenchWindow(
  chromiumPath: string,
  dataDir: string,
  watch: string,
  browserArgs: readonly string[] = [],
): Promise<BenchWindow> {
  await build()
  const args = ['kiosk', '--host', 'web', '--data', dataDir, '--port', '0', '--backend', 'http://127.0.0.1:9']
  const { DISPLAY: _, WAYLAND_DISPLAY: __, ...env } = process.env
  const station = spawn(process.execPath, ['src/cli/capstan.ts', ...args], {
    cwd: root,
    env: { ...env, CAPSTAN_API_KEY: 'none', CAPSTAN_LOG: 'error' },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const ended = once(station, 'exit')
  const browser = await chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', ...browserArgs] })
  const close = async (): Promise<void> => {
    await browser.close()
    station.kill('SIGTERM')
    await ended
  }
  try {
    const [line] = (await once(createInterface({ input: station.stdout }), 'line')) as [string]
    station.stdout.resume()
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
    await page.addInitScript(`${frames}\n{ ${watch} }`)
    return {
      page,
      close,
      async bareKeys() {
        await page.setContent('<h2>0</h2>')
        await page.evaluate(`${frames}\n{ ${bareWatch} }`)
        for (let press = 0; press < 60; press += 1) {
          await page.waitForTimeout(60)
          await page.keyboard.press('ArrowRight')
        }
        await page.waitForTimeout(200)
        return (await painted(page)).map(({ ms }) => ms)
      },
      async show() {
        await page.goto((JSON.parse(line) as { listening: string }).listening)
        await page.getByRole('navigation', { name: 'Screens' }).waitFor()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** What was painted since the window was shown. */
export const painted = (page: Page): Promise<readonly Painted[]> =>
  page.evaluate(() => (globalThis as unknown as { painted: Painted[] }).painted)

/** `p50 12 ms, p95 30 ms`. */
export function told(values: readonly number[]): string {
  return `p50 ${percentile(values, 0.5).toFixed(0)} ms, p95 ${percentile(values, 0.95).toFixed(0)} ms`
}

export function percentile(values: readonly number[], part: number): number {
  return (
    values.toSorted((one, other) => one - other)[Math.min(values.length - 1, Math.floor(values.length * part))] ?? 0
  )
}

const frames = `
  globalThis.painted = []
  globalThis.look = null
  globalThis.press = ({ key, timeStamp }, seen) => {
    const own = {
      seen,
      tell(what) {
        const { port1, port2 } = new MessageChannel()
        port1.onmessage = () => painted.push({ key, what, ms: performance.now() - timeStamp })
        requestAnimationFrame(() => port2.postMessage(0))
      },
      over() { if (look === own) look = null },
    }
    look = own
    const each = () => {
      if (look !== own) return
      seen(own)
      requestAnimationFrame(each)
    }
    requestAnimationFrame(each)
  }
  new MutationObserver(() => look?.seen(look)).observe(document, { subtree: true, childList: true, characterData: true })
`

const bareWatch = `
  addEventListener('keydown', (event) => {
    const word = document.querySelector('h2')
    const before = word.textContent
    press(event, ({ tell, over }) => {
      if (word.textContent === before) return
      over()
      tell('word')
    })
    word.textContent = String(Number(before) + 1)
  })
`
