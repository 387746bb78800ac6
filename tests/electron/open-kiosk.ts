import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { _electron, type ElectronApplication, type Page } from 'playwright-core'
import type { Bus } from '../devices/bus/bus.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** The runtime's folder. */
export const dist = process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? join(root, 'node_modules/electron/dist')
/** The runtime's program. */
export const executable = join(dist, process.platform === 'win32' ? 'electron.exe' : 'electron')
/** It is older than the product's, and has no node:sqlite. */
export const isOld =
  existsSync(join(dist, 'version')) &&
  Number.parseInt(readFileSync(join(dist, 'version'), 'utf8').replace('v', ''), 10) < 39

/** What makes up for it. */
export const standIn: readonly string[] = isOld ? ['-r', join(root, 'tests/electron/sqlite-hook.cjs')] : []
/** Chromium has no sandbox for root. */
export const sandboxless: readonly string[] = process.getuid?.() === 0 ? ['--no-sandbox'] : []

/** The longest that opening, asking and closing are waited for, each: a third of a test's own time. */
const patienceMs = 60_000

/** Why this suite cannot run here; null when it can. */
export const missing: string | null = !existsSync(executable)
  ? 'no Electron: set ELECTRON_OVERRIDE_DIST_PATH to the folder of a runtime'
  : process.platform === 'linux' && !process.env['DISPLAY'] && !existsSync('/usr/bin/Xvfb')
    ? 'no display and no Xvfb'
    : null

export interface Kiosk {
  readonly app: ElectronApplication
  readonly page: Page
  readonly dataDir: string
  /** Everything the kiosk printed so far. */
  readonly output: () => string
  /** Asks the station through the preload, as the window does. */
  call(name: string, input?: unknown): Promise<{ ok: boolean; value?: never; error?: { code: string } }>
  close(): Promise<void>
}

/**
 * Opens the built kiosk in a real Electron with a data folder of its own; on an emulated USB bus where one is given, and
 * with more in its environment.
 */
export async function openKiosk(
  more: readonly string[] = [],
  bus?: Bus,
  env: Readonly<Record<string, string>> = {},
): Promise<Kiosk> {
  const dataDir = mkdtempSync(join(tmpdir(), 'capstan-electron-'))
  const display = await openDisplay()
  const cleanUp = (): void => {
    display?.server.kill()
    rmSync(dataDir, { recursive: true, force: true })
  }
  const launch = async (timeout: number): Promise<ElectronApplication> =>
    await _electron.launch({
      timeout,
      executablePath: bus?.wrap(executable) ?? executable,
      cwd: root,
      args: [
        // The bus has a network of its own: these ports lead there. The last of a switch holds.
        ...(bus ? [`--inspect=${await bus.openPort()}`, `--remote-debugging-port=${await bus.openPort()}`] : []),
        ...standIn,
        ...sandboxless,
        '--use-fake-device-for-media-stream',
        root,
        '--data',
        dataDir,
        ...more,
      ],
      env: { ...process.env, ...(display === null ? {} : { DISPLAY: display.name }), ...env } as Record<string, string>,
    })
  // A kiosk that is ready may not be one that the driver has got hold of: it attaches while the page begins. Then it is ended,
  // and started again.
  const app = await launch(patienceMs / 2)
    .catch((error: unknown) => {
      console.warn(`the driver did not get hold of the kiosk, which is started again: ${String(error)}`)
      return launch(patienceMs)
    })
    .catch((error: unknown) => {
      cleanUp()
      throw error
    })
  let output = ''
  display?.server.once('exit', () => (output += 'the display has ended\n'))
  const child = app.process()
  /** A wait that ends: without it a test hangs until its own end and cannot say why. */
  const within = async <T>(what: string, work: Promise<T>): Promise<T> => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_resolve, reject) => {
      const message = `${what} took longer than ${patienceMs} ms`
      timer = setTimeout(() => reject(new Error(`${message}; the kiosk printed:\n${output.slice(-4_000)}`)), patienceMs)
    })
    return Promise.race([work, late]).finally(() => clearTimeout(timer))
  }
  child.stdout?.on('data', (chunk) => (output += String(chunk)))
  child.stderr?.on('data', (chunk) => (output += String(chunk)))
  const page = await within('opening the window', openWindow(app)).catch((error: unknown) => {
    const how = `exit code ${child.exitCode}, signal ${child.signalCode}`
    end(child)
    cleanUp()
    throw new Error(`the kiosk did not open (${how}); it printed:\n${output.slice(-4_000)}`, { cause: error })
  })
  return {
    app,
    page,
    dataDir,
    output: () => output,
    call: (name, input = {}) =>
      within(
        name,
        page.evaluate(
          ([asked, given]) =>
            (window as unknown as { capstan: { call(name: string, input: unknown): Promise<never> } }).capstan.call(
              asked as string,
              given,
            ),
          [name, input] as const,
        ),
      ),
    async close() {
      try {
        // One that has ended by itself has nothing left to close.
        if (child.exitCode === null) await within('closing the kiosk', app.close())
      } finally {
        end(child)
        cleanUp()
      }
    },
  }
}

async function openWindow(app: ElectronApplication): Promise<Page> {
  const page = await app.firstWindow({ timeout: patienceMs })
  page.context().setDefaultTimeout(patienceMs)
  await page.waitForLoadState('load')
  return page
}

/** Ends a kiosk that has not ended by itself, with all that it started. */
function end(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  for (const pid of processTree(child.pid)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended meanwhile.
    }
  }
}

/** A display of our own where the machine has none. */
export async function openDisplay(): Promise<{ readonly name: string; readonly server: ChildProcess } | null> {
  if (process.platform !== 'linux' || process.env['DISPLAY']) return null
  // It ends with its last window, also when nobody is left to end it; but not at once: before the window, one of
  // Electron's processes may be the only one to have asked the display something, and be gone.
  const options = ['-displayfd', '1', '-screen', '0', '1280x800x24', '-nolisten', 'tcp', '-terminate', '30']
  const server = spawn('/usr/bin/Xvfb', options, { stdio: ['ignore', 'pipe', 'ignore'] })
  const number = await new Promise<string>((resolve, reject) => {
    server.once('error', reject)
    server.once('exit', () => reject(new Error('Xvfb ended')))
    server.stdout.once('data', (chunk) => resolve(String(chunk).trim()))
  })
  return { name: `:${number}`, server }
}

/** The process and all that it started, as /proc tells. */
export function processTree(pid: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      // The command's name may hold spaces and brackets; what follows its last bracket is regular.
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
    } catch {
      // It ended meanwhile.
    }
  }
  const tree = [pid]
  for (const parent of tree) for (const [child, of] of parents) if (of === parent) tree.push(child)
  return tree
}

/** Whether a process still runs; one that only waits to be collected does not. */
export function isRunning(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2)[0] !== 'Z'
  } catch {
    return false
  }
}
