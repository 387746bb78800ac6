import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { DatabaseSync } from 'node:sqlite'
import { newRecoveryKey } from '#station/index.ts'

/**
 * `npm run bench [-- NAME ...] [--minutes N] [--captures N] [--rounds N] [--seed N]`: figures as ratios and counts, each beside its floor in the same run.
 *
 *   scan        all of the next three
 *   stdin       10,000 scans piped into `capstan station --stdin` against as many bare durable inserts, in the clear and
 *               encrypted
 *   bus         from the last byte on an emulated USB bus to the commit, the scanner's beep and the window's sound
 *   endurance   30 scans a second from three scanners for ten minutes (or N), on a slow disk with an unquiet window
 *   parse       scans parsed a second
 *   live        camera frames decoded in a real Chromium, against zxing-wasm's defaults
 *   sync        none lost, none doubled behind a bad network; the drain's rate against bare requests (--captures N,
 *               --seed N)
 *   photo       12 MP photos a second against bare sharp, and the memory over --photos N of them in each host
 *   decode      photos read whole, wrong reads and processor time, beside the engines alone (--sample N takes every
 *               Nth photo, --engines a,b only these, --drawn the project's own codes, --verbose names what is not read)
 *   kill        the station killed at random points of capturing, sending and migrating: none lost, the ledger whole
 *               (--rounds N, --seed N)
 *   gate        a venue's list of a million passes: first load, start, lookup with verdict, memory (--passes N)
 *   passes      as many through the real backend: its import, its pages, and a change asked for (--passes N, --engines a,b)
 *   venue       eight gates of a venue, cut off and joined at random: none let in twice while joined, each entry too
 *               many found afterwards (--reads N, --seed N)
 *   review      forty products reviewed with 5,000 proposals queued: keys for a clear field, key to next field, at the
 *               station and painted in a real Chromium
 *   quality     what the verdict on photos catches of planted faults, and its false alarms
 *   verdict     from a photo's bytes, and from the shoot key, to the verdict on it
 *   vision      fields read from photos of labels: precision, recall, calibration, seconds and memory (--verbose
 *               names what is wrong)
 *   start       from the kiosk's process to ready to scan, beside a bare Electron; its processor when nothing happens
 *   package     the packed kiosk: its size, its fuses, and from its process to ready to scan
 *   day         the memory of a kiosk over the work of 24 hours, as fast as it goes (--captures N, at most 4,800)
 *   recovery    until it is ready again after crashes, hangs, kills, a damaged store, a full disk, a clock set, a storm
 *   backlog     saving, starting and memory beside captures and photos that wait (--captures N, drained for --minutes N)
 *
 * `bus` and `endurance` run in the web host with a real Chromium and in Electron, as far as this machine has them
 * (ELECTRON_OVERRIDE_DIST_PATH names a runtime). Measure on a machine that does nothing else.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const capstan = join(root, 'src', 'cli', 'capstan.ts')
const scans = 10_000

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** Makes EAN-13 codes with right check digits, all different. */
function makeCode(index: number): string {
  const body = String(400_000_000_000 + index)
  const sum = [...body].reduce((total, digit, at) => total + Number(digit) * (at % 2 === 0 ? 1 : 3), 0)
  return body + String((10 - (sum % 10)) % 10)
}

/** The floor: the same number of rows of the same size, each durable by itself before the next. */
function bareInserts(folder: string): number {
  const database = new DatabaseSync(join(folder, 'floor.sqlite'))
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE scans (id TEXT PRIMARY KEY, raw TEXT) STRICT',
  )
  const insert = database.prepare('INSERT INTO scans (id, raw) VALUES (?, ?)')
  const startedMs = performance.now()
  for (let index = 0; index < scans; index += 1)
    insert.run(createHash('md5').update(String(index)).digest('hex'), makeCode(index))
  const tookMs = performance.now() - startedMs
  database.close()
  return (scans / tookMs) * 1_000
}

/** A station on standard input; `keyFile` names the recovery key of one whose data are encrypted. */
const startStation = (dataDir: string, keyFile: string | null) =>
  spawn(process.execPath, [capstan, 'station', '--data', dataDir, '--stdin', '--no-drain'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...(keyFile === null ? {} : { CAPSTAN_DATA_KEY_FILE: keyFile }) },
  })

/** One scan at a time as a person's scanner does it: the next line is written after the answer to the one before. */
async function roundTrips(dataDir: string, count: number, keyFile: string | null): Promise<number[]> {
  const child = startStation(dataDir, keyFile)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const tookMs: number[] = []
  for (let index = 0; index < count; index += 1) {
    const startedMs = performance.now()
    child.stdin.write(`${JSON.stringify({ data: makeCode(index), aim: ']E0' })}\n`)
    await lines.next()
    if (index > 0) tookMs.push(performance.now() - startedMs)
  }
  child.stdin.end()
  await new Promise((resolve) => child.once('exit', resolve))
  return tookMs.toSorted((a, b) => a - b)
}

async function piped(dataDir: string, keyFile: string | null): Promise<number> {
  const child = startStation(dataDir, keyFile)
  let saved = 0
  let firstMs = 0
  let lastMs = 0
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (!line.includes('"saved"')) return
    lastMs = performance.now()
    saved += 1
  })
  firstMs = performance.now()
  for (let index = 0; index < scans; index += 1) {
    if (!child.stdin.write(`${JSON.stringify({ data: makeCode(index), aim: ']E0' })}\n`)) {
      await new Promise((resolve) => child.stdin.once('drain', resolve))
    }
  }
  child.stdin.end()
  await new Promise((resolve) => child.once('exit', resolve))
  if (saved !== scans) throw new Error(`${saved} of ${scans} scans were answered`)
  return (scans / (lastMs - firstMs)) * 1_000
}

