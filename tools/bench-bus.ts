import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpus, loadavg, tmpdir } from 'node:os'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { chromium, type Page } from 'playwright-core'
import { findChromium } from '#cli/browsers.ts'
import { openBus, whyNoBus, type Bus, type BusDevice, type BusEvent } from '../tests/devices/bus/bus.ts'
import { cdcAcm, hidPosA, hidPosB } from '../tests/devices/bus/models.ts'
import { account, scanSteadily, slowDown, storedCodes, type SentScan } from '../tests/devices/load.ts'
import { missing, openKiosk } from '../tests/electron/open-kiosk.ts'
import { build, root } from './set-up.mjs'

/** A kiosk with its window on the bus, as a bench sees it. */
interface Host {
  readonly page: Page
  readonly dataDir: string
  close(): Promise<void>
}

type Say = (line: string) => void

/** This machine's monotonic clock, the same in all its processes, in milliseconds. */
const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6

/** A program on the bus that says as its first line where it listens. */
async function startListening(bus: Bus, args: readonly string[], env: NodeJS.ProcessEnv) {
  const child = spawn(bus.wrap(process.execPath), ['src/cli/capstan.ts', ...args, '--port', '0'], {
    cwd: root,
    env: { ...env, CAPSTAN_LOG: 'warn' },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const exited = once(child, 'exit')
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  child.stdout.resume()
  return {
    answer: JSON.parse(line) as { readonly listening: string; readonly apiKey?: string },
    async close() {
      child.kill('SIGTERM')
      await exited
    },
  }
}

/** The backend is a process of its own, as it is a machine of its own where people work. */
async function openBackend(bus: Bus, folder: string) {
  const { answer, close } = await startListening(bus, ['backend', '--data', join(folder, 'backend')], process.env)
  return { url: answer.listening, apiKey: answer.apiKey ?? '', close }
}

/** The web host with a real Chromium, both on the bus. */
async function openWeb(bus: Bus): Promise<Host> {
  const found = findChromium(process.env)
  if ('missing' in found) throw new Error(found.missing)
  const folder = mkdtempSync(join(tmpdir(), 'capstan-bench-'))
  const dataDir = join(folder, 'station')
  const backend = await openBackend(bus, folder)
  const { DISPLAY: _, WAYLAND_DISPLAY: __, ...env } = process.env
  const args = ['kiosk', '--host', 'web', '--data', dataDir, '--backend', backend.url]
  const station = await startListening(bus, args, { ...env, CAPSTAN_API_KEY: backend.apiKey })
  const browser = await chromium.launch({
    executablePath: bus.wrap(found.path),
    args: ['--no-sandbox', '--autoplay-policy=no-user-gesture-required'],
  })
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } })
  await page.addInitScript(listen)
  await page.goto(station.answer.listening)
  return {
    page,
    dataDir,
    async close() {
      await browser.close()
      await station.close()
      await backend.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function openElectron(bus: Bus): Promise<Host> {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-bench-'))
  const backend = await openBackend(bus, folder)
  const keyFile = join(folder, 'key')
  writeFileSync(keyFile, backend.apiKey)
  const kiosk = await openKiosk(['--backend', backend.url, '--api-key-file', keyFile], bus)
  // The page is there already: it is loaded anew with what listens.
  await kiosk.page.addInitScript(listen)
  await kiosk.page.reload()
  return {
    page: kiosk.page,
    dataDir: kiosk.dataDir,
    async close() {
      await kiosk.close()
      await backend.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/**
 * Runs in the page before anything else: writes down when each "saved" has come to the window, and when each "saved"
 * sound is started, and for when. The sound is told by its pitch, 2,093 Hz, as `ui/sounds.ts` sets it.
 */
const listen = `
  globalThis.heard = []
  globalThis.come = []
  if (globalThis.capstan) capstan.subscribe('scan.taken', ({ capture }) => come.push([performance.now(), capture.raw]))
  else globalThis.WebSocket = class extends WebSocket {
    constructor(...all) {
      super(...all)
      this.addEventListener('message', ({ data }) => {
        if (!data.startsWith('{"kind":"event","topic":"scan.taken"')) return
        come.push([performance.now(), JSON.parse(data).payload.capture.raw])
      })
    }
  }
  const pitches = new WeakMap()
  const setValue = AudioParam.prototype.setValueAtTime
  AudioParam.prototype.setValueAtTime = function (value, time) {
    pitches.set(this, value)
    return setValue.call(this, value, time)
  }
  const start = OscillatorNode.prototype.start
  OscillatorNode.prototype.start = function (when) {
    if (pitches.get(this.frequency) === 2093)
      heard.push([performance.now(), when - this.context.currentTime, come.at(-1)?.[1] ?? ''])
    return start.call(this, when)
  }
`

/** When a "saved" sound was started and for which code, and when its first wave is due in the loudspeaker's graph, on our clock. */
interface Heard {
  readonly code: string
  readonly startedMs: number
  readonly dueMs: number
}

/** The page's clock against ours, by the shortest of many questions; the error is at most half of that one. */
async function compareClocks(page: Page): Promise<{ readonly offsetMs: number; readonly errorMs: number }> {
  let best = { offsetMs: 0, errorMs: Number.POSITIVE_INFINITY }
  for (let round = 0; round < 300; round++) {
    const before = nowMs()
    const there = await page.evaluate(() => performance.now())
    const after = nowMs()
    if ((after - before) / 2 < best.errorMs)
      best = { offsetMs: (before + after) / 2 - there, errorMs: (after - before) / 2 }
  }
  return best
}

/** When each "saved" had come to the window, before anything was done with it. */
async function readCome(page: Page, offsetMs: number): Promise<number[]> {
  const come = await page.evaluate(() => (globalThis as unknown as { come: [number, string][] }).come)
  return come.map(([at]) => at + offsetMs)
}

/** From the event of the device to the durable row, as the station itself has written it down. */
function storedCommits(dataDir: string): number[] {
  const database = new DatabaseSync(join(dataDir, 'station.sqlite'), { readOnly: true })
  const rows = database.prepare('SELECT commit_ms FROM captures WHERE commit_ms IS NOT NULL ORDER BY sequence').all()
  database.close()
  return rows.map((row) => Number(row['commit_ms']))
}

async function readHeard(page: Page, offsetMs: number): Promise<Heard[]> {
  const heard = await page.evaluate(() => (globalThis as unknown as { heard: [number, number, string][] }).heard)
  return heard.map(([at, ahead, code]) => ({
    code,
    startedMs: at + offsetMs,
    dueMs: at + offsetMs + ahead * 1_000,
  }))
}

const at = (sorted: readonly number[], share: number): string =>
  sorted.length === 0
    ? '-'
    : `${(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1)}`
/** p50, p95, p99 and the worst, in milliseconds. */
function spread(values: readonly number[]): string {
  const sorted = values.toSorted((a, b) => a - b)
  return `p50 ${at(sorted, 0.5)}, p95 ${at(sorted, 0.95)}, p99 ${at(sorted, 0.99)}, worst ${at(sorted, 1)} ms (${sorted.length})`
}

/** The scanner's own good-read beep: it is sent after the commit. */
const beepsOf = (bus: Bus, device: BusDevice): BusEvent[] =>
  bus.events.filter((one) => one.event === 'out' && one.number === device.number && one['data'] === '0440')

/** The machine's load beside every figure: what others do on it is in there. */
const load = (): string => `load ${loadavg()[0]?.toFixed(1)} on ${cpus().length} cores`

/** The floor: what one durable row costs on this disk now. */
function bareInserts(folder: string, count: number): number[] {
  const database = new DatabaseSync(join(folder, 'floor.sqlite'))
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE scans (raw TEXT) STRICT')
  const insert = database.prepare('INSERT INTO scans (raw) VALUES (?)')
  const took = Array.from({ length: count }, (_, index) => {
    const before = performance.now()
    insert.run(`floor-${index}`)
    return performance.now() - before
  })
  database.close()
  return took
}

async function openSession(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Start session' }).click()
  await page.getByText('Scan the first code').waitFor()
}

/** Waits until the host reads the device, and the time for stale reports is over. */
async function untilRead(devices: readonly BusDevice[]): Promise<void> {
  for (const device of devices) while ((await device.state()).waiting['129'] !== 1) await delay(50)
  await delay(500)
}

/** Device event to durable commit to feedback, one scan at a time. */
async function measure(name: string, open: (bus: Bus) => Promise<Host>, say: Say): Promise<void> {
  const count = 300
  const bus = await openBus()
  const host = await open(bus)
  try {
    const device = await bus.plug(hidPosA())
    await openSession(host.page)
    await untilRead([device])
    const floor = bareInserts(host.dataDir, 200)
    const before = await compareClocks(host.page)
    const sent: number[] = []
    for (let index = 0; index < count; index++) {
      sent.push(await device.scan(`bench-${index}`))
      await delay(60 + ((index * 37) % 60))
    }
    await delay(1_000)
    const after = await compareClocks(host.page)
    const heard = await readHeard(host.page, (before.offsetMs + after.offsetMs) / 2)
    const beeps = beepsOf(bus, device)
    const come = await readCome(host.page, (before.offsetMs + after.offsetMs) / 2)
    if (come.length !== count || beeps.length !== count)
      throw new Error(`${count} scans, ${come.length} in the window, ${beeps.length} beeps`)
    /** A window that is behind may leave out a sound: each is told by its code. */
    const numberOf = ({ code }: Heard): number => Number(code.replace('bench-', ''))
    const errorMs = Math.max(before.errorMs, after.errorMs) + Math.abs(before.offsetMs - after.offsetMs) / 2
    const legs = [
      `event to durable row ${spread(storedCommits(host.dataDir))}`,
      `beep to the window ${spread(come.map((time, index) => time - (beeps[index]?.atMs ?? 0)))}`,
      `window to sound ${spread(heard.map((one) => one.startedMs - (come[numberOf(one)] ?? 0)))}`,
    ]
    const toBeep = beeps.map((beep, index) => beep.atMs - (sent[index] ?? 0))
    const toSound = heard.map((one) => one.startedMs - (sent[numberOf(one)] ?? 0))
    say(`scan, ${name}: last byte on the bus to the scanner's own beep (after the commit): ${spread(toBeep)}`)
    say(
      `scan, ${name}: last byte on the bus to the window's sound being started: ${spread(toSound)} (goal p99 50 ms; clocks agree within ${errorMs.toFixed(1)} ms; the first wave is due ${((heard[0]?.dueMs ?? 0) - (heard[0]?.startedMs ?? 0)).toFixed(0)} ms later)`,
    )
    say(`scan, ${name}: of that: ${legs.join('; ')}`)
    say(`scan, ${name}: floor, a bare durable insert on the same disk: ${spread(floor)}; ${load()}`)
  } finally {
    await host.close()
    await bus.close()
  }
}

/** A window that makes garbage and moves its focus all the time. */
const unrest = `
  const making = setInterval(() => {
    const rubbish = []
    for (let at = 0; at < 40000; at++) rubbish.push({ at, text: 'rubbish ' + at })
    globalThis.rubbish = rubbish
  }, 100)
  const moving = setInterval(() => {
    const places = [...document.querySelectorAll('input, button, [tabindex="0"]')]
    places[Math.floor(Math.random() * places.length)]?.focus()
  }, 250)
  globalThis.rest = () => [making, moving].forEach(clearInterval)
`

const slowMegabytes = 64
/** A window without a processor to itself may be behind at the end. */
const windowPatienceMs = 60_000

/** The sounds, once the window has come to rest. */
async function readLater(page: Page, offsetMs: number): Promise<Heard[]> {
  await page.evaluate('rest()')
  await delay(2_000)
  return readHeard(page, offsetMs)
}

/** Three scanners at once for a long time, on a slow disk, with an unquiet window: what was lost? */
async function endure(name: string, open: (bus: Bus) => Promise<Host>, durationMs: number, say: Say): Promise<void> {
  const bus = await openBus()
  const host = await open(bus)
  try {
    const beeping = await bus.plug(hidPosA())
    const devices = [beeping, await bus.plug(hidPosB()), await bus.plug(cdcAcm())]
    await openSession(host.page)
    await untilRead(devices)
    const quick = bareInserts(host.dataDir, 200)
    const endSlowness = slowDown(host.dataDir, slowMegabytes)
    await delay(500)
    rmSync(join(host.dataDir, 'floor.sqlite'))
    const slow = bareInserts(host.dataDir, 200)
    await host.page.evaluate(unrest)
    const before = await compareClocks(host.page)
    const sent = await scanSteadily(devices, { perSecond: 30, durationMs })
    const loaded = load()
    for (let wait = 0; wait < 60 && storedCodes(host.dataDir).length < sent.length; wait++) await delay(500)
    await endSlowness()
    const stored = storedCodes(host.dataDir)
    const { lost, doubled, disordered } = account(sent, stored)
    const minutes = (durationMs / 60_000).toFixed(1)
    say(
      `endurance, ${name}: ${sent.length} scans in ${minutes} min from three scanners: ${lost} lost, ${doubled} doubled, ${disordered} out of order per device (goal 0, 0, 0); ${loaded}`,
    )
    say(
      `endurance, ${name}: a bare durable insert beside a program that writes ${slowMegabytes} MB and waits for the disk, over and over: ${spread(slow)}; without it: ${spread(quick)}`,
    )
    const first = sent.filter(({ code }) => code.startsWith('A-'))
    const toBeep = beepsOf(bus, beeping).map((beep, index) => beep.atMs - (first[index]?.atMs ?? 0))
    say(`endurance, ${name}: last byte on the bus to the scanner's own beep: ${spread(toBeep)}`)
    // It is closed below, whether it has answered or not.
    const told = readLater(host.page, before.offsetMs).catch(() => null)
    const heard = await Promise.race([told, delay(windowPatienceMs, null)])
    if (heard === null) {
      say(`endurance, ${name}: ${windowPatienceMs / 1_000} s after the last scan the window does not answer`)
      return
    }
    const sentAt = new Map(sent.map((scan: SentScan) => [scan.code, scan.atMs]))
    const toSound = heard.map((one) => one.startedMs - (sentAt.get(one.code) ?? 0))
    say(
      `endurance, ${name}: last byte on the bus to the window's sound being started: ${spread(toSound)}; the others of ${stored.length} came together with one, or too late`,
    )
  } finally {
    await host.close()
    await bus.close()
  }
}

/** The hosts of this machine; says what is skipped, and why. */
function hosts(say: Say): [string, (bus: Bus) => Promise<Host>][] {
  const reason = whyNoBus()
  if (reason !== null) {
    say(`skipped: ${reason}`)
    return []
  }
  const found = findChromium(process.env)
  if ('missing' in found) say(`skipped in the web host: ${found.missing}`)
  if (missing !== null) say(`skipped in Electron: ${missing}`)
  return [
    ...('missing' in found ? [] : [['web host', openWeb] as [string, typeof openWeb]]),
    ...(missing === null ? [['Electron', openElectron] as [string, typeof openElectron]] : []),
  ]
}

/** From the last byte on the emulated bus to the commit, the beep and the sound, in each host that this machine has. */
export async function benchBus(say: Say): Promise<void> {
  await build()
  for (const [name, open] of hosts(say)) await measure(name, open, say)
}

/** 30 scans a second from three scanners for `minutes`, in each host. */
export async function benchEndurance(say: Say, minutes: number): Promise<void> {
  await build()
  for (const [name, open] of hosts(say)) await endure(name, open, minutes * 60_000, say)
}
