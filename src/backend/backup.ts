import { execFile } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { access, mkdir, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { fail, ok, type Result } from '#contract/result.ts'
import { FolderTakenError, lockFolder } from './db/folder-lock.ts'

const run = promisify(execFile)

/** What a backup holds. */
export interface BackupSummary {
  readonly captures: number
  readonly photos: number
  /** How many of them lie in a bucket, and so are not in the file; not given when it holds them all. */
  readonly photosInBucket?: number
}

const sqliteName = 'backend.sqlite'
const postgresName = 'backend.dump'

/**
 * Writes all of a backend, its database as of one moment, its photos and its key, into one tar file, while it runs.
 * Photos in a bucket stay there, and are counted.
 *
 * Photos never change once a row names them, so those of the moment are all there when they are read after it. The file
 * appears under its name when it is whole and on the disk. Expected failures: `not_found` (no such backend, no tar or
 * pg_dump), `conflict` (the file exists), `storage_full`, `internal`.
 */
export async function backUp(options: {
  readonly dataDir: string
  readonly databaseUrl?: string
  readonly file: string
}): Promise<Result<BackupSummary>> {
  const { dataDir, databaseUrl } = options
  const file = resolve(options.file)
  const source = join(dataDir, sqliteName)
  if (databaseUrl === undefined && !(await isThere(source)))
    return fail('not_found', `there is no backend in ${dataDir}`)
  if (await isThere(file)) return fail('conflict', `${file} exists; name another`)
  const staging = await mkdtemp(join(dirname(file), '.capstan-backup-'))
  const draft = `${file}.${randomUUID()}.part`
  try {
    const summary =
      databaseUrl === undefined
        ? copySqlite(source, join(staging, sqliteName))
        : await dumpPostgres(databaseUrl, join(staging, postgresName))
    const name = databaseUrl === undefined ? sqliteName : postgresName
    const keyFile = (await isThere(join(dataDir, 'backend.key'))) ? ['backend.key'] : []
    const media = (await isThere(join(dataDir, 'media'))) ? ['media'] : []
    await tar(
      ['-cf', draft, '--exclude=media/incoming', '-C', staging, name, '-C', resolve(dataDir), ...keyFile, ...media],
      // A folder that gets a new photo meanwhile "changed as we read it", which is no harm.
      [0, 1],
    )
    await sync(draft)
    await rename(draft, file)
    return ok(summary)
  } catch (error) {
    return faultOf(error)
  } finally {
    await rm(staging, { recursive: true, force: true })
    await rm(draft, { force: true })
  }
}

/**
 * Puts a backup into an empty data folder, and for PostgreSQL into an empty database. Every photo is held against its
 * hash and the database against itself before anything takes its place.
 *
 * Expected failures: `not_found` (no such file, no tar or pg_restore), `conflict` (a backend is there already),
 * `invalid_input` (the file is damaged, or of the other engine), `storage_full`, `internal`.
 */
export async function restore(options: {
  readonly dataDir: string
  readonly databaseUrl?: string
  readonly file: string
}): Promise<Result<BackupSummary>> {
  const { dataDir, databaseUrl, file } = options
  if (!(await isThere(file))) return fail('not_found', `there is no file ${file}`)
  await mkdir(dataDir, { recursive: true })
  for (const name of [sqliteName, 'media', 'backend.key']) {
    if (await isThere(join(dataDir, name)))
      return fail('conflict', `${dataDir} has a ${name} already; name an empty folder`)
  }
  let unlock: () => void
  try {
    unlock = lockFolder(dataDir)
  } catch (error) {
    if (error instanceof FolderTakenError) return fail('conflict', error.message)
    throw error
  }
  const staging = await mkdtemp(join(dataDir, '.capstan-restore-'))
  try {
    await tar(['-xf', resolve(file), '-C', staging, '--no-same-owner'], [0])
    const name = databaseUrl === undefined ? sqliteName : postgresName
    if (!(await isThere(join(staging, name)))) {
      return fail('invalid_input', `${basename(file)} holds no ${name}: it is of the other engine, or no backup`)
    }
    const damaged = await damagedPhoto(join(staging, 'media'))
    if (damaged !== undefined) return fail('invalid_input', `the photo ${damaged} is damaged in ${basename(file)}`)
    const summary =
      databaseUrl === undefined
        ? await checkSqlite(join(staging, sqliteName))
        : await loadPostgres(databaseUrl, join(staging, postgresName))
    // The database last: a folder without it is no backend yet.
    for (const part of ['backend.key', 'media', ...(databaseUrl === undefined ? [sqliteName] : [])]) {
      if (!(await isThere(join(staging, part)))) continue
      await rename(join(staging, part), join(dataDir, part))
    }
    return ok(summary)
  } catch (error) {
    return faultOf(error)
  } finally {
    await rm(staging, { recursive: true, force: true })
    unlock()
  }
}

/** Keys that begin with a day are of a bucket (media/s3.ts). */
const countCaptures = `SELECT count(*) AS captures, count(image_key) AS photos,
  count(CASE WHEN image_key LIKE '____-__-__/%' THEN 1 END) AS elsewhere FROM captures`

function summaryOf(row: Readonly<Record<string, unknown>> | undefined): BackupSummary {
  const elsewhere = Number(row?.['elsewhere'])
  return {
    captures: Number(row?.['captures']),
    photos: Number(row?.['photos']),
    ...(elsewhere === 0 ? {} : { photosInBucket: elsewhere }),
  }
}

function copySqlite(source: string, target: string): BackupSummary {
  const database = new DatabaseSync(source)
  try {
    database.exec('PRAGMA busy_timeout = 10000')
    database.prepare('VACUUM INTO ?').run(target)
  } finally {
    database.close()
  }
  return countSqlite(target)
}

function countSqlite(path: string): BackupSummary {
  const database = new DatabaseSync(path, { readOnly: true })
  try {
    return summaryOf(database.prepare(countCaptures).get())
  } finally {
    database.close()
  }
}

async function checkSqlite(path: string): Promise<BackupSummary> {
  const database = new DatabaseSync(path)
  try {
    const row = database.prepare('PRAGMA integrity_check').get()
    if (row?.['integrity_check'] !== 'ok') throw new DamageError('the database in the backup is damaged')
  } finally {
    database.close()
  }
  await sync(path)
  return countSqlite(path)
}

async function dumpPostgres(url: string, target: string): Promise<BackupSummary> {
  await run('pg_dump', ['--format=custom', '--no-owner', '--no-privileges', `--file=${target}`, `--dbname=${url}`])
  return countPostgres(url)
}

async function loadPostgres(url: string, source: string): Promise<BackupSummary> {
  const { Client } = await import('pg')
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ there: boolean }>(
      `SELECT to_regclass('schema_versions') IS NOT NULL AS there`,
    )
    if (rows[0]?.there === true) throw new TakenError('the database has a backend already; name an empty one')
  } finally {
    await client.end()
  }
  // All or nothing.
  await run('pg_restore', [
    '--single-transaction',
    '--exit-on-error',
    '--no-owner',
    '--no-privileges',
    `--dbname=${url}`,
    source,
  ])
  return countPostgres(url)
}

