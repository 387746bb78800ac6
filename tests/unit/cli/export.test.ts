import { parse } from 'csv-parse/sync'
import { describe, expect, it } from 'vitest'
import { addCapture, openTestSession, openTestStore, temporaryFolder } from '../station/parts.ts'
import { readCells } from '../station/export/xlsx-cells.ts'
import { runCapstan, toLines } from './run-capstan.ts'

const raws = ['00012', '1e5', '0104006381333931\u001D10LOT', '📦', 'a,"b"\r\nc']

function makeFolder(): { data: string; session: string } {
  const data = temporaryFolder()
  const store = openTestStore({ dataDir: data })
  const session = openTestSession(store)
  for (const raw of raws) addCapture(store, session.id, { raw })
  store.close()
  return { data, session: session.id }
}

describe('capstan export', () => {
  it('prints NDJSON, CSV and a workbook with the same codes, verbatim', async () => {
    const { data } = makeFolder()
    const run = async (format: string) => {
      const { code, stdout, stderr } = await runCapstan(['export', '--data', data, '--format', format])
      expect({ format, code, stderr }).toEqual({ format, code: 0, stderr: '' })
      return stdout
    }
    expect(toLines((await run('ndjson')).toString()).map((row) => row['raw'])).toEqual(raws)
    const rows = parse(await run('csv'), { columns: true }) as Record<string, string>[]
    expect(rows.map((row) => row['raw'])).toEqual(raws)
    const cells = readCells(await run('xlsx'))
    const column = cells[0]?.findIndex((cell) => cell.text === 'raw') ?? -1
    const texts = cells.slice(1).map((row) => row[column]?.text)
    expect(texts.slice(0, 4)).toEqual(['00012', '1e5', '0104006381333931_x001D_10LOT', '📦'])
    expect(cells.slice(1).every((row) => row[column]?.isNumber === false)).toBe(true)
  })

  it('reads beside a running station', async () => {
    const data = temporaryFolder()
    const store = openTestStore({ dataDir: data })
    const session = openTestSession(store)
    addCapture(store, session.id, { raw: 'A' })
    const { code, lines } = await runCapstan(['export', '--data', data, '--format', 'ndjson'])
    expect({ code, rows: lines.length }).toEqual({ code: 0, rows: 1 })
    // And has left no lock on it.
    addCapture(store, session.id, { raw: 'B' })
  })

  it('prints one session when asked for it', async () => {
    const { data, session } = makeFolder()
    expect((await runCapstan(['export', '--data', data, '--session', session])).lines).toHaveLength(raws.length)
    const other = await runCapstan(['export', '--data', data, '--session', '00000000-0000-7000-8000-00000000dead'])
    expect(other.code).toBe(2)
    expect(toLines(other.stderr)).toMatchObject([{ error: { code: 'not_found' } }])
  })

  it.each([
    ['a folder without a store', ['--data', '/nonexistent'], 'not_found'],
    ['no folder', [], 'invalid_input'],
    ['a format nobody knows', ['--data', '/nonexistent', '--format', 'pdf'], 'invalid_input'],
  ])('says why it cannot with %s', async (_, args, error) => {
    const { code, stderr, stdout } = await runCapstan(['export', ...args])
    expect({ code, printed: stdout.length }).toEqual({ code: 2, printed: 0 })
    expect(toLines(stderr)).toMatchObject([{ error: { code: error } }])
  })
})
