import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Clock, Ids, Log } from '#contract/ports.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import type { Certificate, ClockReading } from '#contract/station/ledger.ts'
import type { Session } from '#contract/station/session.ts'
import type { StationStatus } from '#contract/station/status.ts'
import { keyFor, type DataKey } from '#sealing/index.ts'
import { certify } from '#station/store/certificate.ts'
import {
  checkBeside,
  closedStore,
  isAsItWasLeft,
  readCheckMark,
  removeCheckMark,
  writeCheckMark,
  type CheckMark,
} from '#station/store/check-mark.ts'
import { createCatalogue, type Catalogue } from '#station/store/catalogue.ts'
import { createCaptures, type Captures } from '#station/store/captures.ts'
import { isBusyError, isCorruptionError, isStorageError, openDatabase, type Database } from '#station/store/database.ts'
import { createFacts, type Facts } from '#station/store/facts.ts'
import { carryOver } from '#station/store/ledger-carry.ts'
import { checkClaim, checkLedger, type LedgerClaim, type LedgerReport } from '#station/store/ledger-check.ts'
import { createLedger, type Ledger } from '#station/store/ledger.ts'
import { createMedia, incomingFolder, type Media } from '#station/store/media.ts'
import { migrate, NewerSchemaError, schemaVersion } from '#station/store/migrations.ts'
import { createPhotoFiles, type PhotoFiles } from '#station/store/photo-files.ts'
import { createOutbox, type Outbox } from '#station/store/outbox.ts'
import { createPhotos, type Photos } from '#station/store/photos.ts'
import { makeReadable, salvage, setAside, setAsideName } from '#station/store/recovery.ts'
import { createProbes, type Probes } from '#station/store/probes.ts'
import { createReviews, type Reviews } from '#station/store/reviews.ts'
import { createShotItems, type ShotItems } from '#station/store/shot-items.ts'
import { createVerdicts, type Verdicts } from '#station/store/verdicts.ts'
import { isInTheClear } from '#station/store/sealed-database.ts'
import { isEncrypted, sealStore, storeFile, storeKeyOf, writeSeal } from '#station/store/seal.ts'
import { createSessions, type Sessions } from '#station/store/sessions.ts'
import { createWiping, type Wiping } from '#station/store/wiping.ts'

/** Where everything of a station lives. The only road between capturing and syncing. */
export interface Store {
  readonly stationId: string
  readonly ledger: Ledger
  /** What a session came to up to now, with the place of the ledger that proves it. */
  certificate(session: Session, station: { readonly name: string; readonly clock: ClockReading }): Certificate
  readonly sessions: Sessions
  readonly captures: Captures
  readonly outbox: Outbox
  readonly facts: Facts
  readonly media: Media
  readonly photoFiles: PhotoFiles
  readonly photos: Photos
  readonly verdicts: Verdicts
  readonly wiping: Wiping
  readonly reviews: Reviews
  readonly shotItems: ShotItems
  readonly probes: Probes
  readonly catalogue: Catalogue
  /** Rows by table, what was refused by code, the schema, the ledger's end: numbers only, for support. */
  counts(): Readonly<Record<string, number>>
  /** Whether it is encrypted where it lies. */
  readonly isEncrypted: boolean
  /** Set when this start found the store damaged. */
  readonly recovered: StationStatus['storage']['recovered']
  /**
   * Checks the store beside its use, where the start has left that for later; null where the start has done it. Resolves to
   * the complaints, none for one that is whole; null when it could not be told. A damaged one is rebuilt at the next start.
   */
  readonly checkBehind: (() => Promise<readonly string[] | null>) | null
  /** Everything in `work` commits together or not at all; inside another transaction it is part of that one. */
  transaction<T>(work: () => T): T
  close(): void
}

/** The file names inside a data folder. */
const files = {
  database: storeFile,
  lock: 'station.lock',
  /** How far the store may be trusted at the next start. */
  mark: 'station.checked',
  media: 'media',
  aside: 'set-aside',
} as const

/** A smaller store is checked at each start: that takes less time than anybody notices. */
const usualCheckLaterFromBytes = 64 * 1024 * 1024

