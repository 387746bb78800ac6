import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { root } from '../../tools/set-up.mjs'

let data: string
let child: ChildProcess | null
let errors = ''

beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'capstan-kiosk-'))
  child = null
  errors = ''
})
afterEach(() => {
  child?.kill('SIGKILL')
  rmSync(data, { recursive: true, force: true })
})

/** Starts `capstan kiosk` without a display: it prints its address and waits. */
function start(...args: string[]) {
  const { DISPLAY: _, WAYLAND_DISPLAY: __, ELECTRON_OVERRIDE_DIST_PATH: ___, ...env } = process.env
  const started = spawn(process.execPath, [join(root, 'src/cli/capstan.ts'), 'kiosk', '--data', data, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  })
  child = started
  started.stderr.on('data', (chunk) => (errors += String(chunk)))
  // Closed, so that its last words are here too.
  const exited = new Promise<number | null>((resolve) => started.once('close', resolve))
  const lines = createInterface({ input: started.stdout })[Symbol.asyncIterator]()
  const firstLine = async () => {
    const { value } = (await lines.next()) as { value: string | undefined }
    return value === undefined ? null : (JSON.parse(value) as { listening: string; host: string })
  }
  return { process: started, exited, firstLine }
}

/** The page behind an address, as a browser gets it: the token becomes a cookie, the redirect is followed. */
async function openPage(url: string): Promise<Response> {
  const redirect = await fetch(url, { redirect: 'manual' })
  const cookie = (redirect.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
  return fetch(new URL('/', url), { headers: { cookie } })
}

describe('capstan kiosk', () => {
  it('says in one line where it listens and in one sentence why, and serves the window there', async () => {
    const kiosk = start('--host', 'web', '--port', '0')
    const line = await kiosk.firstLine()
    expect(line).toMatchObject({
      host: 'web',
      listening: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/\?token=/) as string,
    })
    const page = await openPage(line?.listening ?? '')
    expect(page.status).toBe(200)
    expect(await page.text()).toContain('<title>Capstan</title>')
    await expect.poll(() => errors).toContain('The web host was asked for.')
  })

  it.each(['SIGTERM', 'SIGINT'] as const)('closes everything in order on %s', async (signal) => {
    const kiosk = start('--host', 'web', '--port', '0')
    const line = await kiosk.firstLine()
    kiosk.process.kill(signal)
    expect(await kiosk.exited).toBe(0)
    await expect(fetch(line?.listening ?? '')).rejects.toThrow()
    // What is closed can be opened again.
    const again = start('--host', 'web', '--port', '0')
    expect(await again.firstLine()).toMatchObject({ host: 'web' })
    again.process.kill(signal)
    expect(await again.exited).toBe(0)
  })

  it('refuses a second kiosk on the same data folder', async () => {
    const first = start('--host', 'web', '--port', '0')
    await first.firstLine()
    const second = start('--host', 'web', '--port', '0')
    expect(await second.exited).not.toBe(0)
    expect(errors).toContain('conflict')
    first.process.kill('SIGTERM')
    expect(await first.exited).toBe(0)
  })

  it('does not exchange a port that was asked for', async () => {
    const taken = createServer()
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve))
    const { port } = taken.address() as { port: number }
    const kiosk = start('--host', 'web', '--port', String(port))
    expect(await kiosk.exited).toBe(2)
    expect(errors).toContain('EADDRINUSE')
    taken.close()
  })

  it.each([
    ['a host that is none', ['--host', 'firefox'], 'electron or web'],
    ['a port that is none', ['--port', '70000'], '65535'],
    ['a backend in the clear on another machine', ['--backend', 'http://192.168.1.4:4000'], 'https'],
    ['an option it does not know', ['--speed', '9'], 'speed'],
  ])('refuses %s with a sentence', async (_what, args, words) => {
    const kiosk = start(...args)
    expect(await kiosk.exited).toBe(2)
    expect(errors).toContain(words)
  })
})
