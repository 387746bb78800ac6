import { mkdirSync } from 'node:fs'
import { createFaultProxy, type FaultProxy } from '#backend/index.ts'
import type { Log } from '#contract/ports.ts'
import type { Result } from '#contract/result.ts'
import type { StationStatus } from '#contract/station/status.ts'
import {
  checkLedgerOf,
  createEmulatedScanner,
  createStation,
  forkImaging,
  openStoreForReading,
  systemClock,
  timeOrderedIds,
  type EmulatedScanner,
} from '#station/index.ts'
import { isSettled, type Heard, type Reading, type ServedCapture, type StoredCapture } from './account.ts'
import type { Server, StartServer, StartStation, StationProcess } from './processes.ts'

/** Between two scans: faster than any hand, slower than a burst that piles up. */
const paceMs = 10
const lookMs = 50

/** Where one scenario plays: an empty store, a station on it, a network that can go wrong, and the server of the drill. */
interface Place {
  readonly random: () => number
  /** Between the station and the server. */
  readonly network: FaultProxy
  readonly server: RestartableServer
  /** Scans so many codes, one after another; resolves when all are answered, or never will be. */
  scan(count: number): Promise<void>
  /** How many scans have been answered so. */
  heard(what: Heard): number
}

/** A station in this process, whose scanner, clock and key can be played with. */
export interface HereStage extends Place {
  readonly scanner: EmulatedScanner
  /** A code whose last byte comes just when the scanner is pulled out; or of which only half does. */
  scanAndPull(how: 'whole' | 'half'): void
  shiftClock(byMs: number): void
  setKey(key: string): void
  /** As a person does who has put something right. */
  tryNow(): Promise<void>
  backend(): Promise<StationStatus['backend']['state']>
}

/** A station in a process of its own, which can be killed. */
export interface ProcessStage extends Place {
  readonly pid: number
  /** Answers whether it ran until then. */
  kill(): Promise<boolean>
  /** Another one on the same store; resolves when it has answered its first scan. */
  restart(): Promise<void>
}

/** What every stage is made of, and how it is told what came of it. */
export interface Staging<S extends HereStage | ProcessStage> {
  readonly stage: S
  /** Times of the scans from now on count. */
  measure(on: boolean): void
  readonly times: readonly number[]
  readonly readings: readonly Reading[]
  /** Waits until nothing is to be sent any more; false when patience ended first. */
  recovered(): Promise<boolean>
  stored(): StoredCapture[]
  /** What went wrong with the station itself, a sentence each. */
  readonly faults: readonly string[]
  /** Ends the station, and checks its ledger: how many entries it has and what is wrong with them. */
  end(): Promise<{ readonly entries: number; readonly problem: string | null }>
}

export interface RestartableServer {
  readonly url: string
  readonly apiKey: string
  stop(): Promise<void>
  restart(): Promise<void>
  captures(): Promise<ServedCapture[]>
}

export interface StageOptions {
  readonly dataDir: string
  readonly name: string
  readonly seed: number
  readonly random: () => number
  readonly server: RestartableServer
  readonly startStation: StartStation
  /** Without the network that can go wrong: it is the server itself that does. */
  readonly isDirect: boolean
  readonly patienceMs: number
}

const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** A server that comes back at its address, with what it had. */
export async function startServer(start: StartServer, dataDir: string): Promise<RestartableServer> {
  let running: Server | null = await start(dataDir, 0)
  const { url, apiKey } = running
  const stop = async (): Promise<void> => {
    await running?.stop()
    running = null
  }
  return {
    url,
    apiKey,
    stop,
    async restart() {
      await stop()
      running = await start(dataDir, Number(new URL(url).port))
    },
    async captures() {
      const found: ServedCapture[] = []
      for (let page = 1; ; page += 1) {
        const response = await fetch(`${url}/scanner/api/v1/captures?page_size=100&page=${page}`, {
          headers: { 'x-api-key': apiKey },
        })
        const { data, pagination } = (await response.json()) as {
          data: { id: string; raw_value: string; metadata: Record<string, string> }[]
          pagination: { has_next: boolean }
        }
        for (const { id, raw_value: raw, metadata } of data) {
          found.push({ id, raw, stationCapture: metadata['station_capture'] ?? '' })
        }
        if (!pagination.has_next) return found
      }
    },
  }
}

