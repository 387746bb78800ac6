import type { SafeStorage } from 'electron'
import type { Log } from '#contract/ports.ts'

/** Keeps a few secrets: encrypted by the platform's key store, or, where there is none, in a file that its owner alone may read. */
export interface Secrets {
  /**
   * Null when there is none, or when the platform's key that it was encrypted with is gone for good. Rejects while the key
   * store is locked or not there: whoever took that for none would write another one over it.
   */
  read(name: string): Promise<string | null>
  write(name: string, value: string): Promise<void>
  /** Where they are kept on this machine. */
  place(): Promise<'key_store' | 'file'>
}

export interface SecretsPorts {
  /** Electron 45's asynchronous methods where they are there, the older ones else (the test runtime). */
  readonly safeStorage: Pick<
    SafeStorage,
    'encryptString' | 'decryptString' | 'isEncryptionAvailable' | 'getSelectedStorageBackend'
  > &
    Partial<Pick<SafeStorage, 'encryptStringAsync' | 'decryptStringAsync' | 'isAsyncEncryptionAvailable'>>
  /** Where the values lie: electron-store, its file for its owner alone. */
  readonly store: { get(name: string): unknown; set(name: string, value: string): void }
  readonly platform: NodeJS.Platform
  readonly log: Log
}

/** What stands before a secret that nothing has encrypted. */
const plain = 'plain:'

const keyStoreLocked =
  "what this kiosk keeps secret is encrypted, and this machine's key store is locked or not running: open it, and start Capstan again"

/** Secrets behind Electron's `safeStorage`; call it once the app is ready. */
export function createSecrets({ safeStorage, store, platform, log }: SecretsPorts): Secrets {
  const place = async (): Promise<'key_store' | 'file'> => {
    const isAvailable = await (safeStorage.isAsyncEncryptionAvailable?.() ?? safeStorage.isEncryptionAvailable())
    // What Chromium calls basic text is encrypted with a key that everybody knows.
    const isPublic = platform === 'linux' && safeStorage.getSelectedStorageBackend() === 'basic_text'
    return isAvailable && !isPublic ? 'key_store' : 'file'
  }
  let hasSaidLocked = false
  const write = async (name: string, value: string): Promise<void> => {
    if ((await place()) === 'file') {
      log.warn({ name }, 'unprotected secret: this machine has no key store, so that it lies in a file of its owner')
      store.set(name, plain + Buffer.from(value).toString('base64'))
      return
    }
    const encrypted = await (safeStorage.encryptStringAsync?.(value) ?? safeStorage.encryptString(value))
    store.set(name, encrypted.toString('base64'))
  }
  return {
    place,
    write,
    async read(name) {
      const stored = store.get(name)
      if (typeof stored !== 'string') return null
      if (stored.startsWith(plain)) {
        const value = Buffer.from(stored.slice(plain.length), 'base64').toString()
        // The machine has got a key store since.
        if ((await place()) === 'key_store') await write(name, value)
        return value
      }
      if ((await place()) === 'file') {
        if (!hasSaidLocked) log.error({ name }, keyStoreLocked)
        hasSaidLocked = true
        throw new Error(keyStoreLocked)
      }
      try {
        const encrypted = Buffer.from(stored, 'base64')
        return safeStorage.decryptStringAsync === undefined
          ? safeStorage.decryptString(encrypted)
          : (await safeStorage.decryptStringAsync(encrypted)).result
      } catch (error) {
        log.error({ err: error, name }, 'secret cannot be decrypted; give it again')
        return null
      }
    },
  }
}
