import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Pool } from 'pg'
import { openDatabase, type Database } from '#backend/db/database.ts'
import { silentLog } from '#backend/log.ts'
import { createDatabase, findPostgres, startPostgres } from '../tests/backend/postgres.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const capstan = join(root, 'src', 'cli', 'capstan.ts')
const scanner = '/scanner/api/v1'
const stations = 500
const loadMs = 8_000
const floorMs = 2_000
/** As many connections as one backend process has. */
const floorConnections = 10

interface Figures {
  readonly acceptedRate: number
  readonly completedRate: number
  readonly p50: number
  readonly p99: number
  readonly refused: number
  /** Processor time of a capture, taken and processed: it says the same on a busy machine. */
  readonly backendMs: number
  readonly databaseMs: number
}

const rowValues = (index: number): string[] => [
  `id-${String(index).padStart(12, '0')}`,
  'session',
  'PENDING',
  '04006381333931',
  '{}',
  new Date().toISOString(),
]
const floorTable = `CREATE TABLE floor (id TEXT PRIMARY KEY, session_id TEXT, status TEXT, raw_value TEXT, metadata TEXT, created_at TEXT)`

/** One row, one durable commit, as fast as one connection can. */
function sqliteFloor(folder: string): number {
  const database = new DatabaseSync(join(folder, 'floor.sqlite'))
  database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; ${floorTable}`)
  const insert = database.prepare('INSERT INTO floor VALUES (?, ?, ?, ?, ?, ?)')
  const startedMs = performance.now()
  let count = 0
  while (performance.now() - startedMs < floorMs) insert.run(...rowValues((count += 1)))
  const rate = (count / (performance.now() - startedMs)) * 1_000
  database.close()
  return rate
}

/** The same over all the connections that a backend process would have. */
async function postgresFloor(url: string): Promise<number> {
  const pool = new Pool({ connectionString: url, max: floorConnections })
  await pool.query(floorTable)
  const startedMs = performance.now()
  let count = 0
  const connection = async (): Promise<void> => {
    while (performance.now() - startedMs < floorMs) {
      await pool.query({
        name: 'floor',
        text: 'INSERT INTO floor VALUES ($1, $2, $3, $4, $5, $6)',
        values: rowValues((count += 1)),
      })
    }
  }
  await Promise.all(Array.from({ length: floorConnections }, connection))
  const rate = (count / (performance.now() - startedMs)) * 1_000
  await pool.end()
  return rate
}

async function startProcesses(count: number, folder: string, url: string | undefined): Promise<readonly Running[]> {
  const running: Running[] = []
  for (let index = 0; index < count; index += 1) {
    const child = spawn(
      process.execPath,
      [
        capstan,
        'backend',
        '--data',
        folder,
        '--port',
        '0',
        '--api-key',
        'bench',
        ...(url === undefined ? [] : ['--database-url', url]),
      ],
      { cwd: root, stdio: ['ignore', 'pipe', 'ignore'] },
    )
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    running.push({ child, url: (JSON.parse(line) as { listening: string }).listening })
  }
  return running
}

interface Running {
  readonly child: ChildProcess
  readonly url: string
}

const agent = new Agent({ keepAlive: true, maxSockets: Infinity })

/** Sends it again when the connection was closed under it, as a station does. */
async function post(...given: Parameters<typeof postOnce>): ReturnType<typeof postOnce> {
  for (let left = 5; ; left -= 1) {
    try {
      return await postOnce(...given)
    } catch (error) {
      if (left === 0) throw error
    }
  }
}

function postOnce(url: string, path: string, body: object, key?: string): Promise<{ status: number; text: string }> {
  const text = JSON.stringify(body)
  return new Promise((resolve, reject) => {
    const headers = {
      'X-API-Key': 'bench',
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(text),
      ...(key === undefined ? {} : { 'Idempotency-Key': key }),
    }
    const outgoing = request(url + path, { method: 'POST', agent, headers }, (incoming) => {
      const pieces: Buffer[] = []
      incoming.on('data', (piece: Buffer) => pieces.push(piece))
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(pieces).toString() }))
    })
    outgoing.on('error', reject)
    outgoing.end(text)
  })
}

/** Each station has a session and sends its captures one after the other, as fast as they are acknowledged. */
async function load(
  urls: readonly string[],
  database: Database,
  processor: () => { readonly backend: number; readonly database: number },
): Promise<Figures> {
  await post(urls[0] ?? '', '/products/api/v1/products', { gtin: '04006381333931', product_name: 'Marker' })
  const sessions = await Promise.all(
    Array.from({ length: stations }, async (_, index) => {
      const url = urls[index % urls.length] ?? ''
      const { text } = await post(url, `${scanner}/sessions`, {})
      return { url, id: (JSON.parse(text) as { id: string }).id }
    }),
  )
  const tookMs: number[] = []
  let refused = 0
  const before = processor()
  const startedMs = performance.now()
  await Promise.all(
    sessions.map(async ({ url, id }) => {
      for (let index = 0; performance.now() - startedMs < loadMs; index += 1) {
        const sentMs = performance.now()
        const { status } = await post(
          url,
          `${scanner}/captures`,
          {
            session_short_id: id,
            capture_type: 'BARCODE',
            raw_value: index % 2 === 0 ? '4006381333931' : `S-${index}`,
          },
          `${id}-${index}`,
        )
        if (status === 201) tookMs.push(performance.now() - sentMs)
        else refused += 1
      }
    }),
  )
  const acceptedMs = performance.now() - startedMs
  for (;;) {
    const { count } = await database.db
      .selectFrom('captures')
      .select((all) => all.fn.countAll<number>().as('count'))
      .where('status', 'in', ['PENDING', 'LOOKING_UP', 'ENRICHING', 'RESOLVING'])
      .executeTakeFirstOrThrow()
    if (count === 0) break
    await delay(50)
  }
  const completedMs = performance.now() - startedMs
  const after = processor()
  const sorted = tookMs.toSorted((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  return {
    acceptedRate: (tookMs.length / acceptedMs) * 1_000,
    completedRate: (tookMs.length / completedMs) * 1_000,
    p50: at(0.5),
    p99: at(0.99),
    refused,
    backendMs: (after.backend - before.backend) / tookMs.length,
    databaseMs: (after.database - before.database) / tookMs.length,
  }
}

/** Processor time in ms that processes and, where asked for, their living children have taken; 0 where there is no /proc. */
function processorMs(pids: readonly number[], ofChildren: boolean): number {
  if (!existsSync('/proc/self/stat')) return 0
  let ticks = 0
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      // After the name in brackets: state, parent, … user and system time in ticks of 10 ms.
      const fields = readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ')
        .map(Number)
      const isOurs = pids.includes(Number(name)) || (ofChildren && pids.includes(fields[1] ?? -1))
      if (isOurs) ticks += (fields[11] ?? 0) + (fields[12] ?? 0)
    } catch {
      // It has ended meanwhile.
    }
  }
  return ticks * 10
}

async function run(processes: number, folder: string, url?: string, postmaster?: number): Promise<Figures> {
  const running = await startProcesses(processes, folder, url)
  const database = await openDatabase(url ?? join(folder, 'backend.sqlite'), silentLog)
  try {
    const backendPids = running.map(({ child }) => child.pid ?? 0)
    const databasePids = postmaster === undefined ? [] : [postmaster]
    return await load(
      running.map((one) => one.url),
      database,
      () => ({ backend: processorMs(backendPids, false), database: processorMs(databasePids, true) }),
    )
  } finally {
    await database.close()
    for (const { child } of running) {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    }
  }
}

function lineOf(name: string, figures: Figures, floor: number): string {
  const { acceptedRate, completedRate, p50, p99, refused, backendMs, databaseMs } = figures
  const ratio = (rate: number): string => (rate / floor).toFixed(2)
  return (
    `backend: ${name}, ${stations} stations: ${acceptedRate.toFixed(0)} captures/s accepted (${ratio(acceptedRate)} of the floor), ` +
    `${completedRate.toFixed(0)}/s completed (${ratio(completedRate)}), p50 ${p50.toFixed(0)} ms, p99 ${p99.toFixed(0)} ms, processor ${backendMs.toFixed(2)} ms a capture` +
    (databaseMs > 0 ? ` and ${databaseMs.toFixed(2)} ms in PostgreSQL` : '') +
    (refused > 0 ? `, ${refused} refused` : '')
  )
}

/** `npm run bench -- backend`: captures accepted and completed over HTTP, beside bare inserts on the same engine. */
export async function benchBackend(say: (line: string) => void): Promise<void> {
  say(`backend: ${cpus().length} cores for stations, backend and database together`)
  const folder = mkdtempSync(join(tmpdir(), 'capstan-bench-'))
  try {
    const floor = sqliteFloor(folder)
    say(`backend: floor ${floor.toFixed(0)} bare durable inserts/s on SQLite, one connection`)
    say(lineOf('SQLite, 1 process', await run(1, folder), floor))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  const found = findPostgres()
  if ('missing' in found) return say(`backend: not on PostgreSQL, ${found.missing}`)
  const server = await startPostgres(found.folder, true)
  try {
    const floor = await postgresFloor(await createDatabase(server.url))
    say(`backend: floor ${floor.toFixed(0)} bare durable inserts/s on PostgreSQL, ${floorConnections} connections`)
    for (const processes of [1, 2, 4]) {
      const media = mkdtempSync(join(tmpdir(), 'capstan-bench-'))
      try {
        const figures = await run(processes, media, await createDatabase(server.url), server.pid)
        say(lineOf(`PostgreSQL, ${processes} process${processes > 1 ? 'es' : ''}`, figures, floor))
      } finally {
        rmSync(media, { recursive: true, force: true })
      }
    }
  } finally {
    await server.stop()
  }
}
