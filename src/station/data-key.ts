import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '#contract/ports.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import { fingerprintOf, newDataKey, readRecoveryKey, recoveryKeyOf, type DataKey } from '#sealing/index.ts'
import { canEncrypt } from '#station/store/sealed-database.ts'
import { fits, sealOf } from '#station/store/seal.ts'

/** The data key, and where the host has it from: the system's key store, or a file that somebody has named. */
export interface HeldDataKey {
  readonly key: DataKey
  readonly from: 'key_store' | 'file'
}

/** The host's secrets by name, and whether they lie in the system's key store. */
interface KeyStore {
  read(name: string): Promise<string | null>
  write(name: string, secret: string): Promise<void>
  place?(): Promise<'key_store' | 'file'>
}

/** Whoever has lost the key store puts the recovery key into this file of the data folder. */
export const recoveryFile = 'recovery-key.txt'

/** The key whose recovery key a file holds. Fails with `not_found` or `invalid_input`. */
export function readKeyFile(path: string): Result<DataKey> {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    return fail('not_found', `the file with the recovery key cannot be read: ${(error as Error).message}`)
  }
  const key = readRecoveryKey(text)
  return key === null
    ? fail(
        'invalid_input',
        `there is no recovery key in ${path}: 56 letters and digits in groups of four; look for a slip`,
      )
    : ok(key)
}

/** A new key, as its recovery key. */
export const newRecoveryKey = (): string => recoveryKeyOf(newDataKey())

/**
 * What a data folder is encrypted with, for the host that opens it. `file`, where one is named, goes before the key store, and
 * the key store before none: then data lie in the clear. A key store gets a new key for a folder that is not encrypted yet,
 * unless `mayBegin` is false.
 *
 * Fails with `conflict` for an encrypted folder whose key cannot be had; the sentence says what to do. It is never opened
 * without: an empty store in its place would look as if everything were lost. With the recovery key in `recoveryFile` the key
 * store gets the key back, and the file goes.
 */
export async function findDataKey(of: {
  readonly dataDir: string
  readonly file: string | undefined
  readonly secrets: KeyStore | null
  readonly mayBegin: boolean
  readonly log: Log
}): Promise<Result<HeldDataKey | null>> {
  const { dataDir, file, secrets, log } = of
  const seal = sealOf(dataDir)
  if (file !== undefined && (seal !== null || existsSync(file))) {
    const read = readKeyFile(file)
    return read.ok ? ok({ key: read.value, from: 'file' }) : read
  }
  const keyStore = secrets !== null && (await secrets.place?.()) === 'key_store' ? secrets : null
  if (seal !== null) {
    const kept = readRecoveryKey((await keyStore?.read(secretName(seal))) ?? '')
    return kept === null ? takeRecoveryKey(dataDir, keyStore) : ok({ key: kept, from: 'key_store' })
  }
  if (keyStore === null || !of.mayBegin || !canEncrypt()) return ok(null)
  const key = newDataKey()
  if (await keep(keyStore, key)) return ok({ key, from: 'key_store' })
  log.error({}, "the system's key store does not give back what it was given: the data stay in the clear")
  return ok(null)
}

async function takeRecoveryKey(dataDir: string, keyStore: KeyStore | null): Promise<Result<HeldDataKey>> {
  const path = join(dataDir, recoveryFile)
  const given = existsSync(path) ? readKeyFile(path) : null
  if (given?.ok === false) return given
  if (given === null || !fits(dataDir, given.value)) {
    const fault =
      given === null
        ? 'this machine’s key store does not give their key: it is locked, or has lost it'
        : `${path} holds another one's recovery key`
    return fail(
      'conflict',
      `the data in ${dataDir} are encrypted, and ${fault}. Nothing is lost: put the recovery key, which the site or whoever set ` +
        `the station up has, into ${path} and start Capstan again`,
    )
  }
  // Where there is no key store any more the file stays: the station works, and says that its key lies beside its data.
  if (keyStore === null || !(await keep(keyStore, given.value))) return ok({ key: given.value, from: 'file' })
  rmSync(path)
  return ok({ key: given.value, from: 'key_store' })
}

/** One key store may have the keys of several folders. */
const secretName = (fingerprint: string): string => `data-key-${fingerprint}`

async function keep(keyStore: KeyStore, key: DataKey): Promise<boolean> {
  const name = secretName(fingerprintOf(key))
  await keyStore.write(name, recoveryKeyOf(key))
  return (await keyStore.read(name)) === recoveryKeyOf(key)
}
