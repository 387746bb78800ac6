import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { fileURLToPath } from 'node:url'
import { createFaultProxy, faults, type FaultRates } from '#backend/index.ts'
import type { Log } from '#contract/ports.ts'
import { systemClock, timeOrderedIds } from '#station/index.ts'
import { createScannerClient } from '#station/remote/scanner-client.ts'
import type { NewCapture } from '#station/store/captures.ts'
import { openStore, type Store } from '#station/store/store.ts'
import { createSync, type Sync } from '#station/sync/sync.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const capstan = join(root, 'src', 'cli', 'capstan.ts')
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** One request in five goes wrong, in every way there is. */
const usualRates: FaultRates = {
  cut: 0.02,
  late: 0.02,
  lost: 0.04,
  truncated: 0.03,
  delayed: 0.03,
  echoed: 0.02,
  error: 0.02,
  failed: 0.01,
  busy: 0.0005,
}
const maxDelayMs = 1_000
const quietMs = 2_500
const inParallel = 8

const silent: Log = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (fields, message) =>
    message === 'the sync loop failed'
      ? void process.stderr.write(`${message}: ${JSON.stringify(fields)}\n`)
      : undefined,
  child: () => silent,
}

export interface RunningBackend {
  readonly url: string
  readonly apiKey: string
  readonly databasePath: string
  stop(): Promise<void>
}

