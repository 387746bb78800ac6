import { createServer } from 'node:net'
import { join } from 'node:path'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { client, engine, scanner, temporaryFolder } from './fixture.ts'
import { runBackend, startBackendProcess } from './process.ts'

describe('capstan backend', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('prints one line, answers, and ends with 0 on %s', async (signal) => {
    const folder = await temporaryFolder()
    const { child, ended } = runBackend(['--data', folder, '--port', '0', '--api-key', 'my own key'])
    await once(child.stdout ?? child, 'data')
    child.kill(signal)
    const { code, stdout } = await ended
    expect(code).toBe(0)
    expect(stdout.split('\n')).toHaveLength(2)
    expect(JSON.parse(stdout)).toEqual({
      listening: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      apiKey: 'my own key',
    })
  })

  it('prints the same key again for the same folder', async () => {
    const folder = await temporaryFolder()
    const first = await startBackendProcess(folder)
    expect((await client(first.url, first.apiKey).call('GET', `${scanner}/sessions`)).status).toBe(200)
    first.child.kill('SIGKILL')
    expect((await startBackendProcess(folder)).apiKey).toBe(first.apiKey)
  })

  // The same whatever the tests' engine is: each names a folder.
  it.runIf(engine === 'sqlite')('says in one line what is wrong and ends with 2', async () => {
    const folder = await temporaryFolder()
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const taken = String((other.address() as { port: number }).port)
    const cases: [string[], string][] = [
      [['--port', '0'], '--data'],
      [['--data', folder], '--port'],
      [['--data', folder, '--port', 'x'], '--port'],
      [['--data', folder, '--port', '0', '--colour', 'red'], '--colour'],
      [['--data', folder, '--port', '0', '--user', 'nobody'], 'EMAIL:PASSWORD'],
      [['--data', folder, '--port', '0', '--session-ttl', '-1'], 'session-ttl'],
      [['--data', folder, '--port', '0', '--products', join(folder, 'none.csv')], 'none.csv'],
      [['--data', folder, '--port', '0', '--products', folder], 'EISDIR'],
      [['--data', folder, '--port', taken], 'the port is taken'],
    ]
    try {
      for (const [args, words] of cases) {
        const { code, stdout, stderr } = await runBackend(args).ended
        expect([code, stdout], args.join(' ')).toEqual([2, ''])
        expect(stderr.trim().split('\n')).toHaveLength(1)
        expect(JSON.parse(stderr).error.message).toContain(words)
      }
    } finally {
      other.close()
    }
  })
})
