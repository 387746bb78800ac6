import { rmSync, statSync } from 'node:fs'
import type { Log } from '#contract/ports.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import type { PassRecord } from '#contract/gate/pass-record.ts'
import type { ListHead, ListKey } from '#contract/gate/site.ts'
import type { Instant } from '#contract/station/values.ts'
import {
  deriveKeys,
  hashValue,
  openPage,
  readPage,
  unsealPass,
  type ListKeys,
  type SignedPage,
} from '#pass-list/index.ts'
import { isCorruptionError, isStorageError, openDatabase, type Database } from '#station/store/database.ts'

/** What the station has of the list. */
export interface ListState {
  readonly list: string
  /** The last change that is in it. */
  readonly at: number
  /** It is as the site had it then; null while the first load goes on. */
  readonly asOf: Instant | null
  readonly values: number
  /** Changes that the site had besides, when it last answered. */
  readonly left: number
  readonly bytes: number
}

/**
 * The passes of the venue in a file of their own: what a gate decides by while the site cannot be asked. The file holds
 * keyed hashes and sealed passes; without the key, which is a secret of the station, it says nothing.
 *
 * It is a copy: one that is damaged is thrown away and loaded anew.
 */
export interface PassList {
  /** The pass that has the value; null when none has, or there is no list. */
  find(value: string): PassRecord | null
  readonly state: ListState | null
  /**
   * Takes one page in, whole or not at all, if the site has signed it and it follows what is there: `invalid_input` when
   * not, `storage_full` when the disk does not take it.
   */
  take(page: SignedPage): Result<ListHead>
  /** Reads by this key from now on; another list begins empty. Null: nothing can be read, and the file is removed. */
  useKey(key: ListKey | null): void
  /** Removes the file. */
  wipe(): void
  close(): void
}

/** Enough for the upper levels of a list's tree; while it loads, for most of its leaves. */
const cacheKibibytes = { usual: 16_384, loading: 131_072 } as const
/** With more changes than this to come, the list is being loaded. */
const loadingFrom = 20_000

/** Opens the list in the file `path`, or none yet. */
export function openPassList(options: {
  readonly path: string
  readonly key: ListKey | null
  readonly log: Log
}): PassList {
  const { path, log } = options
  let key: ListKey | null = null
  let keys: ListKeys | null = null
  let database: Database | null = null
  let state: ListState | null = null
  let isLoading = false

  const remove = (): void => {
    try {
      database?.close()
    } catch {
      // A damaged file may refuse even that; it goes away next.
    }
    database = null
    state = null
    isLoading = false
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(path + suffix, { force: true })
  }

  const open = (): Database => {
    const opened = openDatabase(path)
    // A copy that the site gives again: the last page may be lost at a power failure, and is then asked for again.
    opened.exec(`PRAGMA synchronous = NORMAL; PRAGMA cache_size = -${cacheKibibytes.usual};
      CREATE TABLE IF NOT EXISTS list (id TEXT NOT NULL, at INTEGER NOT NULL, as_of TEXT NOT NULL, amount INTEGER NOT NULL,
        missing INTEGER NOT NULL) STRICT;
      CREATE TABLE IF NOT EXISTS passes (place BLOB PRIMARY KEY, sealed BLOB NOT NULL) STRICT, WITHOUT ROWID;`)
    return opened
  }

  const readState = (from: Database): ListState | null => {
    const row = from.get('SELECT id, at, as_of, amount, missing FROM list')
    if (!row) return null
    const left = Number(row['missing'])
    return {
      list: String(row['id']),
      at: Number(row['at']),
      // A list that was whole once stays usable while the next changes come.
      asOf: String(row['as_of']) || null,
      values: Number(row['amount']),
      left,
      bytes: bytesOf(path),
    }
  }

  const start = (): void => {
    if (key === null) return
    try {
      database = open()
      state = readState(database)
      if (state !== null && state.list !== key.list) remove()
      database ??= open()
    } catch (error) {
      if (!isCorruptionError(error)) throw error
      log.error({ error: (error as Error).message }, 'the list of passes is damaged and is loaded anew')
      remove()
      database = open()
    }
  }

  const use = (given: ListKey | null): void => {
    if (given === null || (key !== null && key.key !== given.key)) remove()
    else database?.close()
    database = null
    key = given
    keys = given && deriveKeys(given)
    start()
  }
  use(options.key)

  const setCache = (of: Database, loading: boolean): void => {
    if (loading === isLoading) return
    isLoading = loading
    of.exec(
      loading
        ? `PRAGMA cache_size = -${cacheKibibytes.loading}`
        : `PRAGMA cache_size = -${cacheKibibytes.usual}; PRAGMA shrink_memory`,
    )
  }

  /** What `work` answers, or null when the file is damaged: then it is gone. */
  const guarded = <T>(work: () => T): T | null => {
    try {
      return work()
    } catch (error) {
      if (!isCorruptionError(error)) throw error
      log.error({ error: (error as Error).message }, 'the list of passes is damaged and is loaded anew')
      remove()
      return null
    }
  }

  return {
    get state() {
      return state
    },
    find(value) {
      if (keys === null || database === null) return null
      const [reading, from] = [keys, database]
      const place = hashValue(reading, value)
      const sealed = guarded(() => from.get('SELECT sealed FROM passes WHERE place = ?', place)?.['sealed'])
      return sealed instanceof Uint8Array ? unsealPass(reading, place, sealed) : null
    },
    take(page) {
      if (key === null) return fail('conflict', 'the station has no key for a list of passes')
      const head = openPage(page, key)
      if (head === null) return fail('invalid_input', 'the page of the list is not signed by the site, or not whole')
      const values = readPage(page.body)
      if (values === null) return fail('invalid_input', 'the page of the list ends in the middle of a pass')
      if (head.after !== (state?.at ?? 0))
        return fail('invalid_input', `the page follows ${head.after}, not what is there`)
      if (head.to < head.after) return fail('invalid_input', 'the page goes back')
      database ??= open()
      const into = database
      try {
        setCache(into, head.left >= loadingFrom)
        // By place: neighbours are written together.
        const sorted = values.toSorted((one, other) => Buffer.compare(one.place, other.place))
        into.transaction(() => {
          for (const { place, sealed } of sorted) {
            if (sealed === null) into.run('DELETE FROM passes WHERE place = ?', place)
            else into.run('INSERT OR REPLACE INTO passes (place, sealed) VALUES (?, ?)', place, sealed)
          }
          const asOf = head.left === 0 ? head.asOf : (state?.asOf ?? '')
          into.run('DELETE FROM list')
          into.run(
            'INSERT INTO list (id, at, as_of, amount, missing) VALUES (?, ?, ?, ?, ?)',
            head.list,
            head.to,
            asOf,
            head.values,
            head.left,
          )
        })
        state = readState(into)
        return ok(head)
      } catch (error) {
        if (isStorageError(error)) return fail('storage_full', `the list cannot be kept: ${(error as Error).message}`)
        if (!isCorruptionError(error)) throw error
        remove()
        return fail('conflict', 'the list of passes was damaged: it is loaded anew')
      }
    },
    useKey: use,
    wipe() {
      remove()
    },
    close() {
      database?.close()
      database = null
    },
  }
}

function bytesOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
