import type { SafeStorage } from 'electron'
import type { Log } from '#contract/ports.ts'

/** Keeps a few secrets, encrypted by the platform's key store. */
export interface Secrets {
  /** Null when there is none, or when the platform's key that it was encrypted with is gone. */
  read(name: string): Promise<string | null>
  /** Keeps it; without a key store only until the program ends, and the log says so. */
  write(name: string, value: string): Promise<void>
}

export interface SecretsPorts {
  /** Electron 45's asynchronous methods where they are there, the older ones else (the test runtime). */
  readonly safeStorage: Pick<
    SafeStorage,
    'encryptString' | 'decryptString' | 'isEncryptionAvailable' | 'getSelectedStorageBackend'
  > &
    Partial<Pick<SafeStorage, 'encryptStringAsync' | 'decryptStringAsync' | 'isAsyncEncryptionAvailable'>>
  /** Where the encrypted values lie: electron-store. */
  readonly store: { get(name: string): unknown; set(name: string, value: string): void }
  readonly platform: NodeJS.Platform
  readonly log: Log
}

/** Secrets behind Electron's `safeStorage`; call it once the app is ready. */
export function createSecrets({ safeStorage, store, platform, log }: SecretsPorts): Secrets {
  const forThisRun = new Map<string, string>()

  return {
    async read(name) {
      const kept = forThisRun.get(name)
      if (kept !== undefined) return kept
      const stored = store.get(name)
      if (typeof stored !== 'string') return null
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
    async write(name, value) {
      const isAvailable = await (safeStorage.isAsyncEncryptionAvailable?.() ?? safeStorage.isEncryptionAvailable())
      if (!isAvailable) {
        forThisRun.set(name, value)
        log.warn({ name }, 'no key store on this machine: the secret is kept until the program ends')
        return
      }
      if (platform === 'linux' && safeStorage.getSelectedStorageBackend() === 'basic_text') {
        log.warn({ name }, 'unprotected secret: without a keyring it is encrypted with a key that is public')
      }
      const encrypted = await (safeStorage.encryptStringAsync?.(value) ?? safeStorage.encryptString(value))
      store.set(name, encrypted.toString('base64'))
    },
  }
}