/**
 * Opens (or makes) the store of a data folder for writing.
 *
 * Checks its integrity first: a damaged database is set aside, and every row that can still be read is
 * carried over. A large one (`checkLaterFromBytes`) that is as a sound one was left is checked behind the start instead, which
 * would take the longer the more it holds. Before a store is brought up to this program's schema a copy of it is set aside. `takesNewerStore`: one that a
 * newer Capstan has written, which was then taken back, is set aside too, and its rows are carried over like those of a damaged
 * one. With a `dataKey` what lies in the clear is encrypted first, and from then on the folder opens with that key only. Fails with `conflict` when another station uses the folder or a newer Capstan has written the
 * store, or the key is missing or another one's, and `storage_full` when the disk cannot be written.
 */
export function openStore(options: {
  dataDir: string
  clock: Clock
  ids: Ids
  log: Log
  takesNewerStore?: boolean
  checkLaterFromBytes?: number
  dataKey?: DataKey | null
}): Result<Store> {
  const { dataDir, clock, dataKey = null } = options
  const path = join(dataDir, files.database)
  const key = storeKeyOf(dataDir, dataKey)
  if (!key.ok) return key
  let lock: DatabaseSync | null = null
  try {
    mkdirSync(dataDir, { recursive: true })
    lock = lockFolder(dataDir)
    if (!lock) return fail('conflict', `another Capstan station uses the folder ${dataDir}`)
    const markPath = join(dataDir, files.mark)
    const mark = markToTrust(path, markPath, options)
    // Until the store is open and the next one is written, there is nothing to trust.
    removeCheckMark(markPath)
    const aside = join(dataDir, files.aside)
    if (dataKey !== null && key.value !== null) {
      writeSeal(dataDir, dataKey)
      encryptStore(path, key.value, options.log)
    }
    const opening = { ...options, isTrusted: mark !== null, key: key.value }
    const { database, recovered, isChecked } = openSound(path, aside, opening)
    const usedKey = keyAt(path, key.value)
    const watched = watchSoundness({
      path,
      key: usedKey,
      markPath,
      clock,
      mark: isChecked ? null : mark,
      log: options.log,
    })
    // What a dead process had half written was never acknowledged.
    rmSync(join(dataDir, files.media, incomingFolder), { recursive: true, force: true })
    const held = lock
    const release = (): void => {
      watched.close()
      held.close()
    }
    const state = { recovered, checkBehind: watched.checkBehind, isEncrypted: usedKey !== null, release }
    const store = assemble(database, options, state)
    store.transaction(() => store.ledger.append({ kind: 'station.started', boot: clock.bootId }))
    return ok(store)
  } catch (error) {
    lock?.close()
    if (error instanceof NewerSchemaError) return fail('conflict', error.message)
    if (isStorageError(error) || isFolderError(error)) {
      return fail('storage_full', `the folder ${dataDir} cannot be written: ${(error as Error).message}`)
    }
    throw error
  }
}

/** Opens the store for reading only, beside a running station; for exports and checks. */
export function openStoreForReading(
  dataDir: string,
  ports: { clock: Clock; ids: Ids; dataKey?: DataKey | null },
): Result<Store> {
  const opened = openForReading(dataDir, ports.dataKey)
  if (!opened.ok) return opened
  const state = { recovered: null, checkBehind: null, isEncrypted: isEncrypted(dataDir), release: () => undefined }
  return ok(assemble(opened.value, { dataDir, ...ports }, state))
}

/** Goes through the whole ledger of a data folder, or of a copy of one, reading only. */
export function checkLedgerOf(
  dataDir: string,
  claim: LedgerClaim | null = null,
  dataKey: DataKey | null = null,
): Result<LedgerReport> {
  const opened = openForReading(dataDir, dataKey)
  if (!opened.ok) return opened
  try {
    // One transaction: a station that runs meanwhile cannot get between the ledger and the captures.
    opened.value.exec('BEGIN')
    return ok(claim === null ? checkLedger(opened.value) : checkClaim(opened.value, claim))
  } catch (error) {
    if (!isCorruptionError(error)) throw error
    return fail('conflict', `the store in ${dataDir} is damaged (${(error as Error).message}): start the station once`)
  } finally {
    opened.value.close()
  }
}

function openForReading(dataDir: string, dataKey: DataKey | null = null): Result<Database> {
  const path = join(dataDir, files.database)
  if (!existsSync(path)) return fail('not_found', `there is no station store in ${dataDir}`)
  const key = storeKeyOf(dataDir, dataKey)
  if (!key.ok) return key
  try {
    const { database, version } = openWherever(path, keyAt(path, key.value))
    if (version === schemaVersion) return ok(database)
    database.close()
    return fail(
      'conflict',
      `the store has schema ${version}, this Capstan reads ${schemaVersion}: start the station once`,
    )
  } catch (error) {
    const { message } = error as Error
    if (isCorruptionError(error)) {
      return fail('conflict', `the store in ${dataDir} is damaged (${message}): start the station once`)
    }
    if (!isStorageError(error)) throw error
    return fail('storage_full', `${dataDir} cannot be read where it is (${message}): copy it to a disk with room`)
  }
}

