import { parse } from 'csv-parse/sync'
import { describe, expect, it } from 'vitest'
import type { Mark } from '#contract/station/capture.ts'
import type { ExportFormat } from '#contract/station/http.ts'
import { exportCaptures } from '#station/export/export.ts'
import type { Store } from '#station/store/store.ts'
import { addCapture, openTestSession, openTestStore } from '../parts.ts'
import { readCells } from './xlsx-cells.ts'

const raws = [
  '00012',
  '1e5',
  '0104006381333931\u001D10LOT',
  'a,b;c "d"',
  'two\r\nlines',
  ' blank at both ends ',
  '=1+1',
  '📦 kg²',
  'tab\there',
  '<&>',
  '_x001D_ as text',
  'a\u0000b',
]

async function collect(store: Store, sessionId: string | null, format: ExportFormat): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of exportCaptures(store, sessionId, format)) pieces.push(Buffer.from(piece as string))
  return Buffer.concat(pieces)
}

function makeStore() {
  const store = openTestStore()
  const session = openTestSession(store)
  const ids = raws.map((raw) => addCapture(store, session.id, { raw }))
  return { store, session, ids }
}

describe('an export', () => {
  it('has all codes of an item, as they were read', async () => {
    const store = openTestStore()
    const id = addCapture(store, openTestSession(store).id, { raw: '4006381333931' })
    const second = '01=4006381333931;"\u001D\u0000'
    const mark: Mark = {
      raw: second,
      symbologyIdentifier: ']d2',
      symbology: 'gs1_datamatrix',
      addOn: null,
      elements: [{ ai: '10', value: 'AB' }],
      warnings: [],
      source: 'device',
      deviceName: 'reader',
      deviceId: 'usb:1',
      bytes: '1d00',
      readAt: '2026-11-21T09:00:00.100Z',
    }
    const item = { itemKey: 'gtin:04006381333931', repeatOf: 0, best: 0 }
    store.transaction(() => store.captures.join(id, mark, item))
    const line = JSON.parse((await collect(store, null, 'ndjson')).toString()) as { marks: unknown }
    expect(line).toMatchObject({ raw: '4006381333931', marks: [{ raw: '4006381333931', deviceName: '' }, mark] })
    const [row] = parse<Record<string, string>>(await collect(store, null, 'csv'), { columns: true })
    expect(JSON.parse(row?.['marks'] ?? '')).toEqual(['4006381333931', second])
    const cells = readCells(await collect(store, null, 'xlsx'))
    expect(JSON.parse(cells[1]?.find(({ text }) => text.startsWith('['))?.text ?? '')).toEqual([
      '4006381333931',
      second,
    ])
  })

  it.each(['ndjson', 'csv'] as const)('as %s has the add-on of a periodical', async (format) => {
    const store = openTestStore()
    const { id: session } = openTestSession(store)
    addCapture(store, session, { raw: '9771234567003', addOn: '05' })
    addCapture(store, session, { raw: '4006381333931' })
    const text = (await collect(store, null, format)).toString()
    const rows =
      format === 'csv'
        ? parse<Record<string, unknown>>(text, { columns: true })
        : text
            .trimEnd()
            .split('\n')
            .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(rows.map(({ addOn }) => addOn)).toEqual(['05', format === 'csv' ? '' : null])
  })

  it('as NDJSON has a row for each capture in sequence order, raw values verbatim', async () => {
    const { store, session, ids } = makeStore()
    const lines = (await collect(store, null, 'ndjson')).toString().trimEnd().split('\n')
    const rows = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(rows.map((row) => row['raw'])).toEqual(raws)
    expect(rows.map((row) => row['id'])).toEqual(ids)
    expect(rows[0]).toMatchObject({
      sequence: 1,
      session: session.id,
      type: 'BARCODE',
      symbology: 'unknown',
      gtin: null,
      quantity: 1,
      capturedAt: '2026-11-21T09:00:00.000Z',
      state: 'PENDING',
      sync: 'waiting',
    })
  })

  it('as CSV is read back by another program as it was', async () => {
    const { store } = makeStore()
    const text = (await collect(store, null, 'csv')).toString()
    const rows: Record<string, string>[] = parse(text, { columns: true })
    expect(rows.map((row) => row['raw'])).toEqual(raws)
    expect(text.split('\r\n')[0]).toMatch(/^id,sequence,session,type,raw,/)
  })

  it('as a workbook keeps codes as text and control characters as the standard writes them', async () => {
    const { store } = makeStore()
    const cells = readCells(await collect(store, null, 'xlsx'))
    const header = cells[0]?.map((cell) => cell.text) ?? []
    const column = (name: string) => cells.slice(1).map((row) => row[header.indexOf(name)])
    expect(column('raw').every((cell) => cell?.isNumber === false)).toBe(true)
    expect(column('sequence').map((cell) => cell?.isNumber)).toEqual(raws.map(() => true))
    const texts = column('raw').map((cell) => cell?.text ?? '')
    expect(texts[0]).toBe('00012')
    expect(texts[2]).toBe('0104006381333931_x001D_10LOT')
    expect(texts[10]).toBe('_x005F_x001D_ as text')
    // What a spreadsheet program makes of it again (ECMA-376 part 1, 22.9.2.19).
    const decoded = texts.map((text) =>
      text.replaceAll(/_x([0-9A-Fa-f]{4})_/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    )
    expect(decoded).toEqual(raws)
  })

  it('of one session has only that one, and of an empty one its header', async () => {
    const { store, session } = makeStore()
    store.sessions.end(session.id)
    const other = openTestSession(store)
    expect((await collect(store, other.id, 'ndjson')).toString()).toBe('')
    expect((await collect(store, other.id, 'csv')).toString().trimEnd().split('\r\n')).toHaveLength(1)
    expect(readCells(await collect(store, other.id, 'xlsx'))).toHaveLength(1)
    addCapture(store, other.id, { raw: 'MINE' })
    const rows = parse((await collect(store, other.id, 'csv')).toString(), { columns: true }) as Record<
      string,
      string
    >[]
    expect(rows.map((row) => row['raw'])).toEqual(['MINE'])
  })

  it('tells why something was refused', async () => {
    const { store } = makeStore()
    const [create] = store.outbox.lease(1)
    store.transaction(() => {
      store.sessions.linkRemote(create?.sessionId ?? '', 'S1')
      store.outbox.done(create?.id ?? 0)
    })
    const [item] = store.outbox.lease(1)
    store.transaction(() => store.outbox.park(item?.id ?? 0, { code: 'validation_error', message: 'too long' }, true))
    const [row] = (await collect(store, null, 'ndjson')).toString().split('\n')
    expect(JSON.parse(row ?? '')).toMatchObject({ sync: 'parked', error: 'too long' })
    const refused: unknown[] = []
    for await (const piece of exportCaptures(store, null, 'ndjson', 'refused')) refused.push(piece)
    expect(refused).toEqual([`${row}\n`])
  })
})
