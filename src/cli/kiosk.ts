import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createEmbedded, forkEmbedded } from '#backend/index.ts'
import { isSafeBackendAddress } from '#contract/backend-address.ts'
import type { Log } from '#contract/ports.ts'
import {
  createStation,
  findDataKey,
  forkImaging,
  startHeartbeat,
  systemClock,
  type Station,
  type StationSecrets,
} from '#station/index.ts'
import { createSecretFile, createWebHost, newToken, type WebHost } from '#web/index.ts'
import { drillInProcess } from './drill/in-process.ts'
import { findChromium, findElectron, hasDisplay } from './browsers.ts'
import {
  createLog,
  parseOptions,
  parsePort,
  printLine,
  refuse,
  stopSignal,
  tell,
  version,
  type Help,
} from './command.ts'
import { defaultDataFolder } from './data-folder.ts'

const projectDir = fileURLToPath(new URL('../../', import.meta.url))

/** Fixed, so that the browser remembers the camera's permission, which it keeps by origin. */
export const usualPort = 4717

interface KioskOptions {
  readonly data: string | null
  readonly port: number | null
  readonly backend: string | null
  readonly apiKey: string | null
  readonly isKiosk: boolean
  readonly showsVisitors: boolean
}

export const help = {
  name: 'kiosk',
  usage: '[--host electron|web] [--data DIR] [--port N] [--backend URL --api-key KEY] [--kiosk]',
  options: {
    host: { type: 'string', value: 'HOST', about: 'electron or web; what this machine can do unless said' },
    data: { type: 'string', value: 'DIR', about: "the data folder; the system's place for applications unless said" },
    port: { type: 'string', value: 'N', about: `of the web host; ${usualPort} unless said, 0 is any free one` },
    backend: {
      type: 'string',
      value: 'URL',
      about: 'the backend to sync to (https, or http on this machine); one of its own unless said',
    },
    'api-key': { type: 'string', value: 'KEY', about: 'its key; else CAPSTAN_API_KEY from the environment' },
    kiosk: { type: 'boolean', about: 'the whole screen, without a way out of the window' },
    'visitor-display': {
      type: 'boolean',
      about: "Electron only: the other displays, or a second window, show visitors the gate's face",
    },
  },
  example: 'capstan kiosk --data ~/capstan',
} as const satisfies Help

/**
 * `capstan kiosk`: opens the kiosk in Electron where its binary can be had, else in a Chromium window on the web
 * host, else prints the address to open. Answers the exit code.
 *
 * One sentence on standard error says which and why; one JSON line on standard output says where it listens.
 */
export async function kiosk(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args, help)
  if (!parsed.ok) return refuse(parsed.error)
  const { host, data, backend } = parsed.value
  if (host !== undefined && host !== 'electron' && host !== 'web') {
    return refuse({ code: 'invalid_input', message: `--host is electron or web, not "${host}"` })
  }
  if (backend !== undefined && !isSafeBackendAddress(backend)) {
    return refuse({ code: 'invalid_input', message: '--backend takes an https address, or one on this machine' })
  }
  const port = parsePort(parsed.value.port, usualPort)
  if (!port.ok) return refuse(port.error)
  const options: KioskOptions = {
    data: data === undefined ? null : resolve(data),
    port: parsed.value.port === undefined ? null : port.value,
    backend: backend ?? null,
    apiKey: parsed.value['api-key'] ?? process.env['CAPSTAN_API_KEY'] ?? null,
    isKiosk: parsed.value.kiosk === true,
    showsVisitors: parsed.value['visitor-display'] === true,
  }
  if (!existsSync(join(projectDir, 'out/renderer/index.html'))) {
    return refuse({ code: 'not_found', message: 'the window is not built yet: run "npm start" or "npm run build"' })
  }

  if (host === 'web') return await openWeb(options, 'The web host was asked for.')
  const electron = findElectron(process.env)
  const problem =
    'missing' in electron ? electron.missing : hasDisplay(process.env) ? null : 'there is no display on this machine'
  if (problem === null && 'path' in electron) return await openElectron(electron.path, options)
  if (host === 'electron') {
    return refuse({ code: 'not_found', message: `Electron cannot be started: ${problem}` })
  }
  return await openWeb(options, `The web host is used: ${problem}.`)
}

