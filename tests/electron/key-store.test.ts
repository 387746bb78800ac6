import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, onTestFailed, vi } from 'vitest'
import { createBackend, type Backend } from '#backend/index.ts'
import { type KeyStore, missingKeyStore, openKeyStore } from './key-store.ts'
import { type Kiosk, missing, openKiosk } from './open-kiosk.ts'

const why = missing ?? missingKeyStore()
if (why !== null) console.warn(`tests/electron/key-store is skipped: ${why}.`)

const apiKey = 'the-key-of-the-site'
const walletKey = 'the-key-of-the-wallet'

describe.skipIf(why !== null)('the kiosk on a machine with a key store', () => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-electron-keys-'))
  let keyStore: KeyStore
  let site: Backend

  beforeAll(async () => {
    writeFileSync(join(folder, 'key'), apiKey)
    ;[keyStore, site] = await Promise.all([
      openKeyStore(),
      createBackend({ dataDir: join(folder, 'site'), port: 0, apiKey }),
    ])
  })
  afterAll(async () => {
    await keyStore?.close()
    await site?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const open = async (...more: readonly string[]): Promise<Kiosk> => {
    const kiosk = await openKiosk(
      [...keyStore.arguments, '--data', join(folder, 'data'), '--backend', site.url, ...more],
      undefined,
      keyStore.env,
    )
    onTestFailed(() => console.error(kiosk.output()))
    return kiosk
  }
  const isSite = (kiosk: Kiosk, state: string): Promise<void> =>
    vi.waitFor(
      async () => expect(await kiosk.call('station.status')).toMatchObject({ value: { backend: { state } } }),
      { timeout: 60_000, interval: 100 },
    )
  const secretsIn = (kiosk: Kiosk): Promise<unknown> =>
    kiosk.call('about.get').then(({ value }) => (value as unknown as { secrets: string }).secrets)
  const stored = (): string => readFileSync(join(folder, 'data', 'electron', 'secrets.json'), 'utf8')

  it('keeps what it is given encrypted with a key that the key store has', async () => {
    await keyStore.start('own')
    const kiosk = await open('--api-key-file', join(folder, 'key'))
    try {
      expect(
        await kiosk.app.evaluate(({ safeStorage }) => [
          safeStorage.isEncryptionAvailable(),
          safeStorage.getSelectedStorageBackend(),
        ]),
      ).toEqual([true, 'gnome_libsecret'])
      expect(await kiosk.call('gate.key', { secret: walletKey })).toMatchObject({ ok: true })
      const secrets = Object.entries(JSON.parse(stored()) as Record<string, string>)
      expect(secrets.length).toBeGreaterThanOrEqual(2)
      for (const [, secret] of secrets) {
        expect(secret).not.toMatch(/^plain:/)
        for (const key of [apiKey, walletKey]) expect(Buffer.from(secret, 'base64').includes(key)).toBe(false)
      }
      expect(await secretsIn(kiosk)).toBe('key_store')
      expect(kiosk.output()).not.toContain('unprotected secret')
      await isSite(kiosk, 'online')
    } finally {
      await kiosk.close()
      await keyStore.stop()
    }
  })

  it('says when the key store is locked, and leaves there what it cannot read', async () => {
    const before = stored()
    await keyStore.start('own', 'locked')
    const kiosk = await open()
    try {
      await isSite(kiosk, 'unauthorised')
      expect(kiosk.output()).toContain('key store is locked or not running')
      expect(stored()).toBe(before)
    } finally {
      await kiosk.close()
      await keyStore.stop()
    }
  })

  it('has it again once the key store is open', async () => {
    await keyStore.start('own')
    const kiosk = await open()
    try {
      await isSite(kiosk, 'online')
      expect(await secretsIn(kiosk)).toBe('key_store')
    } finally {
      await kiosk.close()
      await keyStore.stop()
    }
  })
})
