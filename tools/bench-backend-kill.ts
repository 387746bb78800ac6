import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { openDatabase } from '#backend/db/database.ts'
import { openJobs } from '#backend/jobs/jobs.ts'
import { silentLog } from '#backend/log.ts'
import { createDatabase, findPostgres, startPostgres } from '../tests/backend/postgres.ts'
import { seeded } from './bench-kill.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const capstan = join(root, 'src', 'cli', 'capstan.ts')
const killAt = pathToFileURL(join(root, 'tools', 'kill-at.mjs')).href
const scanner = '/scanner/api/v1'

const capturesOfRound = 20
const sendersAtATime = 5
/** About so many statements a start and the captures of a round take, so that kills fall anywhere in them. */
const statementsOfRound = { sqlite: 450, postgres: 250 } as const
/** A process that has not come to its statement is killed by the clock. */
const roundMs = 2_000
/** Claims of a process that died are found by then (`postgres-queue.ts`), and the rest is quick. */
const settleMs = 90_000
const markerGtin = '04006381333931'

export interface BackendKillFigures {
  readonly engine: 'sqlite' | 'postgres'
  rounds: number
  /** Rounds in which it died at a statement; in the others it was killed by the clock. */
  atStatement: number
  acknowledged: number
  /** Captures that were sent, acknowledged or not: each was sent again until it was. */
  sent: number
  /** In the end: acknowledged and not there; there twice; not at an end, or with a job left. */
  lost: number
  doubled: number
  stuck: number
  readonly faults: string[]
}

interface Running {
  readonly child: ChildProcess
  readonly url: string
}

/**
 * Kills the real command again and again, at a random statement of its start, of taking captures or of processing them.
 * On PostgreSQL two processes share the work and take turns to die; on SQLite there is one.
 */
