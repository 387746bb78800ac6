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

  it.each([
    ['there is no key store', { isAvailable: false }],
    ['Linux would encrypt with a key that everybody knows', { backend: 'basic_text' }],
  ])(
    'survives a restart where %s, is called unprotected, and goes into a key store once there is one',
    async (_why, of) => {
      const { open, stored, lines, safeStorage } = machine({ isOld, ...of })
      await open().write('backend', key)
      expect([await open().read('backend'), await open().place()]).toEqual([key, 'file'])
      expect(lines.map(({ level, message }) => [level, message.slice(0, 11)])).toEqual([['warn', 'unprotected']])
      expect(JSON.stringify(lines)).not.toContain(key)
      expect(stored.get('backend')).toBe(`plain:${Buffer.from(key).toString('base64')}`)

      Object.assign(safeStorage, {
        isEncryptionAvailable: () => true,
        getSelectedStorageBackend: () => 'kwallet6',
        ...(isOld ? {} : { isAsyncEncryptionAvailable: async () => true }),
      })
      expect([await open().read('backend'), await open().place()]).toEqual([key, 'key_store'])
      expect(stored.get('backend')).not.toMatch(/^plain:/)
      expect(await open().read('backend')).toBe(key)
    },
  )
})

it.each([
  ['locked', { isEncryptionAvailable: () => false, isAsyncEncryptionAvailable: () => Promise.resolve(false) }],
  ['not running', { getSelectedStorageBackend: () => 'basic_text' }],
])(
  'is not called gone while the key store is %s, is left as it is, and is there again afterwards',
  async (_state, now) => {
    const { open, stored, lines, safeStorage } = machine()
    await open().write('backend', key)
    const [before, whole] = [new Map(stored), { ...safeStorage }]
    Object.assign(safeStorage, now)
    const secrets = open()
    await expect(secrets.read('backend')).rejects.toThrow('locked or not running')
    await expect(secrets.read('backend')).rejects.toThrow('locked or not running')
    expect(await secrets.read('another')).toBeNull()
    // Asked for with each request, it is said once.
    expect(lines.map(({ level }) => level)).toEqual(['error'])
    expect(stored).toEqual(before)
    Object.assign(safeStorage, whole)
    expect(await secrets.read('backend')).toBe(key)
  },
)

it('is nothing, and no crash, when the key it was encrypted with is gone', async () => {
  const { open, lines, safeStorage } = machine()
  await open().write('backend', key)
  Object.assign(safeStorage, { decryptStringAsync: () => Promise.reject(new Error('keyring changed')) })
  expect(await open().read('backend')).toBeNull()
  expect(lines.map(({ level }) => level)).toEqual(['error'])
})