/**
 * Opens a database for reading, on a read-only or full disk too: there SQLite cannot make the files by which the readers
 * of a log know of each other, and without a log they are not needed. The engine of encrypted stores insists on them: it reads a
 * copy, as encrypted as what it is of, in the system's temporary folder. Throws what SQLite throws.
 */
function openWherever(path: string, key: Uint8Array | null): { database: Database; version: number } {
  const open = (isImmutable: boolean) => withVersion(openDatabase(path, { readOnly: true, isImmutable, key }))
  try {
    return open(false)
  } catch (error) {
    const logBytes = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0
    if (!isStorageError(error) || logBytes > 0) throw error
    return key === null ? open(true) : openCopy(path, key)
  }
}

function openCopy(path: string, key: Uint8Array): { database: Database; version: number } {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-reading-'))
  const remove = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    const copy = join(folder, files.database)
    copyFileSync(path, copy)
    const { database, version } = withVersion(openDatabase(copy, { readOnly: true, key }))
    const close = (): void => {
      database.close()
      remove()
    }
    return { database: { ...database, close }, version }
  } catch (error) {
    remove()
    throw error
  }
}

function withVersion(database: Database): { database: Database; version: number } {
  try {
    return { database, version: schemaOf(database) }
  } catch (error) {
    database.close()
    throw error
  }
}

/** Asks SQLite whether the database of a data folder is whole; answers its complaints, none when it is. */
export function checkStore(dataDir: string, dataKey: DataKey | null = null): string[] {
  const path = join(dataDir, files.database)
  if (!existsSync(path)) return []
  const key = storeKeyOf(dataDir, dataKey)
  if (!key.ok) return [key.error.message]
  try {
    const { database } = openWherever(path, keyAt(path, key.value))
    try {
      return complaints(database, 'integrity_check')
    } finally {
      database.close()
    }
  } catch (error) {
    return [(error as Error).message]
  }
}

function assemble(
  database: Database,
  options: { dataDir: string; clock: Clock; ids: Ids; dataKey?: DataKey | null },
  state: Pick<Store, 'recovered' | 'checkBehind' | 'isEncrypted'> & { release(): void },
): Store {
  const ledger = createLedger(database, options.clock)
  const outbox = createOutbox(database, options.clock, ledger)
  const facts = createFacts(database)
  const stationId = facts.get('station_id') ?? ''
  return {
    stationId,
    ledger,
    outbox,
    sessions: createSessions(database, options, outbox, ledger),
    captures: createCaptures(database, options.clock, outbox, ledger),
    facts,
    media: createMedia(join(options.dataDir, files.media), options.dataKey ? keyFor('media', options.dataKey) : null),
    photoFiles: createPhotoFiles(database),
    photos: createPhotos(database),
    verdicts: createVerdicts(database, options.clock, ledger),
    wiping: createWiping(database, ledger),
    shotItems: createShotItems(database, options),
    reviews: createReviews(database, { ...options, ledger, outbox }),
    probes: createProbes(database, { ...options, ledger }),
    catalogue: createCatalogue(database, { ...options, ledger, outbox }),
    recovered: state.recovered,
    checkBehind: state.checkBehind,
    isEncrypted: state.isEncrypted,
    counts: () => countAll(database),
    certificate: (session, { name, clock }) =>
      certify(database, options.clock, { id: stationId, name, clock }, session),
    transaction: (work) => database.transaction(work),
    close() {
      database.close()
      state.release()
    },
  }
}

function countAll(database: Database): Record<string, number> {
  const counts: Record<string, number> = {
    schema: Number(database.get('PRAGMA user_version')?.['user_version']),
    ledgerEnd: Number(database.get('SELECT max(sequence) AS last FROM ledger')?.['last'] ?? 0),
  }
  const tables = database.all(`SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`)
  for (const { name } of tables) counts[String(name)] = Number(database.get(`SELECT count(*) AS n FROM ${name}`)?.['n'])
  const waiting = database.all(
    `SELECT kind, state, coalesce(error_code, '') AS code, count(*) AS n FROM outbox GROUP BY 1, 2, 3`,
  )
  for (const { kind, state, code, n } of waiting) counts[`outbox ${kind} ${state} ${code}`.trim()] = Number(n)
  return counts
}

