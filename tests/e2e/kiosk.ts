import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { chromium } from 'playwright-core'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll } from 'vitest'
import type { Result } from '#contract/result.ts'
import type { Session } from '#contract/station/session.ts'
import { root } from '../../tools/set-up.mjs'
import { callAsAnotherWindow } from './another-window.ts'
import { typeCode } from './key-events.ts'

/** The longest that anything on the screen is waited for, unless said otherwise: reading photos yields to all else. */
const patienceMs = 90_000

/** The browser of a test file, for all its windows that want nothing of it; each has a context of its own. */
let shared: Promise<Browser> | undefined
afterAll(async () => (await shared)?.close())

async function browserFor(chromiumPath: string, more: readonly string[]): Promise<Browser> {
  const launch = () => chromium.launch({ executablePath: chromiumPath, args: ['--no-sandbox', ...more] })
  if (more.length > 0) return await launch()
  // One that has died is not handed on.
  if (shared && !(await shared).isConnected()) shared = undefined
  return await (shared ??= launch())
}

/** A whole kiosk as it is run: backend and web host are processes of their own, the window is a Chromium. */
export interface Kiosk {
  readonly page: Page
  /** Where the backend (`backend`) and the station (`station`) keep their data. */
  readonly folder: string
  /** What the station printed: whoever has it has the station. */
  readonly address: string
  /** The backend itself, for a look at what it has. */
  readonly backend: { readonly url: string; readonly apiKey: string }
  /** Opens the window anew, for the next test: no session is open, and it has its first size and remembers nothing. */
  readonly reopen: () => Promise<void>
  /** What the window's policy has refused so far. */
  readonly violations: () => Promise<readonly string[]>
  /** Types a code as a scanner does: faster than any hand, ended by Enter, wherever the focus is. */
  readonly scan: (...codes: readonly string[]) => Promise<void>
  /** Ends the backend at once, as when its machine loses power. */
  readonly stopBackend: () => Promise<void>
  /** Starts it again where it was, with what it had stored. */
  readonly startBackend: () => Promise<void>
  /** Ends the station's process at once. */
  readonly stopStation: () => Promise<void>
  readonly close: () => Promise<void>
}

/** Starts everything in a folder of its own; `catalogue` is the text of a products file. */
export async function openKiosk(options: {
  readonly chromiumPath: string
  readonly catalogue: string
  readonly context?: BrowserContextOptions
  /** Further arguments of the browser, as for a fake camera. */
  readonly browserArgs?: readonly string[]
  /** Further arguments of the backend. */
  readonly backendArgs?: readonly string[]
  /** What the station's data are encrypted with, as a recovery key; they lie there as they are unless said. */
  readonly recoveryKey?: string
  /** Puts something between the station and the backend; answers its address. */
  readonly between?: (backendUrl: string) => Promise<string>
}): Promise<Kiosk> {
  const folder = await mkdtemp(join(tmpdir(), 'capstan-e2e-'))
  const products = join(folder, 'products.csv')
  await writeFile(products, options.catalogue)
  const running = new Set<ChildProcess>()
  // While the others start.
  const opening = browserFor(options.chromiumPath, options.browserArgs ?? [])
  opening.catch(() => {})
  let context: BrowserContext | undefined

  const run = async (args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    const { DISPLAY: _, WAYLAND_DISPLAY: __, ...rest } = process.env
    const child = spawn(process.execPath, ['src/cli/capstan.ts', ...args], {
      cwd: root,
      env: { ...rest, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    running.add(child)
    let complaints = ''
    child.stderr.on('data', (data: Buffer) => (complaints += data.toString()))
    for await (const line of createInterface({ input: child.stdout })) {
      // The rest of its output is nobody's; left unread it would stand still.
      child.stdout.resume()
      return { child, answer: JSON.parse(line) as { readonly listening: string; readonly apiKey?: string } }
    }
    throw new Error(`capstan ${args[0]} ended before it listened: ${complaints}`)
  }
  const stop = async (child: ChildProcess) => {
    running.delete(child)
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  const close = async () => {
    await context?.close()
    const browser = await opening.catch(() => undefined)
    if (browser !== (await shared)) await browser?.close()
    await Promise.all([...running].map(stop))
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  }

  try {
    const data = ['--data', join(folder, 'backend'), '--products', products, ...(options.backendArgs ?? [])]
    let backend = await run(['backend', ...data, '--port', '0'])
    const { listening: backendUrl, apiKey = '' } = backend.answer
    const seenUrl = (await options.between?.(backendUrl)) ?? backendUrl
    const keyFile = join(folder, 'data-key')
    if (options.recoveryKey !== undefined) await writeFile(keyFile, options.recoveryKey)
    const station = await run(
      ['kiosk', '--host', 'web', '--data', join(folder, 'station'), '--port', '0', '--backend', seenUrl],
      { CAPSTAN_API_KEY: apiKey, ...(options.recoveryKey !== undefined && { CAPSTAN_DATA_KEY_FILE: keyFile }) },
    )
    const browser = await opening
    const viewport = { width: 1280, height: 800 }
    context = await browser.newContext({ viewport, ...options.context })
    context.setDefaultTimeout(patienceMs)
    const page = await context.newPage()
    await page.addInitScript(() => {
      const refused: string[] = []
      Object.assign(window, { refused })
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sample }) =>
        refused.push([violatedDirective, blockedURI, sample].join(' ')),
      )
    })
    const keyboard = await context.newCDPSession(page)
    await page.goto(station.answer.listening)
    return {
      page,
      folder,
      address: station.answer.listening,
      backend: { url: backendUrl, apiKey },
      async reopen() {
        const open = (await callAsAnotherWindow(page, 'session.current', {})) as Result<Session | null>
        if (!open.ok) throw new Error(open.error.message)
        if (open.value !== null) await callAsAnotherWindow(page, 'session.end', { id: open.value.id })
        await page.evaluate(() => window.sessionStorage.clear())
        await page.setViewportSize(viewport)
        await page.emulateMedia({ colorScheme: null, reducedMotion: null })
        await page.goto(station.answer.listening)
      },
      violations: () => page.evaluate(() => (window as unknown as { refused: string[] }).refused),
      async scan(...codes) {
        for (const code of codes) await typeCode(keyboard, code)
      },
      stopBackend: () => stop(backend.child),
      async startBackend() {
        const port = new URL(backendUrl).port
        backend = await run(['backend', ...data, '--port', port, '--api-key', apiKey])
      },
      stopStation: () => stop(station.child),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
