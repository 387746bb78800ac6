import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
/** One that stands nowhere in the program: Chromium keeps that in its cache. */
const code = '7319452086177'
const label = 'a session that nobody else has'

describe.skipIf(why !== null)('the kiosk on a machine with a key store', () => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-electron-keys-'))
  let keyStore: KeyStore
  let site: Backend
  let recoveryKey = ''

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

  const data = join(folder, 'data')
  const open = async (...more: readonly string[]): Promise<Kiosk> => {
    const kiosk = await openKiosk(
      [...keyStore.arguments, '--data', data, '--backend', site.url, ...more],
      undefined,
      keyStore.env,
    )
    onTestFailed(() => console.error(kiosk.output()))
    return kiosk
  }
  /** Uses a kiosk with a keyring of that name, and ends both. */
  const withKiosk = async (
    [name, state]: readonly [name: string, state: 'open' | 'locked'],
    more: readonly string[],
    use: (kiosk: Kiosk) => Promise<void>,
  ): Promise<void> => {
    await keyStore.start(name, state)
    try {
      const kiosk = await open(...more)
      try {
        await use(kiosk)
      } finally {
        await kiosk.close()
      }
    } finally {
      await keyStore.stop()
    }
  }
  const ask = async (kiosk: Kiosk, name: string, input: unknown = {}): Promise<unknown> => {
    const answer = await kiosk.call(name, input)
    if (!answer.ok) throw new Error(`${name}: ${JSON.stringify(answer.error)}`)
    return answer.value
  }
  const isOnline = (kiosk: Kiosk): Promise<void> =>
    vi.waitFor(async () => expect(await ask(kiosk, 'station.status')).toMatchObject({ backend: { state: 'online' } }), {
      timeout: 60_000,
      interval: 100,
    })
  const secretsFile = join(data, 'electron', 'secrets.json')
  const stored = (): string => readFileSync(secretsFile, 'utf8')
  /** Every file below the data folder, and whether something is in it; one that Chromium removes meanwhile has nothing. */
  const filesWith = (text: string): readonly string[] =>
    readdirSync(data, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => {
        try {
          return readFileSync(path).includes(text)
        } catch {
          return false
        }
      })

  it('keeps what it is given encrypted with a key that the key store has, and its data with another', async () => {
    await withKiosk(['own', 'open'], ['--api-key-file', join(folder, 'key')], async (kiosk) => {
      expect(
        await kiosk.app.evaluate(({ safeStorage }) => [
          safeStorage.isEncryptionAvailable(),
          safeStorage.getSelectedStorageBackend(),
        ]),
      ).toEqual([true, 'gnome_libsecret'])
      await ask(kiosk, 'gate.key', { secret: walletKey })
      const secrets = Object.values(JSON.parse(stored()) as Record<string, string>)
      expect(secrets.length).toBeGreaterThanOrEqual(3)
      for (const secret of secrets) {
        expect(secret).not.toMatch(/^plain:/)
        for (const key of [apiKey, walletKey]) expect(Buffer.from(secret, 'base64').includes(key)).toBe(false)
      }
      expect(await ask(kiosk, 'about.get')).toMatchObject({ secrets: 'key_store', dataKey: 'key_store' })
      expect(kiosk.output()).not.toContain('unprotected secret')
      recoveryKey = ((await ask(kiosk, 'recoveryKey.show')) as { recoveryKey: string }).recoveryKey
      await ask(kiosk, 'session.open', { label })
      await ask(kiosk, 'scan.submit', { data: code, source: 'manual' })
      await kiosk.page.getByText(code).first().waitFor()
      // The site's answers hold it too.
      await vi.waitFor(
        async () => expect(await ask(kiosk, 'station.status')).toMatchObject({ queue: { waiting: 0 } }),
        { timeout: 60_000, interval: 100 },
      )
      // In the store, its log, and all that Chromium keeps; what is looked for would be found.
      expect(filesWith('wallet')).toContain(secretsFile)
      expect([...filesWith(code), ...filesWith(label), ...filesWith(recoveryKey)]).toEqual([])
    })
    expect([...filesWith(code), ...filesWith(label)]).toEqual([])
    // Chromium's own databases hold nothing of ours.
    const own = filesWith('SQLite format 3').filter((path) => !path.startsWith(join(data, 'electron')))
    expect(own).toEqual([])
  })

  it.each([
    ['locked', 'own'],
    ['open', 'made anew'],
  ] as const)(
    'does not begin anew with a key store that is %s (%s), says what to do, and leaves all as it is',
    async (state, name) => {
      const before = stored()
      // Where people stand before it, the window says it; at a desk it is a dialog, which waits for them.
      await withKiosk([name, state], ['--kiosk'], async ({ page }) => {
        await page.getByText('Put it into the file recovery-key.txt in the data folder.').waitFor()
        await page.getByText('Nothing is lost').waitFor()
      })
      expect(stored()).toBe(before)
    },
  )

  it('has all of it again once the key store is open, and with the recovery key where that is lost', async () => {
    const hasAll = async (kiosk: Kiosk): Promise<void> => {
      expect(await ask(kiosk, 'about.get')).toMatchObject({ secrets: 'key_store', dataKey: 'key_store' })
      expect(await ask(kiosk, 'session.current')).toMatchObject({ label })
      expect(await ask(kiosk, 'recoveryKey.show')).toEqual({ recoveryKey })
      await kiosk.page.getByText(code).first().waitFor()
    }
    await withKiosk(['own', 'open'], [], async (kiosk) => {
      await hasAll(kiosk)
      await isOnline(kiosk)
    })
    const file = join(data, 'recovery-key.txt')
    writeFileSync(file, recoveryKey)
    await withKiosk(['made anew', 'open'], [], async (kiosk) => {
      await hasAll(kiosk)
      expect(existsSync(file)).toBe(false)
    })
  })
})
