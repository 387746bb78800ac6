import { spawn, spawnSync } from 'node:child_process'
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import sharp from 'sharp'
import type { Result } from '#contract/result.ts'
import { systemClock, type Station, type StationPorts } from '#station/index.ts'
import { openBenchStation } from './bench-station.ts'
import {
  executable,
  isOld,
  type Kiosk,
  missing,
  openDisplay,
  openKiosk,
  processTree,
  sandboxless,
  standIn,
} from '../tests/electron/open-kiosk.ts'
import { build, root } from './set-up.mjs'

/**
 * `npm run bench -- start` and `npm run bench -- recovery`: the kiosk in a real Electron, from the start of its process to
 * the first scan it can take, and after whatever may happen to it. Both print what is to be reached, and fail beyond it.
 */
const startBoundMs = 2_000
const windowBoundMs = 2_000
const processBoundMs = 5_000
const idleBound = 0.01
type Say = (line: string) => void

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

async function until(isSo: () => boolean | Promise<boolean>, limitMs = 60_000): Promise<number> {
  const startedMs = performance.now()
  while (!(await Promise.resolve(isSo()).catch(() => false))) {
    if (performance.now() - startedMs > limitMs) throw new Error(`not within ${limitMs} ms`)
    await delay(10)
  }
  return performance.now() - startedMs
}

/** What the kiosk itself says of its start, counted from that of its process. */
async function startOf(kiosk: Kiosk): Promise<number> {
  const line = () => /\{[^\n]*"ready to scan"[^\n]*\}/.exec(kiosk.output())?.[0]
  await until(() => line() !== undefined)
  return (JSON.parse(String(line())) as { sinceStartMs: number }).sinceStartMs
}

/** A start as people see it: nobody looks into the process, which would hold it up. */
interface Start {
  readonly pid: number
  /** From the start of the process to ready, by its own clock. */
  readonly ms: number
  /** What it and all that it started had used of processors by then. */
  readonly processorMs: number
  close(): Promise<void>
}

