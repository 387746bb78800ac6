import { existsSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { fail, ok, type Result } from '#contract/result.ts'
import { fingerprintOf, keyFor, type DataKey } from '#sealing/index.ts'
import { openDatabase } from '#station/store/database.ts'
import { syncFile, syncFolder, writeDurably } from '#station/store/durable-file.ts'
import {
  canEncrypt,
  encryptInPlace,
  isInTheClear,
  looksEncrypted,
  openSealedEngine,
} from '#station/store/sealed-database.ts'

/** The store of a data folder. */
export const storeFile = 'station.sqlite'
/** Beside an encrypted store: which key it is, so that a wrong key is not taken for a damaged store. */
const sealFile = 'station.sealed'
const sealSchema = z.strictObject({ fingerprint: z.string() })

/**
 * Whose key a data folder is encrypted with, as its fingerprint; null for one in the clear. The empty text when that is lost, as
 * in a copy of the store alone.
 */
export function sealOf(dataDir: string): string | null {
  const [path, store] = [join(dataDir, sealFile), join(dataDir, storeFile)]
  if (!existsSync(path)) return existsSync(store) && looksEncrypted(store) ? '' : null
  try {
    return sealSchema.parse(JSON.parse(readFileSync(path, 'utf8'))).fingerprint
  } catch {
    return ''
  }
}

/** Whether a data folder is encrypted, or has begun to be. */
export const isEncrypted = (dataDir: string): boolean => sealOf(dataDir) !== null

/** Whether a key is that of an encrypted folder; where the fingerprint is lost the store itself tells. */
export function fits(dataDir: string, key: DataKey): boolean {
  const seal = sealOf(dataDir)
  if (seal !== '') return seal === fingerprintOf(key)
  const store = join(dataDir, storeFile)
  return !existsSync(store) || isInTheClear(store) || opens(store, keyFor('store', key))
}

/** From here on the folder opens with this key only. Durable before anything is encrypted under it. */
export function writeSeal(dataDir: string, key: DataKey): void {
  if (!sealOf(dataDir)) {
    writeDurably(join(dataDir, sealFile), `${JSON.stringify({ fingerprint: fingerprintOf(key) })}\n`)
  }
}

/**
 * The key of a data folder's store, 32 bytes; null for one in the clear. Fails with `conflict` where it is encrypted and the
 * key is missing or another one's.
 */
export function storeKeyOf(dataDir: string, dataKey: DataKey | null): Result<Uint8Array | null> {
  const seal = sealOf(dataDir)
  if (dataKey !== null && !canEncrypt()) {
    return fail('conflict', 'this Node or Electron is too old to encrypt data: 22.14, or 36, is the first that can')
  }
  if (dataKey === null) {
    if (seal === null) return ok(null)
    return fail(
      'conflict',
      `the data in ${dataDir} are encrypted: name a file with their recovery key in CAPSTAN_DATA_KEY_FILE`,
    )
  }
  if (seal === null || fits(dataDir, dataKey)) return ok(keyFor('store', dataKey))
  return fail('conflict', `the data in ${dataDir} are encrypted with another key than the one given`)
}

/**
 * Encrypts a store that lies there in the clear, which nobody has open, and says whether it was one: a copy is written and
 * encrypted, and takes its place, so that a kill leaves one or the other whole. Throws what SQLite throws, the store untouched:
 * it may be damaged, or the disk full.
 */
export function sealStore(path: string, key: Uint8Array): boolean {
  const copy = `${path}.sealing`
  const removeCopy = (): void => {
    for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(copy + suffix, { force: true })
  }
  removeCopy()
  if (!existsSync(path) || !isInTheClear(path)) return false
  try {
    const plain = openDatabase(path)
    try {
      plain.run('VACUUM INTO ?', copy)
    } finally {
      plain.close()
    }
    encryptInPlace(copy, key)
    syncFile(copy)
    const sealed = openDatabase(copy, { readOnly: true, key })
    try {
      if (sealed.get('PRAGMA quick_check')?.['quick_check'] !== 'ok') throw new Error('the encrypted copy is not whole')
    } finally {
      sealed.close()
    }
    // The log of the store in the clear went into it as it was closed: whatever is there belongs to somebody else.
    if ((statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0)
      throw new Error('somebody writes the store')
    renameSync(copy, path)
    for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true })
    syncFolder(dirname(path))
    return true
  } catch (error) {
    removeCopy()
    throw error
  }
}

/** Whether an encrypted database opens with a key and has its list of tables; all else may be damaged. */
export function opens(path: string, key: Uint8Array): boolean {
  const database = openSealedEngine(path, key, true)
  try {
    return database.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() !== undefined
  } catch {
    return false
  } finally {
    database.close()
  }
}
