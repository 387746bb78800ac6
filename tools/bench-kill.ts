import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { createBackend, type Backend } from '#backend/index.ts'
import { openDatabase } from '#station/store/database.ts'
import { migrate, schemaVersion } from '#station/store/migrations.ts'
import { checkLedgerOf } from '#station/store/store.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const capstan = join(root, 'src', 'cli', 'capstan.ts')
const killAt = pathToFileURL(join(root, 'tools', 'kill-at.mjs')).href

/** Rounds that share a data folder, so that a kill finds what an earlier one has left. */
const roundsOfFolder = 25
const scansOfRound = 40
const capturesOfOldStore = 120
/** About so many statements of SQLite a round takes: forty for a start, six for a scan, twenty for its sending. */
const statementsOf = { capture: 300, sync: 900, migration: 250 } as const

export interface KillFigures {
  rounds: number
  /** Rounds in which the process was killed before it had done its work. */
  kills: number
  readonly by: { capture: number; sync: number; migration: number }
  acknowledged: number
  /** Acknowledged and not in the store. */
  lost: number
  /** Checks of the whole ledger after a kill, and how many found something. */
  verified: number
  broken: number
  /** Captures that the backend has not, or twice, in the end. */
  missing: number
  doubled: number
  readonly faults: string[]
}

/**
 * Kills the real command again and again at random points of capturing, sending and migrating, at a random statement of
 * SQLite or at a random time; after each kill every scan that was acknowledged must be in the store and the ledger whole,
 * and in the end the backend has each capture once.
 */
export async function killRounds(options: {
  readonly rounds: number
  readonly seed: number
  readonly tell?: (figures: KillFigures) => void
}): Promise<KillFigures> {
  const random = seeded(options.seed)
  const figures: KillFigures = {
    rounds: 0,
    kills: 0,
    by: { capture: 0, sync: 0, migration: 0 },
    acknowledged: 0,
    lost: 0,
    verified: 0,
    broken: 0,
    missing: 0,
    doubled: 0,
    faults: [],
  }
  while (figures.rounds < options.rounds) {
    const folder = mkdtempSync(join(tmpdir(), 'capstan-kill-'))
    const backend = await createBackend({ dataDir: join(folder, 'backend'), port: 0 })
    try {
      await roundsIn(folder, backend, Math.min(roundsOfFolder, options.rounds - figures.rounds), random, figures)
    } finally {
      await backend.close()
      rmSync(folder, { recursive: true, force: true })
    }
    options.tell?.(figures)
  }
  return figures
}

async function roundsIn(
  folder: string,
  backend: Backend,
  rounds: number,
  random: () => number,
  figures: KillFigures,
): Promise<void> {
  const data = join(folder, 'station')
  const acknowledged: string[] = []
  for (let round = 0; round < rounds; round += 1) {
    const kind = (['capture', 'sync', 'sync', 'migration'] as const)[Math.floor(random() * 4)] ?? 'capture'
    figures.rounds += 1
    const place = kind === 'migration' ? join(folder, `old-${round}`) : data
    const expected =
      kind === 'migration' ? writeOldStore(place, 1 + Math.floor(random() * (schemaVersion - 1))) : acknowledged
    const ended = await run(place, {
      scans: kind === 'migration' ? 0 : scansOfRound,
      backend: kind === 'sync' ? backend : null,
      kill:
        random() < 0.7
          ? { statement: 1 + Math.floor(random() * statementsOf[kind]) }
          : { afterMs: 200 + random() * 1_300 },
    })
    if (ended.isKilled) {
      figures.kills += 1
      figures.by[kind] += 1
    }
    figures.acknowledged += ended.saved.length
    if (kind !== 'migration') acknowledged.push(...ended.saved)
    checkStore(place, expected, figures, kind === 'migration')
    if (kind !== 'migration') continue
    // Whatever was left half done, the next start finishes.
    await run(place, { scans: 0, backend: null, kill: null })
    checkStore(place, expected, figures, false)
  }
  const last = await run(data, { scans: 0, backend, kill: null })
  if (last.code !== 0) figures.faults.push(`the last run ended with ${String(last.code)}: ${last.log.slice(-500)}`)
  checkStore(data, acknowledged, figures, false)
  await compareWith(backend, data, figures)
}

interface Ended {
  readonly code: number | null
  readonly isKilled: boolean
  readonly saved: readonly string[]
  readonly log: string
}

/** Runs `capstan station` over some scans, to its end or to its kill. */
async function run(
  data: string,
  options: {
    readonly scans: number
    readonly backend: Backend | null
    readonly kill: { readonly statement: number } | { readonly afterMs: number } | null
  },
): Promise<Ended> {
  const { scans, backend, kill } = options
  const byStatement = kill !== null && 'statement' in kill
  const child = spawn(
    process.execPath,
    [
      ...(byStatement ? ['--import', killAt] : []),
      capstan,
      'station',
      '--data',
      data,
      '--stdin',
      ...(backend ? ['--backend', backend.url] : ['--no-drain']),
    ],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...(backend ? { CAPSTAN_API_KEY: backend.apiKey } : {}),
        ...(byStatement ? { KILL_AT: String(kill.statement) } : {}),
      },
    },
  )
  const saved: string[] = []
  let log = ''
  child.stdin.on('error', () => undefined)
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  createInterface({ input: child.stdout }).on('line', (line) => {
    // A line that was torn was not heard.
    const id = /^\{"saved":"([^"]+)",.*\}$/.exec(line)?.[1]
    if (id !== undefined) saved.push(id)
  })
  const timer = kill && 'afterMs' in kill ? setTimeout(() => child.kill('SIGKILL'), kill.afterMs) : null
  let sent = 0
  const feed = setInterval(() => {
    for (const end = Math.min(sent + 5, scans); sent < end; sent += 1) child.stdin.write(`{"data":"SCAN-${sent}"}\n`)
    if (sent < scans) return
    clearInterval(feed)
    child.stdin.end()
  }, 3)
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
    child.once('close', (...end) => resolve(end)),
  )
  clearInterval(feed)
  if (timer) clearTimeout(timer)
  if (code !== null && code !== 0) log += `\nexit code ${code}`
  return { code, isKilled: signal === 'SIGKILL', saved, log }
}

