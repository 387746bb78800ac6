import { describe, expect, it } from 'vitest'
import { runCapstan, startCapstan } from '../unit/cli/run-capstan.ts'
import { temporaryFolder, until } from '../unit/station/parts.ts'
import { startBackend } from '../unit/station/start-station.ts'

const total = 1_000

describe('a station that is killed again and again while it syncs', () => {
  it('has each capture at the backend once, and knows it', async () => {
    const backend = await startBackend()
    const data = temporaryFolder()
    const args = ['station', '--data', data, '--stdin', '--backend', backend.url]
    const env = { CAPSTAN_API_KEY: backend.apiKey }
    const headers = { 'x-api-key': backend.apiKey }
    const get = async (
      path: string,
    ): Promise<{
      data: { metadata: Record<string, string> }[]
      pagination: { total_count: number; has_next: boolean }
    }> => (await (await fetch(`${backend.url}/scanner/api/v1${path}`, { headers })).json()) as never
    const count = async (): Promise<number> => (await get('/captures?page_size=1')).pagination.total_count

    const input = Array.from({ length: total }, (_, n) => `{"data":"CODE-${n}"}\n`).join('')
    expect((await runCapstan(['station', '--data', data, '--stdin', '--no-drain'], input)).lines).toHaveLength(total)

    // Killed at growing numbers of captures: in the beginning, between, in the middle of answers on their way.
    const killAt = [1, 40, 41, 130, 270, 400, 555, 700, 860, 990]
    let kills = 0
    for (const at of killAt) {
      const run = startCapstan(args, env)
      // Standard input stays open: the run does not end by itself.
      await until(async () => (await count()) >= at)
      run.child.kill('SIGKILL')
      if ((await run.ended).signal === 'SIGKILL') kills += 1
    }
    expect(kills).toBe(killAt.length)
    expect((await runCapstan(args, '', env)).code).toBe(0)

    const there: string[] = []
    for (let page = 1; ; page += 1) {
      const { data: captures, pagination } = await get(`/captures?page_size=100&page=${page}`)
      there.push(...captures.map((capture) => capture.metadata['station_capture'] ?? ''))
      if (!pagination.has_next) break
    }
    const rows = (await runCapstan(['export', '--data', data, '--format', 'ndjson'])).lines
    expect(rows).toHaveLength(total)
    expect(there).toHaveLength(total)
    expect(there.toSorted()).toEqual(rows.map((row) => String(row['id'])).toSorted())
    expect(new Set(rows.map((row) => row['sync']))).toEqual(new Set(['sent']))
    expect(new Set(rows.map((row) => row['state']))).toEqual(new Set(['NOT_FOUND']))
    // One session here is one session there, ended once everything was in it; runs without a scan leave empty ones.
    const sessions = (await get('/sessions?page_size=100')).data as unknown as {
      status: string
      capture_count: number
    }[]
    expect(sessions.filter((session) => session.capture_count > 0)).toMatchObject([
      { status: 'COMPLETED', capture_count: total },
    ])
  })
})