export async function backendKillRounds(options: {
  readonly engine: 'sqlite' | 'postgres'
  readonly rounds: number
  readonly seed: number
  readonly tell?: (figures: BackendKillFigures) => void
}): Promise<BackendKillFigures | { readonly missing: string }> {
  const found = options.engine === 'postgres' ? findPostgres() : undefined
  if (found && 'missing' in found) return found
  const random = seeded(options.seed)
  const folder = mkdtempSync(join(tmpdir(), 'capstan-kill-'))
  // Durable, as in production: what the server has acknowledged is on its disk.
  const server = found && (await startPostgres(found.folder, true))
  const location = server ? await createDatabase(server.url) : join(folder, 'backend.sqlite')
  const figures: BackendKillFigures = {
    engine: options.engine,
    rounds: 0,
    atStatement: 0,
    acknowledged: 0,
    sent: 0,
    lost: 0,
    doubled: 0,
    stuck: 0,
    faults: [],
  }
  const processes: (Running | undefined)[] = server ? [undefined, undefined] : [undefined]
  const starting = new Set<ChildProcess>()

  /** Starts a process that dies at a statement, or never; undefined when it dies before it listens. */
  async function start(statement: number): Promise<Running | undefined> {
    const child = spawn(
      process.execPath,
      [
        ...(statement > 0 ? ['--import', killAt] : []),
        capstan,
        'backend',
        '--data',
        folder,
        '--port',
        '0',
        '--api-key',
        'kill',
        ...(server ? ['--database-url', location] : []),
      ],
      {
        cwd: root,
        stdio: ['ignore', 'pipe', 'ignore'],
        env: {
          ...process.env,
          NODE_COMPILE_CACHE: join(folder, 'compiled'),
          KILL_AT: String(statement),
          ...(server ? { KILL_POSTGRES: '1' } : {}),
        },
      },
    )
    starting.add(child)
    const ended = once(child, 'exit')
    void ended.then(() => starting.delete(child))
    const line = await Promise.race([
      once(createInterface({ input: child.stdout }), 'line'),
      ended.then(() => undefined),
    ])
    if (line === undefined) return undefined
    return { child, url: (JSON.parse(String(line[0])) as { listening: string }).listening }
  }

  const isAlive = (running: Running | undefined): running is Running =>
    running !== undefined && running.child.exitCode === null && running.child.signalCode === null

  async function call(
    url: string,
    path: string,
    body: object,
    key?: string,
  ): Promise<{ status: number; body: { id: string } }> {
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { 'X-API-Key': 'kill', ...(key === undefined ? {} : { 'Idempotency-Key': key }) },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(10_000),
    })
    return { status: response.status, body: (await response.json()) as { id: string } }
  }

  /** Values by key that are not acknowledged yet, and the ids of those that are. */
  const open = new Map<string, string>()
  const acknowledged = new Map<string, string>()
  let session = ''

  /** Sends what is open to those that live, until it is acknowledged or nobody lives. */
  async function sendAll(): Promise<void> {
    const keys = [...open.keys()]
    const send = async (): Promise<void> => {
      for (let key = keys.pop(); key !== undefined; key = keys.pop()) {
        const alive = processes.filter(isAlive)
        const to = alive[Math.floor(random() * alive.length)]
        if (!to) return
        try {
          const reply = await call(
            to.url,
            `${scanner}/captures`,
            { session_short_id: session, capture_type: 'BARCODE', raw_value: open.get(key) },
            key,
          )
          if (reply.status !== 201) {
            if (reply.status !== 409) figures.faults.push(`answer ${reply.status}: ${JSON.stringify(reply.body)}`)
            continue
          }
          acknowledged.set(key, reply.body.id)
          open.delete(key)
        } catch {
          // It died; the key stays open and is sent again.
        }
      }
    }
    await Promise.all(Array.from({ length: sendersAtATime }, send))
  }

  async function kill(running: Running | undefined): Promise<void> {
    if (!isAlive(running)) return
    const ended = once(running.child, 'exit')
    running.child.kill('SIGKILL')
    await ended
  }

  try {
    for (let index = 0; index < processes.length; index += 1) processes[index] = await start(0)
    const [first] = processes
    if (!first) throw new Error('The backend does not start')
    await call(first.url, '/products/api/v1/products', { gtin: markerGtin, product_name: 'Marker' })
    session = (await call(first.url, `${scanner}/sessions`, {})).body.id

    for (let round = 0; round < options.rounds; round += 1) {
      const turn = round % processes.length
      await kill(processes[turn])
      for (let index = 0; index < capturesOfRound; index += 1) {
        const key = `round-${round}-${index}`
        open.set(key, valueOf(key, index))
        figures.sent += 1
      }
      const startedMs = performance.now()
      const statement = 1 + Math.floor(random() * statementsOfRound[options.engine])
      // The other process takes captures while this one starts; if there is none, they wait for it.
      const others = processes.length > 1 ? sendAll() : Promise.resolve()
      processes[turn] = await start(statement)
      await sendAll()
      await others
      const running = processes[turn]
      while (isAlive(running) && performance.now() - startedMs < roundMs) await delay(10)
      if (isAlive(running)) await kill(running)
      else figures.atStatement += 1
      figures.rounds += 1
      if (figures.rounds % 25 === 0) options.tell?.(figures)
    }

    processes[0] = await start(0)
    for (let tries = 0; open.size > 0 && tries < 20; tries += 1) await sendAll()
    figures.acknowledged = acknowledged.size
    await account()
  } finally {
    for (const running of processes) await kill(running)
    for (const child of starting) child.kill('SIGKILL')
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  return figures

  /** Counts what is wrong once everything has had its time. */
  async function account(): Promise<void> {
    const database = await openDatabase(location, silentLog)
    const jobs = await openJobs({ database, log: silentLog, now: () => new Date() })
    try {
      const unfinished = async (): Promise<number> => {
        const { count } = await database.db
          .selectFrom('captures')
          .select((all) => all.fn.countAll<number>().as('count'))
          .where('status', 'not in', ['COMPLETED', 'NOT_FOUND', 'FAILED'])
          .executeTakeFirstOrThrow()
        const left = await jobs.count()
        return count + Object.values(left).reduce((sum, some) => sum + some, 0)
      }
      const untilMs = performance.now() + settleMs
      while ((await unfinished()) > 0 && performance.now() < untilMs) await delay(100)
      figures.stuck = await unfinished()
      const rows = await database.db.selectFrom('captures').select(['id', 'raw_value', 'gtin', 'status']).execute()
      const values = new Map<string, number>()
      for (const { raw_value } of rows) values.set(raw_value, (values.get(raw_value) ?? 0) + 1)
      figures.doubled = [...values.values()].filter((count) => count > 1).length
      const ids = new Set(rows.map(({ id }) => id))
      figures.lost = [...acknowledged.values()].filter((id) => !ids.has(id)).length + open.size
      for (const { gtin, status, raw_value } of rows) {
        const expected = gtin === markerGtin ? 'COMPLETED' : 'NOT_FOUND'
        if (status !== expected) figures.faults.push(`${raw_value} is ${status}, not ${expected}`)
      }
    } finally {
      await jobs.close()
      await database.close()
    }
  }
}

/** A value that only this capture has: of the product, of an unknown one, or of none. */
function valueOf(key: string, index: number): string {
  if (index % 3 === 0) return `01${markerGtin}21${key}`
  if (index % 3 === 1) return `010950600013435221${key}`
  return `text ${key}`
}

/** `npm run bench -- backend-kill`: both engines. */
export async function benchBackendKill(rounds: number, seed: number, say: (line: string) => void): Promise<void> {
  for (const engine of ['sqlite', 'postgres'] as const) {
    const figures = await backendKillRounds({ engine, rounds, seed, tell: (now) => say(lineOf(now)) })
    if ('missing' in figures) {
      say(`backend-kill: not on PostgreSQL, ${figures.missing}`)
      continue
    }
    say(lineOf(figures))
    for (const fault of figures.faults.slice(0, 10)) say(`  ${fault}`)
    if (figures.lost + figures.doubled + figures.stuck + figures.faults.length > 0) process.exitCode = 1
  }
}

function lineOf(figures: BackendKillFigures): string {
  const { engine, rounds, atStatement, sent, acknowledged, lost, doubled, stuck } = figures
  return `backend-kill: ${engine}, ${rounds} rounds (${atStatement} at a statement), ${sent} sent, ${acknowledged} acknowledged, ${lost} lost, ${doubled} doubled, ${stuck} stuck`
}