/** The mark of a store that need not be checked before it is used; null for one that must. */
function markToTrust(
  path: string,
  markPath: string,
  options: { clock: Clock; checkLaterFromBytes?: number },
): CheckMark | null {
  const bytes = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (bytes < (options.checkLaterFromBytes ?? usualCheckLaterFromBytes)) return null
  const mark = readCheckMark(markPath)
  return mark !== null && isAsItWasLeft(mark, path, options.clock) ? mark : null
}

/** Keeps the mark of an open store: what was found of it, and at its end how it was left. */
function watchSoundness(store: {
  readonly path: string
  readonly key: Uint8Array | null
  readonly markPath: string
  readonly clock: Clock
  /** Of a store that this start has not checked; null for one that it has. */
  readonly mark: CheckMark | null
  readonly log: Log
}): Pick<Store, 'checkBehind'> & { close(): void } {
  const { path, key, markPath, clock, mark, log } = store
  const now = (): string => clock.now().toISOString()
  const stopping = new AbortController()
  let isDamaged = false
  let current: CheckMark = {
    checkedAt: mark?.checkedAt ?? now(),
    boot: clock.bootId,
    closed: null,
    isAfterKill: mark !== null && mark.closed === null,
  }
  const keep = (): void => {
    try {
      writeCheckMark(markPath, current)
    } catch (error) {
      // Without one the next start checks: nothing is lost but time.
      log.warn({ error: (error as Error).message }, 'how the store was left cannot be kept')
      removeCheckMark(markPath)
    }
  }
  keep()
  return {
    checkBehind:
      mark &&
      (async () => {
        const faults = await checkBeside(path, key, stopping.signal)
        if (faults === null || stopping.signal.aborted) return null
        isDamaged = faults.length > 0
        if (isDamaged) {
          log.error({ faults: faults.slice(0, 5) }, 'the store is damaged: the next start rebuilds it')
          removeCheckMark(markPath)
        } else {
          current = { ...current, checkedAt: now(), isAfterKill: false }
          keep()
        }
        return faults
      }),
    close() {
      stopping.abort()
      if (isDamaged) return
      const closed = closedStore(path)
      // Somebody reads it still, and its log is not taken over: as after a kill, only that nothing was wrong.
      current = { ...current, closed, isAfterKill: closed !== null ? false : current.isAfterKill }
      keep()
    },
  }
}

/** Brings a store up to the present schema: with a name of its own and a ledger that tells what it holds. */
function prepare(database: Database, ports: { clock: Clock; ids: Ids }, setAsideAs: string | null): void {
  const facts = createFacts(database)
  database.transaction(() => {
    const stationId = facts.get('station_id') ?? ports.ids.next()
    facts.set('station_id', stationId)
    carryOver(database, createLedger(database, ports.clock), { stationId, setAsideAs })
  })
}

function openSound(
  path: string,
  asideFolder: string,
  ports: {
    clock: Clock
    ids: Ids
    log: Log
    takesNewerStore?: boolean
    isTrusted: boolean
    key: Uint8Array | null
  },
): { database: Database; recovered: Store['recovered']; isChecked: boolean } {
  const { clock, log, key } = ports
  const rebuilt = `${path}.rebuilding`
  // The damaged file goes away only when the rebuilt one is whole: without the former, the latter is the store.
  if (!existsSync(path) && existsSync(rebuilt)) renameSync(rebuilt, path)
  removeDatabase(rebuilt)

  const found = existsSync(path)
  let database: Database | null = null
  let isNewer = false
  try {
    const usedKey = keyAt(path, key)
    database = openDatabase(path, { key: usedKey })
    // What is migrated is read from end to end anyway.
    const isTrusted = ports.isTrusted && schemaOf(database) === schemaVersion
    const faults = found && !isTrusted ? complaints(database, 'quick_check') : []
    if (faults.length === 0) {
      if (found) keepCopy(database, asideFolder, log)
      migrate(database)
      prepare(database, ports, null)
      return { database, recovered: null, isChecked: !isTrusted }
    }
    log.error({ faults: faults.slice(0, 5) }, 'the store is damaged')
  } catch (error) {
    isNewer = ports.takesNewerStore === true && error instanceof NewerSchemaError
    if (!isCorruptionError(error) && !isNewer) {
      database?.close()
      throw error
    }
    log.error({ error: (error as Error).message }, isNewer ? 'the store is of a newer version' : 'the store is damaged')
  }
  try {
    database?.close()
  } catch {
    // A damaged file may refuse even that; it is moved away next.
  }

  const at = clock.now().toISOString()
  const fresh = openDatabase(rebuilt, { key })
  let captures: number
  try {
    migrate(fresh)
    captures = salvageFrom(path, fresh, ports)
    prepare(fresh, ports, setAsideName(at))
  } finally {
    fresh.close()
  }
  const aside = setAside(path, asideFolder, at)
  renameSync(rebuilt, path)
  log.warn({ aside, captures }, 'the store was set aside and rebuilt')
  const told = isNewer ? null : { at, setAsideAs: aside, captures }
  return { database: openDatabase(path, { key }), recovered: told, isChecked: true }
}