type Closers = (() => unknown)[]

async function openElectron(path: string, options: KioskOptions): Promise<number> {
  tell('The kiosk opens in Electron.')
  const electronArgs = [
    // Chromium refuses its sandbox to root; everybody else keeps it.
    ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    projectDir,
    ...(options.data === null ? [] : ['--data', options.data]),
    ...(options.backend === null ? [] : ['--backend', options.backend]),
    ...(options.isKiosk ? ['--kiosk'] : []),
    ...(options.showsVisitors ? ['--visitor-display'] : []),
  ]
  const env = { ...process.env, ...(options.apiKey === null ? {} : { CAPSTAN_API_KEY: options.apiKey }) }
  const child = spawn(path, electronArgs, { stdio: ['ignore', 2, 2], env })
  const ended = exitOf(child)
  await printLine({ listening: null, host: 'electron' })
  void stopSignal().then((signal) => child.kill(signal))
  const exit = await ended
  if (exit.error !== null) tell(`Electron could not be started: ${exit.error}`)
  return exit.code
}

async function openWeb(options: KioskOptions, reason: string): Promise<number> {
  const stopped = stopSignal()
  const dataDir = options.data ?? defaultDataFolder(process.env)
  const log = createLog(dataDir)
  await mkdir(dataDir, { recursive: true })
  /** What has to be ended, the last one opened first: the station before the backend it sends to. */
  const closers: Closers = []
  /** Resolves when staff end it in the window: what its Chromium shows is not ours to make smaller. */
  const left = Promise.withResolvers<void>()
  let station: Station | null = null
  try {
    const backend =
      options.backend === null
        ? embeddedBackend(dataDir, log, closers, () => void station?.call('network.changed', {}))
        : await remoteBackend(options.backend, options.apiKey, dataDir)
    const file = process.env['CAPSTAN_DATA_KEY_FILE']
    const dataKey = await findDataKey({ dataDir, file, secrets: null, mayBegin: true, log })
    if (!dataKey.ok) return refuse(dataKey.error)
    const opened = await createStation({
      dataDir,
      dataKey: dataKey.value,
      host: 'web',
      version,
      log,
      fetch: (url, init) => fetch(url, init),
      backend,
      secrets: secretFiles(dataDir),
      spawnImaging: forkImaging(),
      leaveKiosk: () => left.resolve(),
      drill: (tellRehearsal, signal) => drillInProcess(join(dataDir, 'drill'), tellRehearsal, signal),
    })
    if (!opened.ok) return refuse(opened.error)
    const running = opened.value
    station = running
    if ('start' in backend) running.whenOnItsOwn(() => backend.start())
    closers.push(() => {
      station = null
      return running.close()
    })
    const heartbeat = startHeartbeat({ dataDir, clock: systemClock, log, station: running })
    closers.push(() => heartbeat.close())
    await running.readScanners()
    running.watchFolders()

    const token = await keptToken(secretFiles(dataDir))
    const listen = (port: number): Promise<WebHost> =>
      createWebHost({ station: running, assetsDir: join(projectDir, 'out/renderer'), port, token, log })
    const host = await (options.port === null
      ? // Another kiosk may have the usual port; a port that was asked for is not exchanged for another.
        listen(usualPort).catch(() => listen(0))
      : listen(options.port))
    closers.push(() => host.close())
    await printLine({ listening: host.url, host: 'web' })

    const window = openWindow(host.oneTimeUrl, dataDir, options.isKiosk, dataKey.value !== null)
    if ('missing' in window) {
      tell(`${reason} Open the address above: ${window.missing}.`)
      await Promise.race([stopped, left.promise])
      return 0
    }
    closers.push(() => window.child.kill())
    tell(`${reason} It is shown by ${window.path}.`)
    const closed = exitOf(window.child).then(async ({ code }) => {
      if (code === 0) return
      tell('The window ended with a fault. The station goes on: open the address above, or stop it with Ctrl+C.')
      await stopped
    })
    await Promise.race([stopped, closed, left.promise])
    return 0
  } catch (error) {
    return refuse({ code: 'internal', message: error instanceof Error ? error.message : String(error) })
  } finally {
    for (const close of closers.reverse()) await close()
  }
}