async function countPostgres(url: string): Promise<BackupSummary> {
  const { Client } = await import('pg')
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<Record<string, string>>(countCaptures)
    return summaryOf(rows[0])
  } finally {
    await client.end()
  }
}

/** The first photo whose bytes are not those that its name says; undefined when all are whole. */
async function damagedPhoto(folder: string): Promise<string | undefined> {
  if (!(await isThere(folder))) return undefined
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const [, digest] = /^([0-9a-f]{64})\.\w+$/.exec(entry.name) ?? []
    if (!entry.isFile() || digest === undefined) continue
    const hash = createHash('sha256')
    await pipeline(createReadStream(join(entry.parentPath, entry.name)), hash)
    if (hash.digest('hex') !== digest) return entry.name
  }
  return undefined
}

class DamageError extends Error {}
class TakenError extends Error {}

function faultOf(error: unknown): Result<never> {
  if (error instanceof DamageError) return fail('invalid_input', error.message)
  if (error instanceof TakenError) return fail('conflict', error.message)
  const { code, path, stderr, message } = error as { code?: unknown; path?: string; stderr?: string; message: string }
  if (code === 'ENOSPC') return fail('storage_full', message)
  if (code === 'ENOENT' && path !== undefined && /^(?:tar|pg_dump|pg_restore)$/.test(path)) {
    return fail(
      'not_found',
      `${path} is not installed; on Debian: apt-get install ${path === 'tar' ? 'tar' : 'postgresql-client'}`,
    )
  }
  if (stderr?.includes('No space left') === true) return fail('storage_full', 'no space is left')
  return fail('internal', stderr?.trim().split('\n')[0] ?? message)
}

async function tar(args: readonly string[], good: readonly number[]): Promise<void> {
  try {
    await run('tar', [...args])
  } catch (error) {
    if (!good.includes((error as { code?: unknown }).code as number)) throw error
  }
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