/** Copies of the store from before the last migrations: for people, should a version turn out to have harmed something. */
const keptCopies = 2
const copyName = /^before-schema-\d+-.*\.sqlite$/

const schemaOf = (database: Database): number => Number(database.get('PRAGMA user_version')?.['user_version'] ?? 0)

function keepCopy(database: Database, folder: string, log: Log): void {
  const version = schemaOf(database)
  if (version === 0 || version >= schemaVersion) return
  mkdirSync(folder, { recursive: true })
  const older = readdirSync(folder).filter((name) => copyName.test(name))
  const byAge = older.toSorted((a, b) => statSync(join(folder, b)).mtimeMs - statSync(join(folder, a)).mtimeMs)
  for (const name of byAge.slice(keptCopies - 1)) rmSync(join(folder, name))
  const path = join(folder, `before-schema-${schemaVersion}-of-${version}.sqlite`)
  // What a start that was cut off has left is half a copy.
  rmSync(path, { force: true })
  database.run('VACUUM INTO ?', path)
  log.info({ from: version, to: schemaVersion }, 'a copy of the store was kept before it is migrated')
}

/** The key that a database is opened with: none for what lies there in the clear still. */
const keyAt = (path: string, key: Uint8Array | null): Uint8Array | null =>
  key !== null && existsSync(path) && isInTheClear(path) ? null : key

/** A store that cannot be encrypted now is used as it is, and is tried at the next start again. */
function encryptStore(path: string, key: Uint8Array, log: Log): void {
  try {
    if (sealStore(path, key)) log.info({}, 'the store is encrypted from now on')
  } catch (error) {
    log.error({ error: (error as Error).message }, 'the store could not be encrypted; it stays in the clear')
  }
}

function removeDatabase(path: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
}

function salvageFrom(
  path: string,
  fresh: Database,
  { clock, log, key }: { clock: Clock; log: Log; key: Uint8Array | null },
): number {
  const usedKey = keyAt(path, key)
  const readable = makeReadable(path, usedKey)
  try {
    const damaged = openDatabase(readable, { readOnly: true, key: usedKey })
    try {
      const { captures, unreadable } = salvage(damaged, fresh, clock.now().getTime())
      if (unreadable > 0) log.error({ unreadable }, 'rows of the damaged store make no sense; they stay there')
      return captures
    } finally {
      damaged.close()
    }
  } catch (error) {
    if (isStorageError(error)) throw error
    log.error({ error: (error as Error).message }, 'nothing could be read from the damaged store')
    return 0
  } finally {
    if (readable !== path) removeDatabase(readable)
  }
}

function complaints(database: Database, check: 'quick_check' | 'integrity_check'): string[] {
  const lines = database.all(`PRAGMA ${check}`).map((row) => String(Object.values(row)[0]))
  return lines.length === 1 && lines[0] === 'ok' ? [] : lines
}

/**
 * Holds a lock on the folder as long as the process lives: the operating system lets go of it even after a
 * kill, so no stale lock file ever needs a person. Waits up to two seconds for a dying predecessor.
 */
function lockFolder(dataDir: string): DatabaseSync | null {
  const path = join(dataDir, files.lock)
  // Nothing is ever written into it. A disk fault may have: a station must not be kept from starting by that.
  if (existsSync(path) && statSync(path).size > 0) rmSync(path)
  const lock = new DatabaseSync(path)
  try {
    lock.exec('PRAGMA busy_timeout = 2000; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock.close()
    if (isBusyError(error)) return null
    throw error
  }
}

function isFolderError(error: unknown): boolean {
  const code = (error as { code?: unknown }).code
  return typeof code === 'string' && ['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'ENOTDIR', 'EEXIST'].includes(code)
}