/** The embedded backend, on a free port of this machine. */
function embeddedBackend(dataDir: string, log: Log, closers: Closers, onListening: () => void) {
  const backend = createEmbedded({
    dataDir: join(dataDir, 'backend'),
    spawn: forkEmbedded,
    readers: 'forks',
    log,
    onListening,
  })
  closers.push(() => backend.close())
  return backend
}

/** The token of this data folder: a window that is left open over a restart finds its station again. */
async function keptToken(secrets: StationSecrets): Promise<string> {
  const kept = await secrets.read('window')
  if (kept !== null && kept !== '') return kept
  const token = newToken()
  await secrets.write('window', token)
  return token
}

/** The station's further secrets, each in a file of its own. */
function secretFiles(dataDir: string): StationSecrets {
  const file = (name: string) => createSecretFile(join(dataDir, 'secrets'), `https://${name}.station.invalid`)
  return { read: (name) => file(name).read(), write: (name, secret) => file(name).write(secret) }
}

/** Another machine's backend: its key is kept in a file, once it was given here or in the window. */
async function remoteBackend(url: string, apiKey: string | null, dataDir: string) {
  const secret = createSecretFile(join(dataDir, 'secrets'), url)
  if (apiKey !== null) await secret.write(apiKey.trim())
  return { url, credential: () => secret.read(), keep: (given: string) => secret.write(given) }
}

/** Shows the web host in a Chromium window of its own, apart from the person's own browser. */
function openWindow(
  newUrl: () => string,
  dataDir: string,
  isKiosk: boolean,
  isSealed: boolean,
): { readonly child: ChildProcess; readonly path: string } | { readonly missing: string } {
  if (!hasDisplay(process.env)) return { missing: 'there is no display on this machine' }
  const chromium = findChromium(process.env)
  if ('missing' in chromium) return chromium
  const profile = join(dataDir, 'chromium')
  // Before there was a key it kept photos that it had shown; since then none is to be kept, and its cache lies elsewhere.
  if (isSealed) rmSync(join(profile, 'Default', 'Cache'), { recursive: true, force: true })
  const child = spawn(
    chromium.path,
    [
      `--app=${newUrl()}`,
      `--user-data-dir=${profile}`,
      ...(isSealed ? [`--disk-cache-dir=${join(profile, 'cache')}`] : []),
      '--no-first-run',
      '--no-default-browser-check',
      '--disable-session-crashed-bubble',
      '--disable-pinch',
      '--overscroll-history-navigation=0',
      '--disable-features=Translate',
      // Its voices, on Linux.
      '--enable-speech-dispatcher',
      '--disable-background-timer-throttling',
      '--disable-backgrounding-occluded-windows',
      '--autoplay-policy=no-user-gesture-required',
      ...(isKiosk ? ['--kiosk'] : ['--window-size=1280,800']),
      // Chromium refuses its sandbox to root; everybody else keeps it.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
    { stdio: 'ignore' },
  )
  return { child, path: chromium.path }
}

/** How a child ended. A signal that we sent it is no fault. */
function exitOf(child: ChildProcess): Promise<{ readonly code: number; readonly error: string | null }> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: 1, error: error.message }))
    child.once('exit', (code) => resolve({ code: code ?? 0, error: null }))
  })
}
