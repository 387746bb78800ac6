import { describe, expect, it } from 'vitest'
import { createSecrets } from '#main/secrets.ts'
import { createKeptLog } from '../../contract/fake-station.ts'

const key = 'csb_the_key_itself'

function machine({
  isAvailable = true,
  backend = 'gnome_libsecret',
  isOld = false,
  platform = 'linux' as NodeJS.Platform,
} = {}) {
  const stored = new Map<string, string>()
  const { log, lines } = createKeptLog()
  const encrypt = (text: string) => Buffer.from([...text].toReversed().join(''))
  const decrypt = (bytes: Buffer) => [...bytes.toString()].toReversed().join('')
  const safeStorage = {
    isEncryptionAvailable: () => isAvailable,
    encryptString: encrypt,
    decryptString: decrypt,
    getSelectedStorageBackend: () => backend as 'basic_text',
    ...(isOld
      ? {}
      : {
          isAsyncEncryptionAvailable: async () => isAvailable,
          encryptStringAsync: async (text: string) => encrypt(text),
          decryptStringAsync: async (bytes: Buffer) => ({ result: decrypt(bytes), shouldReEncrypt: false }),
        }),
  }
  const open = () =>
    createSecrets({
      safeStorage,
      platform,
      log,
      store: { get: (name) => stored.get(name), set: (name, value) => stored.set(name, value) },
    })
  return { open, stored, lines, safeStorage }
}

describe.each([
  ['asynchronous safeStorage', false],
  ['the older safeStorage', true],
])('a secret with %s', (_what, isOld) => {
  it('survives a restart and is stored encrypted', async () => {
    const { open, stored } = machine({ isOld })
    await open().write('backend', key)
    expect([...stored.values()].join()).not.toContain(key)
    expect(Buffer.from([...stored.values()][0] ?? '', 'base64').toString()).not.toContain(key)
    expect(await open().read('backend')).toBe(key)
    expect(await open().read('another')).toBeNull()
  })

  it('is kept for this run only where there is no key store, and the log says so', async () => {
    const { open, stored, lines } = machine({ isOld, isAvailable: false })
    const secrets = open()
    await secrets.write('backend', key)
    expect(await secrets.read('backend')).toBe(key)
    expect(stored.size).toBe(0)
    expect(await open().read('backend')).toBeNull()
    expect(lines.map(({ level }) => level)).toEqual(['warn'])
  })

  it('is called unprotected where Linux encrypts with a public key', async () => {
    const { open, lines } = machine({ isOld, backend: 'basic_text' })
    await open().write('backend', key)
    expect(lines[0]?.message).toContain('unprotected')
    expect(JSON.stringify(lines)).not.toContain(key)
  })
})

it('is nothing, and no crash, when the key it was encrypted with is gone', async () => {
  const { open, lines, safeStorage } = machine()
  await open().write('backend', key)
  Object.assign(safeStorage, { decryptStringAsync: () => Promise.reject(new Error('keyring changed')) })
  expect(await open().read('backend')).toBeNull()
  expect(lines.map(({ level }) => level)).toEqual(['error'])
})