function checkStore(data: string, acknowledged: readonly string[], figures: KillFigures, mayBeOld: boolean): void {
  const path = join(data, 'station.sqlite')
  let known: ReadonlySet<string> = new Set()
  try {
    const database = openDatabase(path, { readOnly: true })
    try {
      const version = Number(database.get('PRAGMA user_version')?.['user_version'])
      // Killed before its first schema was made: there was nothing to acknowledge.
      if (version > 0) known = new Set(database.all('SELECT id FROM captures').map(({ id }) => String(id)))
      if (version < schemaVersion && (mayBeOld || acknowledged.length === 0)) return
      // The schema is one transaction, the ledger's beginning the next.
      if (mayBeOld && database.get('SELECT 1 FROM ledger LIMIT 1') === undefined) return
    } finally {
      database.close()
      const lost = acknowledged.filter((id) => !known.has(id))
      figures.lost += lost.length
      if (lost.length > 0) figures.faults.push(`${data}: lost ${lost.slice(0, 3).join(', ')}`)
    }
  } catch (error) {
    if (acknowledged.length > 0) figures.faults.push(`${data}: ${(error as Error).message}`)
    return
  }
  const checked = checkLedgerOf(data)
  figures.verified += 1
  const problem = checked.ok ? (checked.value.problem?.message ?? null) : checked.error.message
  if (problem === null) return
  figures.broken += 1
  figures.faults.push(`${data}: ${problem}`)
}

/** The captures in the store, each of which the backend must have once. */
async function compareWith(backend: Backend, data: string, figures: KillFigures): Promise<void> {
  const copies = new Map<string, number>()
  for (let page = 1; ; page += 1) {
    const response = await fetch(`${backend.url}/scanner/api/v1/captures?page_size=100&page=${page}`, {
      headers: { 'x-api-key': backend.apiKey },
    })
    const answer = (await response.json()) as {
      data: { metadata: Record<string, string> }[]
      pagination: { has_next: boolean }
    }
    for (const { metadata } of answer.data) {
      const id = metadata['station_capture'] ?? ''
      copies.set(id, (copies.get(id) ?? 0) + 1)
    }
    if (!answer.pagination.has_next) break
  }
  const database = openDatabase(join(data, 'station.sqlite'), { readOnly: true })
  const ids = database.all('SELECT id FROM captures').map(({ id }) => String(id))
  database.close()
  figures.missing += ids.filter((id) => !copies.has(id)).length
  figures.doubled += [...copies.values()].filter((number) => number > 1).length
}

/** A store as an earlier Capstan left it; answers the ids of its captures. */
function writeOldStore(folder: string, version: number): string[] {
  const id = (number: number): string => `00000000-0000-7000-8000-${String(number).padStart(12, '0')}`
  const ids = Array.from({ length: capturesOfOldStore }, (_, index) => id(index + 1))
  mkdirSync(folder, { recursive: true })
  const database = openDatabase(join(folder, 'station.sqlite'))
  migrate(database, version)
  database.transaction(() => {
    database.run(
      `INSERT INTO sessions (id, label, capture_mode, duplicate_policy, duplicate_window_ms, state, opened_at)
       VALUES (?, '', 'both', 'count', 3000, 'ACTIVE', '2026-11-01T09:00:00.000Z')`,
      id(0),
    )
    for (const capture of ids) {
      database.run(
        `INSERT INTO captures (id, session_id, type, source, device_name, raw, symbology, item_key, elements, warnings,
           quantity, disposition, repeat_of, captured_at, state, sync, error_message)
         VALUES (?, ?, 'BARCODE', 'stdin', '', 'X', 'unknown', 'raw:X', '[]', '[]', 1, 'counted', 0,
           '2026-11-01T09:00:00.000Z', 'PENDING', 'waiting', '')`,
        capture,
        id(0),
      )
      database.run(
        `INSERT INTO outbox (kind, session_id, capture_id, payload, state, due_at, created_at)
         VALUES ('capture.submit', ?, ?, '{}', 'held', 0, '2026-11-01T09:00:00.000Z')`,
        id(0),
        capture,
      )
    }
  })
  database.close()
  return ids
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let value = Math.imul(state ^ (state >>> 15), state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** `npm run bench -- kill [--rounds N] [--seed N]` */
export async function benchKill(rounds: number, seed: number, say: (line: string) => void): Promise<void> {
  const figures = await killRounds({
    rounds,
    seed,
    tell: ({ rounds: done, kills, lost, broken }) =>
      say(`kill: ${done} rounds, ${kills} kills, ${lost} lost, ${broken} ledgers broken`),
  })
  const { by, acknowledged, lost, verified, broken, missing, doubled, faults } = figures
  say(
    `kill: ${figures.rounds} rounds (seed ${seed}), ${figures.kills} killed (${by.capture} capturing, ${by.sync} sending, ${by.migration} migrating): ` +
      `${lost} of ${acknowledged} acknowledged scans lost, ${broken} of ${verified} checks found the ledger broken, ` +
      `at the backend ${missing} missing and ${doubled} doubled (goal 0, 0, 0, 0)`,
  )
  for (const fault of faults.slice(0, 10)) say(`kill: FAULT ${fault}`)
  if (faults.length > 0 || missing + doubled > 0) process.exitCode = 1
}
