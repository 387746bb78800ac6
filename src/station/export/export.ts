import { stringify } from 'csv-stringify/sync'
import type { SheetData } from 'write-excel-file/node'
import type { CaptureDetail } from '#contract/station/capture.ts'
import type { ExportedCaptures, ExportFormat } from '#contract/station/http.ts'
import type { Store } from '#station/store/store.ts'

/** One exported capture; the members' names are the column names, their order the column order. */
interface ExportRow {
  readonly id: string
  readonly sequence: number
  readonly session: string
  readonly type: string
  readonly raw: string
  readonly symbologyIdentifier: string
  readonly symbology: string
  readonly gtin: string
  readonly quantity: number
  readonly disposition: string
  readonly capturedAt: string
  readonly state: string
  readonly sync: string
  readonly product: string
  readonly brand: string
  readonly elements: string
  readonly error: string
  readonly source: string
  readonly device: string
  readonly photo: string
  readonly remoteId: string
  readonly location: string
  readonly photoRole: string
  readonly deviceId: string
  /** Hex. */
  readonly bytes: string
  readonly commitMs: number | string
  /** The texts of all codes of the item as a JSON array; empty when there was one. */
  readonly marks: string
  readonly addOn: string
}

const columns: readonly (keyof ExportRow)[] = [
  'id',
  'sequence',
  'session',
  'type',
  'raw',
  'symbologyIdentifier',
  'symbology',
  'gtin',
  'quantity',
  'disposition',
  'capturedAt',
  'state',
  'sync',
  'product',
  'brand',
  'elements',
  'error',
  'source',
  'device',
  'photo',
  'remoteId',
  'location',
  'photoRole',
  'deviceId',
  'bytes',
  'commitMs',
  'marks',
  'addOn',
]

export const exportTypes: Record<ExportFormat, string> = {
  ndjson: 'application/x-ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
}

/**
 * Exports captures in sequence order, raw values verbatim; `sessionId` null means all sessions, `refused` only what waits for
 * a person.
 *
 * NDJSON and CSV (RFC 4180, header line, CRLF) come in pieces as they are read; a workbook is one piece.
 * In a workbook, characters that XML cannot hold are written as `_x001D_`, which spreadsheet programs read back.
 */
export async function* exportCaptures(
  store: Pick<Store, 'captures'>,
  sessionId: string | null,
  format: ExportFormat,
  which: ExportedCaptures = 'all',
): AsyncGenerator<string | Uint8Array> {
  if (format === 'xlsx') {
    const rows = function* (): Generator<(string | number)[]> {
      for (const capture of store.captures.each(sessionId, which)) {
        const row = toRow(capture)
        yield columns.map((name) => row[name])
      }
    }
    yield await toWorkbook(columns, rows())
    return
  }
  if (format === 'csv') yield toCsv([[...columns]])
  for (const capture of store.captures.each(sessionId, which)) {
    const row = toRow(capture)
    yield format === 'csv' ? toCsv([columns.map((name) => row[name])]) : `${JSON.stringify(toJson(capture, row))}\n`
  }
}

function toRow(capture: CaptureDetail): ExportRow {
  return {
    id: capture.id,
    sequence: capture.sequence,
    session: capture.sessionId,
    type: capture.type,
    raw: capture.raw,
    symbologyIdentifier: capture.symbologyIdentifier ?? '',
    symbology: capture.symbology,
    gtin: capture.gtin ?? '',
    quantity: capture.quantity,
    disposition: capture.disposition,
    capturedAt: capture.capturedAt,
    state: capture.state,
    sync: capture.sync,
    product: capture.product?.name ?? '',
    brand: capture.product?.brand ?? '',
    elements: capture.elements.map((element) => `(${element.ai})${element.value}`).join(''),
    error: capture.syncError?.message ?? capture.errorMessage,
    source: capture.source,
    device: capture.deviceName,
    photo: capture.photo ?? '',
    remoteId: capture.remoteId ?? '',
    location: capture.location ?? '',
    photoRole: capture.photoRole ?? '',
    deviceId: capture.read?.deviceId ?? '',
    bytes: capture.read?.bytes ?? '',
    commitMs: capture.read?.commitMs ?? '',
    marks: capture.marks.length === 0 ? '' : JSON.stringify(capture.marks.map(({ raw }) => raw)),
    addOn: capture.addOn ?? '',
  }
}

/** JSON keeps what is absent apart from what is empty, and the AIs as they are. */
function toJson(capture: CaptureDetail, row: ExportRow): Record<string, unknown> {
  return {
    ...row,
    symbologyIdentifier: capture.symbologyIdentifier,
    gtin: capture.gtin,
    product: capture.product,
    brand: undefined,
    elements: capture.elements,
    photo: capture.photo,
    remoteId: capture.remoteId,
    location: capture.location,
    photoRole: capture.photoRole,
    deviceId: capture.read?.deviceId ?? null,
    bytes: capture.read?.bytes ?? null,
    commitMs: capture.read?.commitMs ?? null,
    marks: capture.marks,
    addOn: capture.addOn,
  }
}

/** Lines of RFC 4180, each ended. */
export function toCsv(rows: readonly (readonly (string | number)[])[]): string {
  return stringify(
    rows.map((row) => [...row]),
    { record_delimiter: 'windows', quoted_match: /[\r\n]|^\s|\s$/ },
  )
}

/** A workbook of one sheet under a header; texts stay texts, or leading zeros are gone. */
export async function toWorkbook(
  header: readonly string[],
  rows: Iterable<readonly (string | number)[]>,
): Promise<Uint8Array> {
  const data: SheetData = [header.map((name) => ({ value: name, fontWeight: 'bold' as const }))]
  for (const row of rows) {
    data.push(
      row.map((value) =>
        typeof value === 'number' ? { type: Number, value } : { type: String, value: escapeForXml(value) },
      ),
    )
  }
  // Loaded only here: it would cost every start a tenth of a second.
  const { default: writeXlsxFile } = await import('write-excel-file/node')
  return new Uint8Array(await writeXlsxFile(data).toBuffer())
}

/** ECMA-376 part 1, 22.9.2.19 (ST_Xstring): `_xHHHH_` for what XML 1.0 cannot hold, and for a text that looks like it. */
function escapeForXml(text: string): string {
  return text.replaceAll(/_x(?=[0-9A-Fa-f]{4}_)/g, '_x005F_x').replaceAll(
    // oxlint-disable-next-line no-control-regex -- control characters are what this is about
    /[\u0000-\u0008\u000B\u000C\u000D\u000E-\u001F\uFFFE\uFFFF]/g,
    (character) => `_x${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`,
  )
}
