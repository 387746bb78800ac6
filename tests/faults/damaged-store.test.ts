import { readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCapstan } from '../unit/cli/run-capstan.ts'
import { temporaryFolder } from '../unit/station/parts.ts'
import { startBackend } from '../unit/station/start-station.ts'

const total = 3_000
const input = Array.from({ length: total }, (_, n) => `{"data":"CODE-${String(n).padStart(5, '0')}"}\n`).join('')

async function fill(): Promise<{ data: string; store: string; raws: string[] }> {
  const data = temporaryFolder()
  expect((await runCapstan(['station', '--data', data, '--stdin', '--no-drain'], input)).lines).toHaveLength(total)
  const raws = Array.from({ length: total }, (_, n) => `CODE-${String(n).padStart(5, '0')}`)
  return { data, store: join(data, 'station.sqlite'), raws }
}

describe('a station whose store was damaged while it was off', () => {
  it.each([
    [
      'noise in its middle',
      (path: string) => {
        const bytes = readFileSync(path)
        bytes.fill(0x5a, Math.floor(bytes.length / 2), Math.floor(bytes.length / 2) + 3 * 4_096)
        writeFileSync(path, bytes)
      },
    ],
    ['its end cut off', (path: string) => truncateSync(path, Math.floor(statSync(path).size * 0.9))],
  ])('(%s) starts, scans, and sends what it could save', async (_, damage) => {
    const { data, store, raws } = await fill()
    damage(store)
    const doctor = await runCapstan(['doctor', '--data', data])
    expect(doctor.code).toBe(1)

    const backend = await startBackend()
    const args = ['station', '--data', data, '--stdin', '--backend', backend.url]
    const run = await runCapstan(args, '{"data":"AFTER"}\n', { CAPSTAN_API_KEY: backend.apiKey })
    expect(run.code).toBe(0)
    expect(run.lines).toMatchObject([{ sequence: total + 1 }])
    expect(run.stderr).toContain('set aside')
    expect(readdirSync(join(data, 'set-aside'))).toContainEqual(expect.stringMatching(/^station-.*\.sqlite$/))

    const rows = (await runCapstan(['export', '--data', data, '--format', 'ndjson'])).lines
    const saved = rows.map((row) => String(row['raw']))
    expect(saved.at(-1)).toBe('AFTER')
    expect(saved.length).toBeGreaterThan(total / 2)
    expect(saved.slice(0, -1)).toEqual(raws.filter((raw) => saved.includes(raw)))
    expect(new Set(rows.map((row) => row['sync']))).toEqual(new Set(['sent']))
    expect((await runCapstan(['doctor', '--data', data])).code).toBe(0)
    expect((await runCapstan(['verify', '--data', data])).code).toBe(0)
  })

  it('(no database any more) starts anew and keeps the file', async () => {
    const { data, store } = await fill()
    writeFileSync(store, 'overwritten by mistake')
    const run = await runCapstan(['station', '--data', data, '--stdin'], '{"data":"AFTER"}\n')
    expect({ code: run.code, lines: run.lines.length }).toEqual({ code: 0, lines: 1 })
    const [aside] = readdirSync(join(data, 'set-aside')).filter((name) => name.endsWith('.sqlite'))
    expect(readFileSync(join(data, 'set-aside', aside ?? ''), 'utf8')).toBe('overwritten by mistake')
  })
})
