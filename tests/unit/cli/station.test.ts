import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { writeControlCode } from '#domain/control-code.ts'
import { openStoreForReading, systemClock, timeOrderedIds } from '#station/index.ts'
import { temporaryFolder, until } from '../station/parts.ts'
import { startBackend } from '../station/start-station.ts'
import { runCapstan, startCapstan, toLines } from './run-capstan.ts'

const scans = (...codes: string[]): string => codes.map((data) => `${JSON.stringify({ data })}\n`).join('')
const exported = async (data: string) => (await runCapstan(['export', '--data', data, '--format', 'ndjson'])).lines

describe('capstan station --stdin', () => {
  it('answers each line in order, after its commit, and ends', async () => {
    const data = temporaryFolder()
    const { code, lines, stderr } = await runCapstan(['station', '--data', data, '--stdin'], scans('A', 'B', 'A'))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(lines).toMatchObject([{ sequence: 1 }, { sequence: 2 }, { sequence: 3, outcome: 'repeated' }])
    const rows = await exported(data)
    expect(rows.map((row) => row['id'])).toEqual(lines.map((line) => line['saved']))
    expect(rows.map((row) => row['raw'])).toEqual(['A', 'B', 'A'])
  })

  it('obeys control barcodes in their place, and keeps none of them', async () => {
    const data = temporaryFolder()
    const codes = [
      writeControlCode({ kind: 'location', location: 'A-01' }),
      'A',
      writeControlCode({ kind: 'quantity', quantity: 4 }),
      'B',
      `]C0${writeControlCode({ kind: 'undo' })}`,
      'XCTRLUNDOBB',
    ]
    const { code, lines } = await runCapstan(['station', '--data', data, '--stdin'], scans(...codes))
    expect(code).toBe(0)
    expect(lines).toEqual([
      { control: 'LOCATION', location: 'A-01', line: 1 },
      { saved: expect.any(String) as string, sequence: 1 },
      { control: 'QUANTITY', quantity: 4, capture: lines[1]?.['saved'], line: 3 },
      { saved: expect.any(String) as string, sequence: 2 },
      { control: 'UNDO', capture: lines[3]?.['saved'], line: 5 },
      { error: { code: 'invalid_input', message: expect.stringContaining('damaged') as string }, line: 6 },
    ])
    expect(await exported(data)).toMatchObject([
      { raw: 'A', quantity: 4, location: 'A-01', disposition: 'counted' },
      { raw: 'B', quantity: 1, location: 'A-01', disposition: 'undone' },
    ])
  })

  it('has an answer for every line that is none, and saves the others', async () => {
    const data = temporaryFolder()
    const input = `${scans('A')}\n{"data":\n{"data":7}\n{"data":""}\n${scans('x'.repeat(501), '4006381333932')}`
    const { code, lines } = await runCapstan(['station', '--data', data, '--stdin'], input)
    expect(code).toBe(0)
    expect(
      lines.map((line) => ('saved' in line ? line['sequence'] : (line['error'] as { code: string }).code)),
    ).toEqual([1, 'invalid_input', 'invalid_input', 'invalid_input', 'invalid_input', 2, 3])
    expect(lines.filter((line) => 'error' in line).map((line) => line['line'])).toEqual([2, 3, 4, 5])
    // A wrong check digit is kept, without a GTIN.
    expect((await exported(data)).at(-1)).toMatchObject({ raw: '4006381333932', gtin: null })
  })

  it('sends everything to the backend before it ends, and not with --no-drain', async () => {
    const backend = await startBackend()
    const data = temporaryFolder()
    const args = ['station', '--data', data, '--stdin', '--backend', backend.url]
    const key = { CAPSTAN_API_KEY: backend.apiKey }
    expect((await runCapstan([...args, '--no-drain'], scans('4006381333931'), key)).code).toBe(0)
    const { code, stderr } = await runCapstan(args, scans('4006381333931', 'TEXT'), key)
    expect(code).toBe(0)
    expect(stderr).not.toContain(backend.apiKey)
    expect((await exported(data)).map((row) => [row['state'], row['sync']])).toEqual([
      ['COMPLETED', 'sent'],
      ['COMPLETED', 'sent'],
      ['NOT_FOUND', 'sent'],
    ])
  })

  it('goes on in the session of a run that was stopped', async () => {
    const data = temporaryFolder()
    const first = startCapstan(['station', '--data', data, '--stdin'])
    first.child.stdin.write(scans('A'))
    await until(() => first.stdout().includes('saved'))
    first.child.kill('SIGTERM')
    expect(await first.ended).toMatchObject({ code: 0, signal: null })
    await runCapstan(['station', '--data', data, '--stdin'], scans('B'))
    const rows = await exported(data)
    expect(rows.map((row) => row['raw'])).toEqual(['A', 'B'])
    expect(new Set(rows.map((row) => row['session'])).size).toBe(1)
  })

  it('opens no session for an empty input, and ends none that another run has left open', async () => {
    const data = temporaryFolder()
    expect(await runCapstan(['station', '--data', data, '--stdin'])).toMatchObject({ code: 0, stderr: '', lines: [] })
    const first = startCapstan(['station', '--data', data, '--stdin'])
    first.child.stdin.write(scans('A'))
    await until(() => first.stdout().includes('saved'))
    first.child.kill('SIGTERM')
    await first.ended
    expect(await runCapstan(['station', '--data', data, '--stdin'])).toMatchObject({ code: 0, stderr: '', lines: [] })
    const store = openStoreForReading(data, { clock: systemClock, ids: timeOrderedIds })
    if (!store.ok) throw new Error(store.error.message)
    onTestFinished(() => store.value.close())
    expect(store.value.sessions.list(10)).toMatchObject([{ state: 'ACTIVE', totals: { scans: 1 } }])
  })

  it('can be stopped while it waits for a backend that is not there', async () => {
    const data = temporaryFolder()
    const run = startCapstan(['station', '--data', data, '--stdin', '--backend', 'http://127.0.0.1:9'])
    run.child.stdin.end(scans('A'))
    await until(() => run.stdout().includes('saved'))
    // The input is over once the session has ended; the station is now waiting for the backend.
    await until(async () => (await exported(data)).length === 1)
    run.child.kill('SIGTERM')
    const { code, stderr } = await run.ended
    expect({ code, stderr: stderr.includes('Error') }).toEqual({ code: 0, stderr: false })
    expect(await exported(data)).toMatchObject([{ raw: 'A', sync: 'waiting' }])
  })

  it('keeps everything and ends with 3 when the key is refused', async () => {
    const backend = await startBackend()
    const data = temporaryFolder()
    const wrong = ['station', '--data', data, '--stdin', '--backend', backend.url, '--api-key', 'wrong-key']
    const { code, lines, stderr } = await runCapstan(wrong, scans('A', 'B'))
    expect(code).toBe(3)
    expect(lines).toHaveLength(2)
    expect(stderr).toContain('refuses the key')
    expect(stderr).not.toContain('wrong-key')
    expect((await exported(data)).map((row) => row['sync'])).toEqual(['waiting', 'waiting'])

    const right = [...wrong.slice(0, -1), backend.apiKey]
    expect((await runCapstan(right)).code).toBe(0)
    expect((await exported(data)).map((row) => row['sync'])).toEqual(['sent', 'sent'])
  })

  it.each([
    ['no data folder', ['--stdin'], '--data'],
    ['an unknown option', ['--data', 'x', '--frobnicate'], '--frobnicate'],
    ['an address that is none', ['--data', 'x', '--backend', 'ftp://host'], '--backend'],
  ])('does not start with %s, and says why in one line', async (_, args, words) => {
    const { code, stdout, stderr } = await runCapstan(['station', ...args])
    expect(code).toBe(2)
    expect(stdout.length).toBe(0)
    expect(JSON.parse(stderr)).toMatchObject({
      error: { code: 'invalid_input', message: expect.stringContaining(words) as string },
    })
  })

  it('does not start in the folder of another one, nor below a file', async () => {
    const data = temporaryFolder()
    const holder = startCapstan(['station', '--data', data, '--stdin'])
    holder.child.stdin.write(scans('A'))
    await until(() => holder.stdout().includes('saved'))
    const second = await runCapstan(['station', '--data', data, '--stdin'], scans('B'))
    expect(second.code).toBe(2)
    expect(toLines(second.stderr)).toMatchObject([{ error: { code: 'conflict' } }])

    writeFileSync(join(data, 'file'), '')
    const below = await runCapstan(['station', '--data', join(data, 'file', 'x'), '--stdin'], scans('B'))
    expect(below.code).toBe(2)
    expect(toLines(below.stderr)).toMatchObject([{ error: { code: 'storage_full' } }])
  })
})