/** The reference backend in a process of its own. */
export async function startBackendProcess(folder: string): Promise<RunningBackend> {
  const child: ChildProcess = spawn(process.execPath, [capstan, 'backend', '--data', folder, '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (!child.stdout) throw new Error('no output')
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const { listening, apiKey } = JSON.parse(line) as { listening: string; apiKey: string }
  return {
    url: listening,
    apiKey,
    databasePath: join(folder, 'backend.sqlite'),
    async stop() {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** A capture as a scanner makes it; one in twenty is a repeat of the one before. */
export function benchCapture(sessionId: string, index: number, fields: Partial<NewCapture> = {}): NewCapture {
  const raw = `LOT-${index - (index % 20 === 19 ? 1 : 0)}`
  return {
    id: timeOrderedIds.next(),
    sessionId,
    type: 'BARCODE',
    source: 'stdin',
    deviceName: 'bench',
    raw,
    symbologyIdentifier: ']C0',
    symbology: 'code128',
    gtin: null,
    addOn: null,
    elements: [],
    warnings: [],
    disposition: 'counted',
    repeatOf: 0,
    capturedAt: systemClock.now().toISOString(),
    photo: null,
    upload: null,
    location: null,
    itemKey: `raw:${raw}`,
    read: null,
    photoRole: null,
    monotonicMs: systemClock.monotonicMs(),
    ...fields,
  }
}

/** A store in a folder with an open session and so many captures that wait. */
export function fillStore(dataDir: string, captures: number): Store {
  const opened = openStore({ dataDir, clock: systemClock, ids: timeOrderedIds, log: silent })
  if (!opened.ok) throw new Error(opened.error.message)
  const store = opened.value
  const session = store.sessions.open({
    label: 'bench',
    captureMode: 'both',
    duplicatePolicy: 'count',
    duplicateWindowMs: 3_000,
    marksWindowMs: 0,
    formats: 'all',
  })
  if (!session) throw new Error('no session')
  for (let from = 0; from < captures; from += 1_000) {
    store.transaction(() => {
      for (let index = from; index < Math.min(captures, from + 1_000); index += 1) {
        store.captures.add(benchCapture(session.id, index))
      }
    })
  }
  return store
}

export function startSyncOn(store: Store, url: string, apiKey: string): Sync {
  return createSync({
    store,
    remote: createScannerClient({
      fetch,
      url,
      credential: () => Promise.resolve(apiKey),
      userAgent: 'Capstan/bench',
      now: systemClock.now,
    }),
    clock: systemClock,
    random: Math.random,
    log: silent,
    stationId: 'bench',
    onCaptures: () => undefined,
    onSession: () => undefined,
    onBackend: () => undefined,
    quietMs,
  })
}

const progressMs = 10_000

/**
 * Drains, tells every ten seconds how far it is, and answers how long it took until nothing was left that could be sent, or
 * the time was over.
 */
async function drain(
  store: Store,
  sync: Sync,
  say: (line: string) => void,
  look: () => void = () => undefined,
  mostMs = Number.POSITIVE_INFINITY,
): Promise<number> {
  const startedMs = performance.now()
  let toldMs = startedMs
  while (store.outbox.isPending() && performance.now() - startedMs < mostMs) {
    await pause(20)
    look()
    if (performance.now() - toldMs < progressMs) continue
    toldMs = performance.now()
    const { waiting, inDoubt, parked } = store.outbox.figures()
    say(
      `  ${((toldMs - startedMs) / 1_000).toFixed(0)} s: ${waiting} wait (${inDoubt} of them in doubt), ${parked} for a person, ${sync.progress.ratePerSecond.toFixed(0)}/s`,
    )
  }
  const tookMs = performance.now() - startedMs
  await sync.close()
  return tookMs
}

/** The floor: submissions of the same size over as many kept-alive connections, nothing read, nothing written. */
async function bareRequests(backend: RunningBackend, count: number): Promise<number> {
  const headers = { 'content-type': 'application/json', 'x-api-key': backend.apiKey }
  const post = async (path: string, body: object, key: string): Promise<string> => {
    const response = await fetch(`${backend.url}/scanner/api/v1${path}`, {
      method: 'POST',
      headers: { ...headers, 'idempotency-key': key },
      body: JSON.stringify(body),
    })
    return response.text()
  }
  const { id } = JSON.parse(await post('/sessions', {}, timeOrderedIds.next())) as { id: string }
  let next = 0
  const worker = async (): Promise<void> => {
    for (let index = (next += 1); index <= count; index = next += 1) {
      const key = timeOrderedIds.next()
      await post(
        '/captures',
        {
          session_short_id: id,
          session_public_id: id,
          capture_type: 'BARCODE',
          raw_value: `LOT-${index}`,
          gtin: '',
          gs1_dl_data: {},
          metadata: {
            station_capture: key,
            station_sequence: String(index),
            captured_at: systemClock.now().toISOString(),
            quantity: '1',
            symbology: 'code128',
          },
        },
        key,
      )
    }
  }
  const startedMs = performance.now()
  await Promise.all(Array.from({ length: inParallel }, worker))
  return (count / (performance.now() - startedMs)) * 1_000
}

/** What the backend has of the store's captures: how many, and how many more than once. */
function compare(store: Store, databasePath: string) {
  const database = new DatabaseSync(databasePath, { readOnly: true })
  const rows = database
    .prepare(`SELECT metadata ->> 'station_capture' AS id, count(*) AS copies FROM captures GROUP BY 1`)
    .all() as { id: string | null; copies: number }[]
  database.close()
  const there = new Map(rows.map(({ id, copies }) => [id, copies]))
  let lost = 0
  let doubled = 0
  let undecided = 0
  for (const capture of store.captures.each(null)) {
    const copies = there.get(capture.id) ?? 0
    if (capture.sync === 'undecided') undecided += 1
    else if (copies === 0) lost += 1
    if (copies > 1) doubled += 1
  }
  return { lost, doubled, undecided }
}

/**
 * `bench sync`: nothing lost and nothing doubled behind a network that goes wrong one time in five,
 * whether or not the backend knows keys; and the drain's rate on a good network against bare requests.
 */
export async function benchSync(say: (line: string) => void, captures: number, seed: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-bench-'))
  try {
    const backend = await startBackendProcess(join(folder, 'good'))
    const sample = Math.min(captures, 10_000)
    // Before and after, for a machine that others use too.
    const floors = [await bareRequests(backend, sample)]
    const store = fillStore(join(folder, 'drain'), captures)
    const tookMs = await drain(store, startSyncOn(store, backend.url, backend.apiKey), say)
    floors.push(await bareRequests(backend, sample))
    const good = compare(store, backend.databasePath)
    store.close()
    await backend.stop()
    const rate = (captures / tookMs) * 1_000
    const floor = floors.reduce((sum, each) => sum + each, 0) / floors.length
    say(
      `sync: ${captures} captures drained at ${rate.toFixed(0)}/s, floor ${floors.map((each) => each.toFixed(0)).join(' and ')} bare keep-alive requests/s, ratio ${(rate / floor).toFixed(2)} (goal 0.70); ${good.lost} lost, ${good.doubled} doubled`,
    )
    for (const ignoresKeys of [false, true]) await benchFaults(say, folder, captures, seed, ignoresKeys)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function benchFaults(
  say: (line: string) => void,
  folder: string,
  captures: number,
  seed: number,
  ignoresKeys: boolean,
): Promise<void> {
  const name = ignoresKeys ? 'ignores' : 'remembers'
  const backend = await startBackendProcess(join(folder, `backend-${name}`))
  const proxy = await createFaultProxy({ target: backend.url, seed, rates: usualRates, maxDelayMs, ignoresKeys })
  const store = fillStore(join(folder, `station-${name}`), captures)
  const tookMs = await drain(store, startSyncOn(store, proxy.url, backend.apiKey), say)
  await proxy.close()
  const { lost, doubled, undecided } = compare(store, backend.databasePath)
  store.close()
  await backend.stop()
  const happened = faults.map((fault) => `${fault} ${proxy.counts[fault]}`).join(', ')
  say(
    `sync: a backend that ${name} keys behind a bad network (seed ${seed}: ${happened}): ${captures} captures in ${(tookMs / 1_000).toFixed(0)} s, ${lost} lost, ${doubled} doubled, ${undecided} undecided and marked (goal 0, 0)`,
  )
  if (lost + doubled > 0) process.exitCode = 1
}

/** Times one scan after another takes, as the store saves it, in milliseconds, sorted. */
function saveOneByOne(store: Store, count: number): number[] {
  const session = store.sessions.current()
  if (!session) throw new Error('no session')
  const tookMs = Array.from({ length: count }, (_, index) => {
    const startedMs = performance.now()
    store.transaction(() => {
      store.captures.history(session.id, `raw:NEW-${index}`)
      store.captures.add(benchCapture(session.id, 1_000_000 + index, { itemKey: `raw:NEW-${index}` }))
    })
    return performance.now() - startedMs
  })
  return tookMs.toSorted((one, other) => one - other)
}

/** From the start of a process to its first answer to a scan. */
async function startUpMs(dataDir: string): Promise<number> {
  const startedMs = performance.now()
  const child = spawn(process.execPath, [capstan, 'station', '--data', dataDir, '--stdin', '--no-drain'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.write(`${JSON.stringify({ data: 'READY' })}\n`)
  await once(createInterface({ input: child.stdout }), 'line')
  const tookMs = performance.now() - startedMs
  child.stdin.end()
  await once(child, 'exit')
  return tookMs
}

/**
 * `bench backlog`: what a station feels of so many waiting captures and 5,000 photos: the time to save a new scan and to
 * start, each against an empty store in the same run, and the memory while it drains, for so many minutes at most.
 */
export async function benchBacklog(say: (line: string) => void, captures: number, minutes: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-bench-'))
  const photos = Math.min(5_000, captures)
  try {
    const [emptyDir, fullDir] = [join(folder, 'empty'), join(folder, 'full')]
    const empty = fillStore(emptyDir, 0)
    const full = fillStore(fullDir, captures)
    const session = full.sessions.current()
    for (let index = 0; index < photos; index += 1) {
      // A small one: its bytes are no matter of the queue, its file and its row are.
      const bytes = new Blob([`photo ${index}`]).stream()
      const { hash } = await full.media.put(bytes, 1_000)
      full.transaction(() => {
        const id = timeOrderedIds.next()
        const photo = { id, type: 'IMAGE', raw: '', photo: hash, upload: hash, itemKey: `photo:${id}` } as const
        full.captures.add(benchCapture(session?.id ?? '', index, photo))
      })
    }
    // In turns, for a machine that others use too; the first round warms up.
    const rounds = Array.from({ length: 6 }, () => [saveOneByOne(empty, 200), saveOneByOne(full, 200)] as const)
    const middle = (which: 0 | 1): number => {
      const all = rounds
        .slice(1)
        .flatMap((round) => round[which])
        .toSorted((one, other) => one - other)
      return all[Math.floor(all.length / 2)] ?? 0
    }
    say(
      `backlog: a scan is saved in ${middle(1).toFixed(2)} ms beside ${captures} captures and ${photos} photos that wait, ${middle(0).toFixed(2)} ms in an empty store (medians), ratio ${(middle(1) / middle(0)).toFixed(2)} (goal at most 1.10)`,
    )
    empty.close()
    full.close()
    const [floor, loaded] = [await startUpMs(emptyDir), await startUpMs(fullDir)]
    say(
      `backlog: ready after ${loaded.toFixed(0)} ms, process start and first scan included; with an empty store ${floor.toFixed(0)} ms (goal under 3000)`,
    )
    await benchMemory(say, folder, fullDir, minutes)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Drains with the store open in this process and looks at what it holds on to. */
async function benchMemory(
  say: (line: string) => void,
  folder: string,
  dataDir: string,
  minutes: number,
): Promise<void> {
  const backend = await startBackendProcess(join(folder, 'backend'))
  const opened = openStore({ dataDir, clock: systemClock, ids: timeOrderedIds, log: silent })
  if (!opened.ok) throw new Error(opened.error.message)
  const store = opened.value
  // What is alive, garbage collected before: what the process holds of the system also tells how lazy the collector is.
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const live: number[] = []
  const resident: number[] = []
  let lookedMs = 0
  const owed = store.outbox.figures().waiting
  const look = (): void => {
    if (performance.now() - lookedMs < 2_000) return
    lookedMs = performance.now()
    resident.push(process.memoryUsage().rss / 1_000_000)
    collect()
    live.push(process.memoryUsage().heapUsed / 1_000_000)
  }
  await drain(store, startSyncOn(store, backend.url, backend.apiKey), say, look, minutes * 60_000)
  const { parked, waiting } = store.outbox.figures()
  store.close()
  await backend.stop()
  const thirds = (all: readonly number[]): string => {
    const third = Math.ceil(all.length / 3)
    const mean = (part: readonly number[]): string =>
      (part.reduce((sum, each) => sum + each, 0) / Math.max(1, part.length)).toFixed(0)
    return `${mean(all.slice(0, third))} MB in the first third, ${mean(all.slice(-third))} MB in the last, ${Math.max(...all).toFixed(0)} MB at most`
  }
  say(
    `backlog: while ${owed - waiting} of ${owed} went out (${parked} refused: the bench's photos are none), alive ${thirds(live)} (goal: the same); of the system's memory ${thirds(resident)}`,
  )
}