/** Starts an Electron, and waits for what `ready` finds in its output: milliseconds since its start. */
async function start(args: readonly string[], ready: RegExp): Promise<Start> {
  const display = await openDisplay()
  const child = spawn(executable, [...sandboxless, ...args], {
    env: { ...process.env, ...(display === null ? {} : { DISPLAY: display.name }) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { pid = 0 } = child
  let output = ''
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const close = async (): Promise<void> => {
    child.kill('SIGTERM')
    await ended
    display?.server.kill()
  }
  const found = new Promise<{ ms: number; processorMs: number }>((resolve, reject) => {
    const take = (piece: unknown): void => {
      const known = ready.exec(output) !== null
      output += String(piece)
      const ms = ready.exec(output)?.[1]
      if (!known && ms !== undefined) resolve({ ms: Number(ms), processorMs: usedSeconds(pid) * 1_000 })
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    void ended.then(() => reject(new Error(`it ended before it was ready:\n${output.slice(-2_000)}`)))
  })
  return { pid, ...(await found), close }
}

const startKiosk = (dataDir: string): Promise<Start> =>
  start([...standIn, '--use-fake-device-for-media-stream', root, '--data', dataDir], /"sinceStartMs":(\d+)/)

/** The floor: an Electron that shows an empty page, counted by itself in the same way; `more` goes before it. */
async function bareStart(folder: string, more: readonly string[] = []): Promise<Start> {
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{"main":"main.cjs"}')
  writeFileSync(
    join(folder, 'main.cjs'),
    `const { app, BrowserWindow } = require('electron')
     app.setPath('userData', ${JSON.stringify(join(folder, 'data'))})
     app.whenReady().then(async () => {
       ${more.length > 0 ? "await import('node:sqlite')" : ''}
       const window = new BrowserWindow({ show: false, webPreferences: { sandbox: true } })
       window.once('ready-to-show', () => window.show())
       window.webContents.on('did-finish-load', () => console.log('ready ' + process.uptime() * 1000))
       window.loadURL('data:text/html,<h1>ready</h1>')
     })`,
  )
  const bare = await start([...more, folder], /ready ([\d.]+)\s/)
  await bare.close()
  return bare
}

/** What a process and all it started have used of processors, in seconds, with what each is. */
function usedByProcess(pid: number): Map<number, { readonly name: string; readonly used: number }> {
  const all = new Map<number, { name: string; used: number }>()
  for (const one of processTree(pid)) {
    try {
      const stat = readFileSync(`/proc/${one}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      const command = readFileSync(`/proc/${one}/cmdline`, 'utf8').replaceAll('\0', ' ')
      const kind = /--type=(\S+)/.exec(command)?.[1] ?? 'main'
      const service = /--utility-sub-type=(\S+)/.exec(command)?.[1]
      all.set(one, { name: service ?? kind, used: (Number(fields[11]) + Number(fields[12])) / 100 })
    } catch {
      // It ended meanwhile.
    }
  }
  return all
}

const usedSeconds = (pid: number): number => [...usedByProcess(pid).values()].reduce((sum, { used }) => sum + used, 0)

export async function benchStart(say: Say, rounds = 5): Promise<void> {
  if (missing !== null) return say(`start: skipped, ${missing}`)
  await build()
  const folder = mkdtempSync(join(tmpdir(), 'capstan-bench-start-'))
  const dataDir = join(folder, 'data')
  const floors: Start[] = []
  const withStandIn: Start[] = []
  const starts: Start[] = []
  const idle: string[] = []
  let idleShare = 0
  try {
    for (let round = 0; round < rounds; round += 1) {
      floors.push(await bareStart(join(folder, `bare-${round}`)))
      if (isOld) withStandIn.push(await bareStart(join(folder, `stand-in-${round}`), standIn))
      const kiosk = await startKiosk(dataDir)
      starts.push(kiosk)
      if (round === rounds - 1 && process.platform === 'linux') {
        // What follows a start, such as the embedded backend's, is over by then, and the loudspeaker rests (ui/sounds.ts).
        await delay(35_000)
        const beforeMs = performance.now()
        const before = usedByProcess(kiosk.pid)
        await delay(20_000)
        const seconds = (performance.now() - beforeMs) / 1_000
        for (const [pid, { name, used }] of usedByProcess(kiosk.pid)) {
          const share = (used - (before.get(pid)?.used ?? 0)) / seconds
          idleShare += share
          if (share > 0) idle.push(`${name} ${(share * 100).toFixed(2)}`)
        }
      }
      await kiosk.close()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
  // The first one makes the store.
  const [first, ...later] = starts
  const ms = (of: readonly Start[]): number => median(of.map((one) => one.ms))
  const processor = (of: readonly Start[]): string =>
    `${median(of.map((one) => one.processorMs)).toFixed(0)} ms of processors`
  const isReached = ms(later) <= startBoundMs
  say(
    `start: ready to scan ${ms(later).toFixed(0)} ms after the process starts, with ${processor(later)} (median of ${later.length}; the first, with an empty folder, ` +
      `${first?.ms.toFixed(0)} ms), a bare Electron with an empty page ${ms(floors).toFixed(0)} ms, with ${processor(floors)}, ratio ${(ms(later) / ms(floors)).toFixed(2)}; ` +
      `at most ${startBoundMs} ms: ${isReached ? 'reached' : 'NOT reached'}`,
  )
  if (isOld)
    say(
      `  this runtime has no node:sqlite; what stands in for it is counted above: a bare Electron with it ${ms(withStandIn).toFixed(0)} ms, with ${processor(withStandIn)}`,
    )
  if (process.platform === 'linux')
    say(
      `idle: ${(idleShare * 100).toFixed(2)} % of a core over 20 s, all processes (${idle.join(', ')}); below 1 %: ${idleShare < idleBound ? 'reached' : 'NOT reached'}`,
    )
  if (!isReached || idleShare >= idleBound) process.exitCode = 1
}

export async function benchRecovery(say: Say): Promise<void> {
  if (missing !== null) return say(`recovery: skipped, ${missing}`)
  const folder = mkdtempSync(join(tmpdir(), 'capstan-bench-recovery-'))
  const dataDir = join(folder, 'data')
  const tell = (what: string, tookMs: number, boundMs: number, more = ''): void => {
    if (tookMs > boundMs) process.exitCode = 1
    say(`${what}: ${tookMs.toFixed(0)} ms, at most ${boundMs}: ${tookMs <= boundMs ? 'reached' : 'NOT reached'}${more}`)
  }
  const saved: string[] = []
  let kiosk = await openKiosk(['--data', dataDir])
  try {
    await startOf(kiosk)
    await ask(kiosk, 'session.open', { label: 'recovery' })
    for (let index = 0; index < 50; index += 1) saved.push(await scan(kiosk, `before-${index}`))

    const rendererOf = () =>
      kiosk.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.webContents.getOSProcessId() ?? 0)
    await kill(await rendererOf())
    tell('window killed, ready to scan again', await until(() => isReady(kiosk)), windowBoundMs)

    const before = await rendererOf()
    void kiosk.app
      .evaluate(
        ({ BrowserWindow }) => void BrowserWindow.getAllWindows()[0]?.webContents.executeJavaScript('for (;;);'),
      )
      .catch(() => undefined)
    const hungMs = await until(async () => ![0, before].includes(await rendererOf()))
    tell('window hung, found and ended', hungMs, 15_000)
    tell('  and ready to scan again after that', await until(() => isReady(kiosk)), windowBoundMs)

    await kill(await rendererOf())
    await until(async () => (await addressOf(kiosk)) === 'app://kiosk/service')
    const crashes = kiosk.output().match(/page lost/g)?.length ?? 0
    await delay(3_000)
    say(
      `window lost three times in a minute: the service screen, and no loop (${crashes} losses, ${kiosk.output().match(/page lost/g)?.length ?? 0} three seconds later)`,
    )
    await kiosk.app.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]?.webContents.loadURL('app://kiosk/'),
    )
    await until(() => isReady(kiosk))

    await photo(kiosk)
    const worker = await kiosk.app.evaluate(
      ({ app }) => app.getAppMetrics().find(({ name }) => name === 'imaging')?.pid ?? 0,
    )
    await kill(worker)
    const startedMs = performance.now()
    await photo(kiosk)
    tell('imaging process killed, the next photo saved', performance.now() - startedMs, processBoundMs)

    const main = kiosk.app.process()
    const ended = new Promise((resolve) => main.once('exit', resolve))
    main.kill('SIGKILL')
    await ended
    await kiosk.close()
    kiosk = await openKiosk(['--data', dataDir])
    tell(
      'main process killed, started again and ready to scan',
      await startOf(kiosk),
      processBoundMs,
      await lost(kiosk, saved),
    )

    kiosk.app.process().kill('SIGKILL')
    await new Promise((resolve) => setTimeout(resolve, 500))
    await kiosk.close()
    spoil(join(dataDir, 'station.sqlite'))
    kiosk = await openKiosk(['--data', dataDir])
    const rebuiltMs = await startOf(kiosk)
    const status = (await kiosk.call('station.status')) as unknown as Result<{
      storage: { recovered: { captures: number } | null }
    }>
    const recovered = status.ok ? status.value.storage.recovered : null
    tell(
      'store damaged, set aside, rebuilt and ready to scan',
      rebuiltMs,
      processBoundMs,
      recovered === null
        ? ' (it was NOT found damaged)'
        : ` (${recovered.captures} captures of ${saved.length + 2} read again)`,
    )
  } finally {
    await kiosk.close()
    rmSync(folder, { recursive: true, force: true })
  }
  await recoverFromFullDisk(tell, say)
  await recoverFromClock(tell)
  await recoverFromStorm(tell)
}

/** Overwrites a page in the middle, as a disk that forgets does. */
function spoil(path: string): void {
  const file = openSync(path, 'r+')
  const middle = Math.floor(statSync(path).size / 8_192) * 4_096
  writeSync(file, Buffer.alloc(4_096, 0x5a), 0, 4_096, middle)
  closeSync(file)
}

async function kill(pid: number): Promise<void> {
  if (pid > 0) process.kill(pid, 'SIGKILL')
  await until(() => !processTree(process.pid).includes(pid))
}

const addressOf = (kiosk: Kiosk): Promise<string> =>
  kiosk.app.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows()[0]?.webContents.getURL() ?? '')

/** The page shows its work, and its answer comes from the station. */
async function isReady(kiosk: Kiosk): Promise<boolean> {
  const asked = kiosk.app.evaluate(
    ({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]?.webContents.executeJavaScript(
        `document.querySelector('main h1, main h2') !== null && capstan.call('session.current', {}).then(({ ok }) => ok)`,
      ) as Promise<boolean>,
  )
  // Asked of a page that dies meanwhile, it is never answered.
  return await Promise.race([asked, delay(250, false)])
}

async function ask(kiosk: Kiosk, name: string, input: object): Promise<unknown> {
  const answer = (await kiosk.app.evaluate(
    ({ BrowserWindow }, asked) =>
      BrowserWindow.getAllWindows()[0]?.webContents.executeJavaScript(`capstan.call(${asked})`) as Promise<unknown>,
    `${JSON.stringify(name)}, ${JSON.stringify(input)}`,
  )) as Result<unknown>
  if (!answer.ok) throw new Error(`${name}: ${answer.error.message}`)
  return answer.value
}

async function scan(kiosk: Kiosk, data: string): Promise<string> {
  const { capture } = (await ask(kiosk, 'scan.submit', { data, source: 'manual' })) as { capture: { id: string } }
  return capture.id
}

async function photo(kiosk: Kiosk): Promise<void> {
  const random = { background: { r: Math.floor(Math.random() * 255), g: 90, b: 40 } }
  const bytes = await sharp({ create: { width: 640, height: 480, channels: 3, ...random } })
    .jpeg()
    .toBuffer()
  const status = await kiosk.app.evaluate(
    ({ BrowserWindow }, base64) =>
      BrowserWindow.getAllWindows()[0]?.webContents.executeJavaScript(
        `fetch('/media/photos', { method: 'PUT', body: Uint8Array.from(atob('${base64}'), (one) => one.charCodeAt(0)) }).then(({ status }) => status)`,
      ) as Promise<number>,
    bytes.toString('base64'),
  )
  if (status !== 201) throw new Error(`the photo was answered with ${status}`)
}

/** Which of the acknowledged scans are gone. */
async function lost(kiosk: Kiosk, saved: readonly string[]): Promise<string> {
  let gone = 0
  for (const id of saved) gone += (await kiosk.call('capture.get', { id })).ok ? 0 : 1
  if (gone > 0) process.exitCode = 1
  return `; ${gone} of ${saved.length} acknowledged scans lost`
}

async function openStation(dataDir: string, more: Partial<StationPorts> = {}): Promise<Station> {
  const station = await openBenchStation({ dataDir, ...more })
  await station.call('session.open', {})
  return station
}

const submit = (station: Station, data: string) =>
  station.call('scan.submit', { data, source: 'manual' }) as Promise<Result<{ capture: { id: string } }>>

type Tell = (what: string, tookMs: number, boundMs: number, more?: string) => void

async function recoverFromFullDisk(tell: Tell, say: Say): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-bench-disk-'))
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'capstan-bench', folder]).status !== 0) {
    rmSync(folder, { recursive: true })
    return say('disk full: skipped, it needs the right to mount a small file system')
  }
  try {
    const station = await openStation(join(folder, 'data'))
    const kept: string[] = []
    for (;;) {
      const answer = await submit(station, 'X'.repeat(2_000))
      if (!answer.ok) break
      kept.push(answer.value.capture.id)
    }
    spawnSync('mount', ['-o', 'remount,size=64m', folder])
    const startedMs = performance.now()
    await until(async () => (await submit(station, 'after')).ok)
    const tookMs = performance.now() - startedMs
    let gone = 0
    for (const id of kept) gone += ((await station.call('capture.get', { id })) as Result<unknown>).ok ? 0 : 1
    await station.close()
    if (gone > 0) process.exitCode = 1
    tell('disk full, room again, the next scan saved', tookMs, processBoundMs, `; ${gone} of ${kept.length} lost`)
  } finally {
    spawnSync('umount', ['-l', folder])
    rmSync(folder, { recursive: true, force: true })
  }
}

async function recoverFromClock(tell: Tell): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-bench-clock-'))
  let offMs = 0
  const clock = { ...systemClock, now: () => new Date(Date.now() + offMs) }
  const station = await openStation(folder, { clock })
  try {
    for (const [name, jumpMs] of [
      ['forward by a day', 86_400_000],
      ['back by a year', -31_536_000_000],
    ] as const) {
      await submit(station, `before ${name}`)
      offMs += jumpMs
      const startedMs = performance.now()
      const answer = await submit(station, `after ${name}`)
      tell(
        `clock set ${name}, the next scan saved`,
        performance.now() - startedMs,
        processBoundMs,
        answer.ok ? '' : ' (REFUSED)',
      )
    }
  } finally {
    await station.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** A hub with a bad contact: devices that come and go all the time, while another one scans. */
async function recoverFromStorm(tell: Tell): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-bench-storm-'))
  const station = await openStation(folder)
  try {
    const startedMs = performance.now()
    const answers: Promise<Result<unknown>>[] = []
    for (let index = 0; index < 2_000; index += 1) {
      for (const state of ['detected', 'opening', 'ready', 'unplugged'])
        void station.call('device.report', {
          id: `usb:${index % 20}`,
          kind: 'scanner',
          name: `storm ${index % 20}`,
          state,
        })
      answers.push(
        station.call('scan.submit', {
          data: `storm-${index}`,
          source: 'device',
          deviceName: 'gun',
          deviceId: 'usb:gun',
        }) as Promise<Result<unknown>>,
      )
    }
    const refused = (await Promise.all(answers)).filter(({ ok }) => !ok).length
    if (refused > 0) process.exitCode = 1
    tell(
      '8,000 plugs and unplugs amid 2,000 scans, all answered',
      performance.now() - startedMs,
      processBoundMs,
      `; ${refused} scans lost`,
    )
  } finally {
    await station.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
