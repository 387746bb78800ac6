import { execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Client } from 'pg'

/** A PostgreSQL server of one's own, on a socket in a temporary folder. */
export interface PostgresServer {
  /** Of its first database, which is for administration. */
  readonly url: string
  readonly pid: number
  readonly stop: () => Promise<void>
}

const oldest = 15
const debian = '/usr/lib/postgresql'

/** The folder of initdb and postgres, or why there is none. */
export function findPostgres(): { readonly folder: string } | { readonly missing: string } {
  if (process.platform === 'win32') return { missing: 'the tests do not start PostgreSQL on Windows' }
  const given = process.env['CAPSTAN_POSTGRES_BIN']
  if (given !== undefined) return { folder: given }
  const versions = existsSync(debian) ? readdirSync(debian).map(Number) : []
  const newest = Math.max(0, ...versions.filter((version) => existsSync(join(debian, String(version), 'bin/initdb'))))
  if (newest >= oldest) return { folder: join(debian, String(newest), 'bin') }
  return { missing: `there is no PostgreSQL of version ${oldest} or newer (Debian's package is postgresql)` }
}

/** PostgreSQL refuses to run as root; root hands it to a user who may nothing. */
function serverUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g') }
}

/**
 * Makes and starts a server; `isDurable` as in production, else without waiting for the disk.
 *
 * Throws what initdb or the server said when there is none to be had.
 */
export async function startPostgres(binaries: string, isDurable: boolean): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-postgres-'))
  const user = serverUser()
  if (user) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  const inFolder = { ...user, cwd: folder, env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' } }
  execFileSync(
    join(binaries, 'initdb'),
    ['-D', data, '-U', 'capstan', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'],
    { ...inFolder, stdio: 'pipe' },
  )
  const settings = [
    'listen_addresses=',
    `unix_socket_directories=${folder}`,
    'max_connections=300',
    'shared_buffers=128MB',
    ...(isDurable ? [] : ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off']),
  ]
  const server = spawn(join(binaries, 'postgres'), ['-D', data, ...settings.flatMap((setting) => ['-c', setting])], {
    ...inFolder,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  server.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)))
  const ended = new Promise<void>((resolve) => server.once('close', () => resolve()))
  const stop = async (): Promise<void> => {
    // "Immediate": nobody needs what is in it any more.
    server.kill('SIGQUIT')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
  // Should the test process be ended by force, its server does not outlive it for long.
  const orphan = (): void => void server.kill('SIGQUIT')
  process.once('exit', orphan)
  void ended.then(() => process.off('exit', orphan))

  const url = `postgres://capstan@/postgres?host=${encodeURIComponent(folder)}`
  for (let tries = 0; ; tries += 1) {
    try {
      await execute(url, 'SELECT 1')
      return { url, pid: server.pid ?? 0, stop }
    } catch (error) {
      if (server.exitCode === null && tries < 200) {
        await delay(50)
        continue
      }
      await stop()
      throw new Error(`PostgreSQL did not start: ${said}`, { cause: error })
    }
  }
}

/** Makes a database on the server of a URL and answers its own; it has all that is in the database of that URL. */
export async function copyDatabase(template: string): Promise<string> {
  const name = `test_${randomUUID().replaceAll('-', '')}`
  await execute(withDatabase(template, 'postgres'), `CREATE DATABASE ${name} TEMPLATE ${databaseIn(template)}`)
  return withDatabase(template, name)
}

/** Makes an empty database. */
export function createDatabase(server: string): Promise<string> {
  return copyDatabase(withDatabase(server, 'template0'))
}

export function dropDatabase(url: string): Promise<void> {
  return execute(withDatabase(url, 'postgres'), `DROP DATABASE IF EXISTS ${databaseIn(url)} WITH (FORCE)`)
}

async function execute(url: string, text: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}

const databasePart = /(?<=@\/)\w+/

function databaseIn(url: string): string {
  return databasePart.exec(url)?.[0] ?? ''
}

function withDatabase(url: string, name: string): string {
  return url.replace(databasePart, name)
}
