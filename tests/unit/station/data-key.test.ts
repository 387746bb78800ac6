import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newDataKey } from '#sealing/index.ts'
import { findDataKey, newRecoveryKey, readKeyFile } from '#station/index.ts'
import { openStore } from '#station/store/store.ts'
import { createClock, createIds, createKeptLog, openTestStore, temporaryFolder, valueOf } from './parts.ts'

/** A key store as a host has it, and what is in it. */
function createKeyStore(place: 'key_store' | 'file' = 'key_store') {
  const kept = new Map<string, string>()
  return {
    kept,
    read: (name: string) => Promise.resolve(kept.get(name) ?? null),
    write: (name: string, secret: string): Promise<void> => {
      kept.set(name, secret)
      return Promise.resolve()
    },
    place: () => Promise.resolve(place),
  }
}
type KeyStore = NonNullable<Parameters<typeof findDataKey>[0]['secrets']>

const find = (dataDir: string, secrets: KeyStore | null, options: { file?: string; mayBegin?: boolean } = {}) =>
  findDataKey({ dataDir, secrets, file: options.file, mayBegin: options.mayBegin ?? true, log: createKeptLog() })

/** A folder that is encrypted under a key of this key store. */
async function makeSealed(keyStore: KeyStore): Promise<{ dataDir: string; key: Uint8Array }> {
  const dataDir = temporaryFolder()
  const held = valueOf(await find(dataDir, keyStore))
  if (held === null) throw new Error('no key was made')
  openTestStore({ dataDir, dataKey: held.key }).close()
  return { dataDir, key: held.key }
}

describe('the key of the data', () => {
  it('is made once where the machine has a key store, and found there again', async () => {
    const keyStore = createKeyStore()
    const { dataDir, key } = await makeSealed(keyStore)
    expect([...keyStore.kept.keys()]).toEqual([expect.stringMatching(/^data-key-[0-9a-f]{32}$/)])
    expect(valueOf(await find(dataDir, keyStore))).toEqual({ key, from: 'key_store' })
    expect(keyStore.kept.size).toBe(1)
    // Another folder of the same person has a key of its own.
    expect(valueOf(await find(temporaryFolder(), keyStore))?.key).not.toEqual(key)
  })

  it('is none where there is no key store, or a version on trial may not begin', async () => {
    expect(valueOf(await find(temporaryFolder(), null))).toBeNull()
    expect(valueOf(await find(temporaryFolder(), createKeyStore('file')))).toBeNull()
    expect(valueOf(await find(temporaryFolder(), createKeyStore(), { mayBegin: false }))).toBeNull()
    // A file that somebody has named and nobody has made, as a credential of the service manager may be missing.
    expect(valueOf(await find(temporaryFolder(), null, { file: join(temporaryFolder(), 'none') }))).toBeNull()
  })

  it('is none where the key store does not give back what it was given', async () => {
    const keyStore = { ...createKeyStore(), write: () => Promise.resolve() }
    expect(valueOf(await find(temporaryFolder(), keyStore))).toBeNull()
  })

  it('comes from the file that is named before all else, and a slip in it is told', async () => {
    const [file, text] = [join(temporaryFolder(), 'key'), newRecoveryKey()]
    writeFileSync(file, `${text.toLowerCase()}\n`)
    const keyStore = createKeyStore()
    const held = valueOf(await find(temporaryFolder(), keyStore, { file }))
    expect(held).toEqual({ key: valueOf(readKeyFile(file)), from: 'file' })
    expect(keyStore.kept.size).toBe(0)
    writeFileSync(
      file,
      text.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')),
    )
    expect(await find(temporaryFolder(), keyStore, { file })).toMatchObject({
      ok: false,
      error: { code: 'invalid_input', message: expect.stringContaining(file) as string },
    })
  })

  it.each(['another key store', 'no key store', 'a file that is not there'])(
    'that is lost, with %s in its place, keeps the station from starting, and touches nothing',
    async (lost) => {
      const { dataDir } = await makeSealed(createKeyStore())
      const before = readdirSync(dataDir)
      const keyStore = lost === 'another key store' ? createKeyStore() : null
      const options = lost === 'a file that is not there' ? { file: join(dataDir, 'none') } : {}
      expect(await find(dataDir, keyStore, options)).toMatchObject({ ok: false })
      expect(readdirSync(dataDir)).toEqual(before)
      expect(keyStore?.kept.size ?? 0).toBe(0)
    },
  )

  it('comes back by the recovery key, which the key store takes over', async () => {
    const keyStore = createKeyStore()
    const { dataDir, key } = await makeSealed(keyStore)
    const recovery = join(dataDir, 'recovery-key.txt')
    const [text = ''] = keyStore.kept.values()

    const replaced = createKeyStore()
    writeFileSync(recovery, newRecoveryKey())
    const other = { ok: false, error: { code: 'conflict', message: expect.stringContaining(recovery) as string } }
    expect(await find(dataDir, replaced)).toMatchObject(other)
    writeFileSync(recovery, 'no key')
    expect(await find(dataDir, replaced)).toMatchObject({ ok: false, error: { code: 'invalid_input' } })
    expect(readFileSync(recovery, 'utf8')).toBe('no key')

    writeFileSync(recovery, text)
    expect(valueOf(await find(dataDir, replaced))).toEqual({ key, from: 'key_store' })
    expect(existsSync(recovery)).toBe(false)
    expect(valueOf(await find(dataDir, replaced))).toEqual({ key, from: 'key_store' })
  })

  it('stays in its file where there is no key store to take it over', async () => {
    const keyStore = createKeyStore()
    const { dataDir, key } = await makeSealed(keyStore)
    writeFileSync(join(dataDir, 'recovery-key.txt'), [...keyStore.kept.values()].join(''))
    for (let start = 0; start < 2; start += 1) {
      expect(valueOf(await find(dataDir, null))).toEqual({ key, from: 'file' })
    }
  })

  it.each(['damaged', 'missing'])('is found by the recovery key when the file that names it is %s', async (how) => {
    const keyStore = createKeyStore()
    const { dataDir, key } = await makeSealed(keyStore)
    const seal = join(dataDir, 'station.sealed')
    if (how === 'damaged') writeFileSync(seal, 'noise')
    else rmSync(seal)
    const other = { ok: false, error: { code: 'conflict' } }
    for (const dataKey of [undefined, newDataKey()]) {
      expect(
        openStore({
          dataDir,
          clock: createClock(),
          ids: createIds(),
          log: createKeptLog(),
          ...(dataKey && { dataKey }),
        }),
      ).toMatchObject(other)
    }
    writeFileSync(join(dataDir, 'recovery-key.txt'), newRecoveryKey())
    expect(await find(dataDir, keyStore)).toMatchObject(other)
    writeFileSync(join(dataDir, 'recovery-key.txt'), [...keyStore.kept.values()].join(''))
    expect(valueOf(await find(dataDir, keyStore))?.key).toEqual(key)
    openTestStore({ dataDir, dataKey: key }).close()
    expect(valueOf(await find(dataDir, keyStore))).toEqual({ key, from: 'key_store' })
  })
})