/** Opens the stage of a scenario whose station is in this process. */
export async function openHereStage(options: StageOptions): Promise<Staging<HereStage>> {
  const { server } = options
  const network = await openNetwork(options)
  let key = server.apiKey
  let offsetMs = 0
  const station = valueOf(
    await createStation({
      dataDir: options.dataDir,
      host: 'cli',
      version: '0.0.0',
      log: silent,
      fetch,
      backend: { url: options.isDirect ? server.url : network.url, credential: () => Promise.resolve(key) },
      spawnImaging: forkImaging(),
      clock: { ...systemClock, now: () => new Date(Date.now() + offsetMs) },
    }),
  )
  const call = async <T>(name: string, input: object): Promise<T> =>
    valueOf((await station.call(name, input)) as Result<T>)
  const session = await call<{ id: string }>('session.open', { label: 'drill', marksWindowMs: 0 })

  const unanswered: ((heard: Heard) => void)[] = []
  const scanner = createEmulatedScanner('drill', silent, (signal) =>
    unanswered.shift()?.(signal === 'good' ? 'saved' : 'refused'),
  )
  const silence = (): void => {
    for (const answer of unanswered.splice(0)) answer('silence')
  }
  station.drive(scanner.driver)
  const book = openBook(options, (raw) => {
    const heard = new Promise<Heard>((resolve) => unanswered.push(resolve))
    if (!scanner.send(`${raw}\r`)) silence()
    return heard
  })
  while (!scanner.isOpen()) await pause(lookMs)

  return {
    ...book,
    faults: [],
    stage: {
      random: options.random,
      network,
      server,
      scan: book.scan,
      heard: book.heard,
      scanner,
      scanAndPull(how) {
        if (how === 'whole') void book.scan(1)
        else scanner.send(`${options.name}-TORN`)
        scanner.pull()
        silence()
      },
      shiftClock(byMs) {
        offsetMs += byMs
      },
      setKey(next) {
        key = next
      },
      async tryNow() {
        await call('station.syncNow', {})
      },
      backend: async () => (await call<StationStatus>('station.status', {})).backend.state,
    },
    async end() {
      await call('session.end', { id: session.id })
      await within(options.patienceMs, station.drained(), 'closed')
      await station.close()
      await network.close()
      return checkedLedger(options.dataDir)
    },
  }
}

/** Opens the stage of a scenario whose station is a process. */
export async function openProcessStage(options: StageOptions): Promise<Staging<ProcessStage>> {
  const { server, dataDir } = options
  const network = await openNetwork(options)
  const start = (): StationProcess =>
    options.startStation({
      dataDir,
      url: options.isDirect ? server.url : network.url,
      apiKey: server.apiKey,
    })
  let station = start()
  const faults: string[] = []
  const noteEnd = (): void => {
    if (station.ownEnd !== null) faults.push(station.ownEnd)
  }
  const book = openBook(options, (raw) => station.read(raw))
  /** It answers only when it has started, which is no time of saving. */
  const firstScan = async (): Promise<void> => {
    const wasMeasuring = book.measure(false)
    await book.scan(1)
    book.measure(wasMeasuring)
  }
  await firstScan()
  return {
    ...book,
    faults,
    stage: {
      random: options.random,
      network,
      server,
      scan: book.scan,
      heard: book.heard,
      get pid() {
        return station.pid
      },
      kill: () => station.kill(),
      async restart() {
        noteEnd()
        station = start()
        await firstScan()
      },
    },
    async end() {
      noteEnd()
      await station.end(options.patienceMs)
      await network.close()
      return checkedLedger(dataDir)
    },
  }
}

function openNetwork({ dataDir, server, seed }: StageOptions): Promise<FaultProxy> {
  mkdirSync(dataDir, { recursive: true })
  return createFaultProxy({ target: server.url, seed, rates: {} })
}

/** The book of what was scanned and heard, and a look into the store beside the station. */
function openBook({ name, dataDir, patienceMs }: StageOptions, read: (raw: string) => Promise<Heard>) {
  const readings: { raw: string; heard: Heard }[] = []
  const times: number[] = []
  let isMeasuring = false
  const scanOne = async (): Promise<void> => {
    const raw = `${name}-${String(readings.length + 1).padStart(5, '0')}`
    const reading: { raw: string; heard: Heard } = { raw, heard: 'late' }
    readings.push(reading)
    const isMeasured = isMeasuring
    const startedMs = performance.now()
    reading.heard = await within(patienceMs, read(raw), 'late')
    if (isMeasured && reading.heard !== 'silence') times.push(performance.now() - startedMs)
  }
  const stored = (): StoredCapture[] => {
    const store = valueOf(openStoreForReading(dataDir, { clock: systemClock, ids: timeOrderedIds }))
    try {
      return [...store.captures.each(null)].map(({ id, raw, sync }) => ({ id, raw, sync }))
    } finally {
      store.close()
    }
  }
  return {
    readings,
    times,
    stored,
    /** Answers how it was before. */
    measure(on: boolean): boolean {
      const before = isMeasuring
      isMeasuring = on
      return before
    },
    heard: (what: Heard): number => readings.filter(({ heard }) => heard === what).length,
    async scan(count: number): Promise<void> {
      const scans: Promise<void>[] = []
      for (let index = 0; index < count; index += 1) {
        if (index > 0) await pause(paceMs)
        scans.push(scanOne())
      }
      await Promise.all(scans)
    },
    async recovered(): Promise<boolean> {
      const untilMs = performance.now() + patienceMs
      while (performance.now() < untilMs) {
        if (stored().every(({ sync }) => isSettled(sync))) return true
        await pause(lookMs)
      }
      return false
    },
  }
}

function checkedLedger(dataDir: string): { readonly entries: number; readonly problem: string | null } {
  const checked = checkLedgerOf(dataDir)
  return checked.ok
    ? { entries: checked.value.entries, problem: checked.value.problem?.message ?? null }
    : { entries: 0, problem: checked.error.message }
}

async function within<T>(ms: number, work: Promise<T>, otherwise: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(otherwise), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

function valueOf<T>(result: Result<T>): T {
  if (result.ok) return result.value
  throw new Error(`${result.error.code}: ${result.error.message}`)
}
