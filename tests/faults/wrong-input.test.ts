import { describe, expect, it } from 'vitest'
import { runCapstan, startCapstan } from '../unit/cli/run-capstan.ts'
import { temporaryFolder, until } from '../unit/station/parts.ts'
import { startBackend } from '../unit/station/start-station.ts'

const line = (data: unknown): string => `${JSON.stringify({ data })}\n`
const exported = async (data: string) => (await runCapstan(['export', '--data', data, '--format', 'ndjson'])).lines

/** A station's command against a backend, and what the backend has in the end. */
async function connect(options: Parameters<typeof startBackend>[0] = {}) {
  const backend = await startBackend(options)
  const data = temporaryFolder()
  const headers = { 'x-api-key': backend.apiKey }
  const api = `${backend.url}/scanner/api/v1`
  return {
    data,
    run: (input: string, key = backend.apiKey, ...more: string[]) =>
      runCapstan(['station', '--data', data, '--stdin', '--backend', backend.url, ...more], input, {
        CAPSTAN_API_KEY: key,
      }),
    /** Scans into a session and is killed once the backend has settled it: the session stays open here. */
    async leave(raw: string): Promise<void> {
      const running = startCapstan(['station', '--data', data, '--stdin', '--backend', backend.url], {
        CAPSTAN_API_KEY: backend.apiKey,
      })
      running.child.stdin.write(line(raw))
      await until(async () => (await exported(data).catch(() => []))[0]?.['state'] === 'NOT_FOUND')
      running.child.kill('SIGKILL')
      await running.ended
    },
    async raws(): Promise<string[]> {
      const page = (await (await fetch(`${api}/captures?page_size=100`, { headers })).json()) as {
        data: { raw_value: string }[]
      }
      return page.data.map((capture) => capture.raw_value).toSorted()
    },
    async sessions(): Promise<{ id: string; status: string }[]> {
      return (
        (await (await fetch(`${api}/sessions`, { headers })).json()) as { data: { id: string; status: string }[] }
      ).data
    },
    remove: (id: string) => fetch(`${api}/sessions/${id}`, { method: 'DELETE', headers }),
  }
}

describe('wrong input, all of it in one run', () => {
  it('is answered line by line, kept where it is a scan, and stops nothing', async () => {
    const { data, run, raws } = await connect()
    const longest = 'x'.repeat(500)
    const tooLong = 'y'.repeat(501)
    const { code, lines, stderr } = await run(
      [
        line(longest),
        line(tooLong),
        '\n',
        '{"data":\n',
        line('4006381333932'),
        line(7),
        line('\u0000\u001D'),
        line('z'.repeat(10_000)),
        '\ufffd\u0001\n',
        line('4006381333931'),
      ].join(''),
    )
    expect({ code, stderr: stderr.includes('Error') }).toEqual({ code: 0, stderr: false })
    expect(lines.map((answer) => ('saved' in answer ? 'saved' : (answer['error'] as { code: string }).code))).toEqual([
      'saved',
      'saved',
      'invalid_input',
      'invalid_input',
      'saved',
      'invalid_input',
      'saved',
      'invalid_input',
      'invalid_input',
      'saved',
    ])
    const rows = await exported(data)
    expect(rows.map((row) => [row['raw'], row['sync'], row['state']])).toEqual([
      [longest, 'sent', 'NOT_FOUND'],
      [tooLong, 'parked', 'PENDING'],
      ['4006381333932', 'sent', expect.stringMatching(/^(FAILED|NOT_FOUND)$/)],
      ['\u0000\u001D', 'sent', expect.any(String)],
      ['4006381333931', 'sent', 'COMPLETED'],
    ])
    // The words of the backend are there for the person who has to decide.
    expect(rows[1]?.['error']).toContain('500')
    expect(rows[2]?.['error']).toContain('check digit')
    expect(await raws()).toHaveLength(4)
  })
})

describe('a wrong key', () => {
  it('ends the run with 3 and keeps everything for the right one', async () => {
    const { data, run, raws } = await connect()
    const wrong = await run(line('A') + line('B'), 'not-the-key')
    expect(wrong.code).toBe(3)
    expect(wrong.lines).toHaveLength(2)
    expect(wrong.stderr).not.toContain('not-the-key')
    expect((await exported(data)).map((row) => row['sync'])).toEqual(['waiting', 'waiting'])
    expect(await raws()).toEqual([])
    expect((await run(line('C'))).code).toBe(0)
    expect(await raws()).toEqual(['A', 'B', 'C'])
  })
})

describe('a session that the backend', () => {
  it('does not know any more goes on in another, and nothing is lost', async () => {
    const { data, run, leave, raws, sessions, remove } = await connect()
    await leave('A')
    const [session] = await sessions()
    expect((await remove(session?.id ?? '')).status).toBe(204)

    expect((await run(line('B'))).code).toBe(0)
    // The backend has thrown A away with its session: that is its word. B is there, in a continuation.
    expect(await raws()).toEqual(['B'])
    const rows = await exported(data)
    expect(rows.map((row) => [row['raw'], row['sync']])).toEqual([
      ['A', 'sent'],
      ['B', 'sent'],
    ])
    expect(new Set(rows.map((row) => row['session'])).size).toBe(1)
  })

  it('has let expire meanwhile goes on in a continuation, and nothing is lost or double', async () => {
    let offsetMs = 0
    const { data, run, leave, raws, sessions } = await connect({
      now: () => new Date(Date.now() + offsetMs),
      sessionTtlSeconds: 60,
    })
    await leave('A')
    offsetMs = 600_000
    expect((await run(line('B') + line('C'))).code).toBe(0)
    expect(await raws()).toEqual(['A', 'B', 'C'])
    const rows = await exported(data)
    expect(rows.every((row) => row['sync'] === 'sent')).toBe(true)
    expect(new Set(rows.map((row) => row['session'])).size).toBe(1)
    expect((await sessions()).map((session) => session.status).toSorted()).toEqual(['COMPLETED', 'EXPIRED'])
  })
})