async function benchStdin(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-bench-'))
  try {
    const floor = bareInserts(folder)
    const keyFile = join(folder, 'recovery-key.txt')
    writeFileSync(keyFile, newRecoveryKey())
    for (const [words, key] of [
      ['scan', null],
      ['scan, encrypted', keyFile],
    ] as const) {
      const dataDir = join(folder, words)
      const rate = await piped(dataDir, key)
      say(
        `${words}: ${rate.toFixed(0)} scans/s piped (process start included), floor ${floor.toFixed(0)} bare durable inserts/s, ratio ${(rate / floor).toFixed(2)} (goal 0.50)`,
      )
      const single = await roundTrips(`${dataDir}, one at a time`, 500, key)
      const at = (share: number): string =>
        `${single[Math.min(single.length - 1, Math.floor(single.length * share))]?.toFixed(1)} ms`
      say(
        `${words}: one at a time, line in to "saved" out: p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)} (goal p50 20 ms, p99 50 ms)`,
      )
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function benchParse(): Promise<void> {
  const { readScan } = await import('#domain/scan.ts')
  const inputs = [
    { data: '4006381333931', aim: ']E0' },
    { data: '0104006381333931172812311012345\u001d21ABC', aim: ']d2' },
    { data: 'https://id.gs1.org/01/04006381333931/10/LOT7?17=281231', aim: ']Q1' },
  ]
  const now = new Date()
  const rounds = 20_000
  const startedMs = performance.now()
  for (let round = 0; round < rounds; round += 1) for (const input of inputs) readScan(input, { now })
  const parseRate = ((rounds * inputs.length) / (performance.now() - startedMs)) * 1_000
  const text = JSON.stringify(inputs[1])
  const floorMs = performance.now()
  for (let round = 0; round < rounds * inputs.length; round += 1) JSON.parse(text)
  const floorRate = ((rounds * inputs.length) / (performance.now() - floorMs)) * 1_000
  say(
    `parse: ${parseRate.toFixed(0)} scans/s, floor ${floorRate.toFixed(0)} bare JSON.parse/s, ratio ${(parseRate / floorRate).toFixed(3)}`,
  )
}

const { values: options, positionals: wanted } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    photos: { type: 'string', default: '2000' },
    captures: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    sample: { type: 'string', default: '1' },
    engines: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    drawn: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '1000' },
    passes: { type: 'string', default: '1000000' },
    reads: { type: 'string', default: '20000' },
  },
  allowPositionals: true,
})
const benchBus = async () => (await import('./bench-bus.ts')).benchBus(say)
const benchEndurance = async () => (await import('./bench-bus.ts')).benchEndurance(say, Number(options.minutes))
const benchSync = async () =>
  (await import('./bench-sync.ts')).benchSync(say, Number(options.captures), Number(options.seed))
const benchBacklog = async () =>
  (await import('./bench-sync.ts')).benchBacklog(say, Number(options.captures), Number(options.minutes))
const benches: Record<string, readonly (() => Promise<void>)[]> = {
  scan: [benchStdin, benchBus, benchEndurance],
  stdin: [benchStdin],
  bus: [benchBus],
  endurance: [benchEndurance],
  parse: [benchParse],
  live: [async () => (await import('./bench-live.ts')).benchLive(say)],
  sync: [benchSync],
  photo: [async () => (await import('./bench-photo.ts')).benchPhoto(say, Number(options.photos))],
  decode: [async () => (await import('./bench-decode.ts')).benchDecode(say, options)],
  backlog: [benchBacklog],
  kill: [async () => (await import('./bench-kill.ts')).benchKill(Number(options.rounds), Number(options.seed), say)],
  review: [async () => (await import('./bench-review.ts')).benchReview(say)],
  gate: [async () => (await import('./bench-gate.ts')).benchGate(say, Number(options.passes))],
  passes: [
    async () =>
      (await import('./bench-passes.ts')).benchPasses(
        { passes: Number(options.passes), engines: options.engines },
        say,
      ),
  ],
  venue: [
    async () =>
      (await import('./bench-venue.ts')).benchVenue(
        { ...options, reads: Number(options.reads), seed: Number(options.seed) },
        say,
      ),
  ],
  backend: [async () => (await import('./bench-backend.ts')).benchBackend(say)],
  'backend-kill': [
    async () =>
      (await import('./bench-backend-kill.ts')).benchBackendKill(
        Number(options.rounds),
        Number(options.seed),
        options.engines,
        say,
      ),
  ],
  vision: [async () => (await import('./bench-vision.ts')).benchVision(say, options.verbose)],
  start: [async () => (await import('./bench-recovery.ts')).benchStart(say)],
  package: [async () => (await import('./bench-package.ts')).benchPackage(say)],
  day: [async () => (await import('./bench-day.ts')).benchDay(say, Math.min(Number(options.captures), 4_800))],
  recovery: [async () => (await import('./bench-recovery.ts')).benchRecovery(say)],
  verdict: [async () => (await import('./bench-verdict.ts')).benchVerdict(say)],
  quality: [async () => (await import('./bench-quality.ts')).benchQuality(say)],
}
for (const name of wanted.length > 0 ? wanted : ['scan', 'parse', 'live']) {
  const runs = Object.hasOwn(benches, name) ? benches[name] : undefined
  if (!runs) {
    say(`there is no bench "${name}"; there are ${Object.keys(benches).join(', ')}`)
    process.exitCode = 2
    break
  }
  for (const run of runs) await run()
}
