import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openTestStore, temporaryFolder } from '../station/parts.ts'
import { startServer } from '../station/scripted-server.ts'
import { startBackend } from '../station/start-station.ts'
import { runCapstan } from './run-capstan.ts'

async function examine(...args: string[]) {
  const { code, lines } = await runCapstan(['doctor', '--json', ...args])
  const byCheck = new Map(lines.map((line) => [line['check'], line]))
  return { code, of: (check: string) => byCheck.get(check) }
}

describe('capstan doctor', () => {
  it('finds nothing wrong with a sound folder and a backend that knows the key', async () => {
    const backend = await startBackend()
    const data = temporaryFolder()
    openTestStore({ dataDir: data }).close()
    const { code, of } = await examine('--data', data, '--backend', backend.url, '--api-key', backend.apiKey)
    expect(code).toBe(0)
    for (const check of ['Node', 'data folder', 'disk space', 'store', 'backend', 'API key', 'clock']) {
      expect(of(check)).toMatchObject({ state: 'ok', nextStep: '' })
    }
    // This one was started without readers of photos, and is no less of a backend for it.
    expect(of('photos')).toMatchObject({ state: 'warning', detail: expect.stringContaining('no proposals') as string })
    expect(of('cameras')).toBeDefined()
    expect(of('USB permissions')).toBeDefined()
  })

  it('finds a damaged store, a folder that cannot be, and tells the next step for each', async () => {
    const data = temporaryFolder()
    writeFileSync(join(data, 'station.sqlite'), 'this is no database '.repeat(100))
    const damaged = await examine('--data', data)
    expect(damaged.code).toBe(1)
    expect(damaged.of('store')).toMatchObject({
      state: 'fault',
      nextStep: expect.stringContaining('sets the damaged file aside') as string,
    })
    const below = await examine('--data', join(data, 'station.sqlite', 'x'))
    expect(below.code).toBe(1)
    expect(below.of('data folder')).toMatchObject({ state: 'fault' })
    expect(below.of('data folder')?.['nextStep']).not.toBe('')
  })

  it('finds a kiosk that has stopped to answer', async () => {
    const data = temporaryFolder()
    openTestStore({ dataDir: data }).close()
    expect((await examine('--data', data)).of('kiosk')).toMatchObject({ state: 'ok' })
    const beat = (at: number, isReady: boolean) =>
      writeFileSync(
        join(data, 'heartbeat.json'),
        JSON.stringify({ pid: 7, at: new Date(at).toISOString(), boot: 'b', monotonicMs: 1, isReady }),
      )
    beat(Date.now(), true)
    expect((await examine('--data', data)).of('kiosk')).toMatchObject({ state: 'ok' })
    beat(Date.now(), false)
    expect((await examine('--data', data)).of('kiosk')).toMatchObject({ state: 'warning' })
    beat(Date.now() - 600_000, true)
    const hung = await examine('--data', data)
    expect(hung.code).toBe(1)
    expect(hung.of('kiosk')).toMatchObject({ state: 'fault', detail: expect.stringMatching(/for 6\d\d s/) as string })
  })

  it('tells a backend that is not there from a key that it refuses, and never prints the key', async () => {
    const nobody = await examine('--backend', 'http://127.0.0.1:9')
    expect(nobody.code).toBe(1)
    expect(nobody.of('backend')).toMatchObject({ state: 'fault' })
    expect(nobody.of('API key')).toBeUndefined()

    const backend = await startBackend()
    const run = await runCapstan(['doctor', '--json', '--backend', backend.url, '--api-key', 'wrong-key'])
    expect(run.code).toBe(1)
    expect(run.lines.find((line) => line['check'] === 'API key')).toMatchObject({ state: 'fault' })
    expect(run.stdout.toString() + run.stderr).not.toContain('wrong-key')
    expect((await examine('--backend', 'not an address')).of('backend')).toMatchObject({ state: 'fault' })
  })

  it('finds a clock that is an hour off', async () => {
    const server = await startServer(() => ({
      status: 200,
      body: { data: [] },
      headers: { date: new Date(Date.now() - 3_600_000).toUTCString() },
    }))
    const { of } = await examine('--backend', server.url)
    expect(of('clock')).toMatchObject({ state: 'fault', nextStep: expect.stringContaining('NTP') as string })
    expect(String(of('clock')?.['detail'])).toContain('ahead of')
  })

  it('speaks to people without --json, and says what it was not asked to check', async () => {
    const { code, stdout } = await runCapstan(['doctor'])
    expect(code).toBe(0)
    expect(stdout.toString()).toMatch(/^ok +Node: version/m)
    expect(stdout.toString()).toMatch(/^look +data folder: not checked\n +-> .*--data DIR/m)
  })

  it('writes the rules for scanners into another root, as the repository has them, and not by accident', async () => {
    const root = temporaryFolder()
    expect(await runCapstan(['doctor', '--root', root])).toMatchObject({ code: 2, lines: [] })
    const { code, stderr } = await runCapstan(['doctor', '--json', '--fix', '--root', root])
    expect(code).toBe(0)
    const path = join(root, 'etc/udev/rules.d/70-capstan-scanners.rules')
    expect(stderr).toContain(path)
    const kept = new URL('../../../resources/udev/70-capstan-scanners.rules', import.meta.url)
    expect(readFileSync(path, 'utf8')).toBe(readFileSync(kept, 'utf8'))
  })
})
