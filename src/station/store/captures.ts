import type { Clock } from '#contract/ports.ts'
import {
  captureSchema,
  syncStateSchema,
  type Capture,
  type CaptureDetail,
  type CaptureFilter,
  type CapturePage,
  type CaptureState,
  type Disposition,
  type Mark,
  type MatchedProduct,
  type SyncState,
} from '#contract/station/capture.ts'
import type { PhotoRole } from '#contract/station/camera-settings.ts'
import type { Instant } from '#contract/station/values.ts'
import type { Receipt } from '#contract/station/ledger.ts'
import type { Database, Row, SqlValue } from '#station/store/database.ts'
import { marksDigest } from '#station/store/ledger-carry.ts'
import { contentColumns, contentOf, type Ledger } from '#station/store/ledger.ts'
import type { Outbox } from '#station/store/outbox.ts'

/** A capture before the store has given it its sequence. */
export interface NewCapture extends Pick<
  Capture,
  | 'id'
  | 'sessionId'
  | 'type'
  | 'source'
  | 'deviceName'
  | 'raw'
  | 'symbologyIdentifier'
  | 'symbology'
  | 'gtin'
  | 'addOn'
  | 'elements'
  | 'warnings'
  | 'disposition'
  | 'repeatOf'
  | 'capturedAt'
  | 'photo'
  | 'photoRole'
  | 'location'
> {
  /** What makes two scans the same item within a session: GTIN (with serial number when there is one), else the raw value. */
  readonly itemKey: string
  /** How it was read; null for what did not come from a device. */
  readonly read: { readonly deviceId: string; readonly bytes: Uint8Array | null; readonly receivedMs: number } | null
  /** The monotonic clock at `capturedAt`, of the present boot. */
  readonly monotonicMs: number
  /** Content hash of the upload-ready derivative, for a photo that is to be uploaded. */
  readonly upload: string | null
  /** Of a photo of an item: the capture of the item's code, which says at the backend whose photo it is. */
  readonly ofCapture?: string | null
  /** It is not sent before so many milliseconds: another code of the item may come. 0 when left out. */
  readonly holdMs?: number
}

/** A code, and where other codes of its item may be: read by the same device at about that time, or in the same photo. */
export interface BesideQuery {
  readonly sessionId: string
  readonly gtin: string
  readonly raw: string
  /** Tells two scanners of one name apart. */
  readonly deviceId: string | null
  readonly deviceName: string
  readonly photo: string | null
  /** The others were saved since then, on the clock's monotonic time of this boot. */
  readonly sinceMs: number
  /** When it was read, on this process's monotonic clock, and how much earlier or later the others; null without a device. */
  readonly receivedMs: number | null
  readonly windowMs: number
}

/** What the store knows of an item's earlier reads in a session. */
export interface ItemHistory {
  readonly scans: number
  readonly lastCounted: { readonly captureId: string; readonly capturedAt: Instant } | null
  /** How long ago the last read was, counted or ignored. */
  readonly sinceReadMs: number | null
}

/** What the backend says of a capture. */
export interface RemoteCapture {
  readonly remoteId: string
  readonly state: CaptureState
  readonly errorMessage: string
  readonly productId: string | null
  readonly productName: string | null
  readonly gtin: string | null
}

/** Captures as the store keeps them. Rows are never deleted. */
export interface Captures {
  /** Adds one row and, when it counts, its sending; call inside a transaction. Answers the sequence. */
  add(capture: NewCapture): number
  history(sessionId: string, itemKey: string): ItemHistory
  /** The captures that a code may be one more mark of, newest first; a handful, enough for the codes of one trigger. */
  itemsBeside(code: BesideQuery): Capture[]
  /**
   * Adds one more code to an item; call inside a transaction. `best` is the place in the capture's marks, this one included,
   * of the code that stands for the item from now on; what was sent before stays as it was sent, and the backend is told of
   * the code.
   */
  join(id: string, mark: Mark, item: { itemKey: string; repeatOf: number; best: number }): void
  get(id: string): Capture | null
  /** With what is kept of its reading. */
  detail(id: string): CaptureDetail | null
  /**
   * How long after their events captures were durable, known only afterwards; a later code of an item changes nothing. Call
   * inside a transaction.
   */
  setCommitTimes(times: readonly { readonly id: string; readonly commitMs: number }[]): void
  getMany(ids: readonly string[]): Capture[]
  list(query: { sessionId: string; filter: CaptureFilter; search: string; offset: number; limit: number }): CapturePage
  /**
   * In sequence order, for exports; `sessionId` null means all, `refused` those that wait for a person. Reads in pages, so
   * that memory stays flat.
   */
  each(sessionId: string | null, which?: 'all' | 'refused'): Generator<CaptureDetail>
  newestCounted(sessionId: string): Capture | null
  /** When the newest one was taken; null when there is none. */
  lastAt(): string | null
  /** The newest that a device read or a person typed: what is meant by "the last one" at that device. */
  newestOf(sessionId: string, deviceName: string, which: 'counted' | 'any'): Capture | null
  /** Changes the quantity; the backend is told when it already has the capture. */
  setQuantity(id: string, quantity: number): void
  /** Says what its photo shows; the backend is told when it already has the photo. */
  classify(id: string, view: PhotoRole): void
  /** The capture that says whose photo this one is; null for a photo that says it itself. */
  ownerOf(id: string): Capture | null
  /** Takes it out of the count; what was sent is taken back at the backend, what was not is not sent. */
  undo(id: string, disposition?: Exclude<Disposition, 'counted'>): void
  /** It counts no more and the backend has not taken it: nothing is owed any more. Call inside a transaction. */
  forget(id: string): void
  /** A parked one waits again, a FAILED or NOT_FOUND one is looked up again. False when there is nothing to retry. */
  retry(id: string): boolean
  /**
   * A person gives a refused one up: it counts no more and nothing of it is owed. `by` is the capture that stands in its
   * place. False when it was not refused.
   */
  discard(id: string, reason: string, by: string | null): boolean
  /**
   * Puts a refused one that the backend has certainly not taken into another session, where it waits to be sent. False
   * when it is none.
   */
  move(id: string, sessionId: string): boolean
  /**
   * A person says of an undecided one that the backend has it as `remoteId`, one of the candidates or a number that they
   * have seen there, or, with null, that it has it not: then it is sent again. False when it is not undecided.
   */
  decide(id: string, remoteId: string | null): boolean
  /**
   * The backend has it; a photo that goes by itself is owed from now on. Call inside a transaction, before its sending is
   * done.
   */
  accept(id: string, remote: RemoteCapture, receipt?: Receipt | null): void
  /** The backend's later word on it; answers whether anything changed. */
  follow(id: string, remote: RemoteCapture): boolean
  /** Whether one of the station's captures is that one of the backend. */
  isClaimed(remoteId: string): boolean
  /** Ids of counted captures of a GTIN that the backend did not know, at most 500. */
  notFoundWith(gtin: string): string[]
  /** The hash of the derivative to upload. */
  uploadOf(id: string): string | null
  /** Where the backend has its photo, when that is a thing of its own there: `<session id>/photos/<photo id>`. */
  photoPlace(id: string): string | null
  /** The backend has its photo there. Call inside a transaction. */
  placePhoto(id: string, place: string): void
  /** Whether the backend has captures that it has not settled yet. */
  isUnsettled(): boolean
  /** Captures that the backend has and has not settled yet, by session. */
  unsettled(): { sessionId: string; remoteSessionId: string; captures: { id: string; remoteId: string }[] }[]
  rememberProduct(product: MatchedProduct): void
  knownProduct(gtin: string): MatchedProduct | null
  /** Buckets of counted scans over time, whatever was done to the clock; `bucketMs` at least a second, at most 60 buckets. */
  timeline(sessionId: string): { durationMs: number; bucketMs: number; timeline: { from: Instant; scans: number }[] }
  topItems(
    sessionId: string,
    limit: number,
  ): { gtin: string | null; raw: string; productName: string | null; scans: number; units: number }[]
}

const select = `
  SELECT c.*, p.id AS known_id, p.name AS known_name, p.brand AS known_brand, p.net_content AS known_net_content,
    o.state AS outbox_state, o.attempts, o.due_at, o.error_code, o.error_message AS outbox_message,
    m.raw AS mark_raw, m.symbology_identifier AS mark_identifier, m.symbology AS mark_symbology,
    m.elements AS mark_elements, m.warnings AS mark_warnings, m.add_on AS mark_add_on
  FROM captures c
  LEFT JOIN marks m ON m.number = c.best_mark
  LEFT JOIN products p ON p.gtin = c.gtin
  LEFT JOIN outbox o ON o.id =
    (SELECT x.id FROM outbox x WHERE x.capture_id = c.id ORDER BY x.state = 'parked' DESC, x.id LIMIT 1)`

/**
 * How long after a session's first counted capture each one was, in the order of the sequence: by the monotonic clock within
 * one run of the machine. Between two runs there is only the wall clock, which may have been set: it can make the step wrong,
 * never the order.
 */
const momentsQuery = `
  WITH steps AS (
    SELECT sequence, captured_at, coalesce(iif(boot_id = lag(boot_id) OVER told,
      monotonic_ms - lag(monotonic_ms) OVER told,
      1000 * (unixepoch(captured_at, 'subsec') - unixepoch(lag(captured_at) OVER told, 'subsec'))), 0) AS step
    FROM captures WHERE session_id = ? AND disposition = 'counted' WINDOW told AS (ORDER BY sequence))
  SELECT captured_at, CAST(round(sum(max(step, 0)) OVER (ORDER BY sequence)) AS INTEGER) AS at FROM steps ORDER BY sequence`

const unsettledStates = `('PENDING', 'LOOKING_UP', 'ENRICHING', 'RESOLVING', 'unknown')`

/** The index is named, or the planner reads all captures for the sake of their order. */
const unsettledFrom = `
  FROM captures c INDEXED BY captures_to_follow JOIN sessions s ON s.id = c.session_id
  WHERE c.remote_id IS NOT NULL AND c.state IN ${unsettledStates} AND c.disposition = 'counted' AND s.remote_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.capture_id = c.id AND o.kind = 'capture.retry')`

const filters: Record<CaptureFilter, string> = {
  all: '1',
  found: `c.disposition = 'counted' AND (c.raw <> '' OR c.gtin IS NOT NULL OR c.product_id IS NOT NULL)
    AND (c.state = 'COMPLETED' OR (c.state = 'PENDING' AND p.gtin IS NOT NULL))`,
  not_found: `c.disposition = 'counted' AND c.state = 'NOT_FOUND'`,
  waiting: `c.sync = 'waiting'`,
  problem: `(c.sync = 'parked' OR (c.disposition = 'counted' AND c.state = 'FAILED')
    OR EXISTS (SELECT 1 FROM outbox x WHERE x.capture_id = c.id AND x.state = 'parked'))`,
  not_counted: `c.disposition <> 'counted'`,
}

function toProduct(row: Row): MatchedProduct | null {
  const id = row['product_id'] ?? row['known_id']
  if (id === null || id === undefined) return null
  return {
    id: String(id),
    gtin: String(row['gtin'] ?? ''),
    name: String(row['product_name'] ?? row['known_name'] ?? ''),
    brand: String(row['known_brand'] ?? ''),
    netContent: String(row['known_net_content'] ?? ''),
  }
}

function toCapture(row: Row, marks: readonly Row[]): Capture {
  const isWaiting = row['outbox_state'] === 'waiting' && Number(row['attempts'] ?? 0) > 0
  return captureSchema.parse({
    id: row['id'],
    sequence: row['sequence'],
    sessionId: row['session_id'],
    type: row['type'],
    source: row['source'],
    deviceName: row['device_name'],
    ...(typeof row['mark_raw'] === 'string'
      ? toCode({
          raw: row['mark_raw'],
          symbology_identifier: row['mark_identifier'] ?? null,
          symbology: row['mark_symbology'] ?? null,
          elements: row['mark_elements'] ?? null,
          warnings: row['mark_warnings'] ?? null,
          add_on: row['mark_add_on'] ?? null,
        })
      : toCode(row)),
    gtin: row['gtin'],
    quantity: row['quantity'],
    disposition: row['disposition'],
    repeatOf: row['repeat_of'],
    capturedAt: row['captured_at'],
    state: row['state'],
    sync: onTheRoad[String(row['outbox_state'])] ?? row['sync'],
    attempts: row['attempts'] ?? 0,
    nextAttemptAt: isWaiting ? new Date(Number(row['due_at'])).toISOString() : null,
    syncError:
      row['error_code'] === null || row['error_code'] === undefined
        ? null
        : { code: row['error_code'], message: row['outbox_message'] ?? '' },
    errorMessage: row['error_message'],
    remoteId: row['remote_id'],
    product: toProduct(row),
    photo: row['photo'],
    photoRole: row['photo_view'] ?? row['photo_role'],
    location: row['location'],
    marks: marks.length === 0 ? [] : [{ ...row, read_at: row['captured_at'] ?? null }, ...marks].map(toMark),
  })
}

const toHex = (bytes: SqlValue | undefined): string | null =>
  bytes instanceof Uint8Array ? Buffer.from(bytes).toString('hex') : null

function toDetail(row: Row, marks: readonly Row[]): CaptureDetail {
  const { device_id: deviceId, bytes, received_ms: receivedMs, commit_ms: commitMs } = row
  const read =
    deviceId === null || receivedMs === null
      ? null
      : {
          deviceId: String(deviceId),
          bytes: toHex(bytes),
          receivedMs: Number(receivedMs),
          commitMs: commitMs === null ? null : Number(commitMs),
        }
  return { ...toCapture(row, marks), read }
}

/** What an item's state in the outbox adds to what the capture's row says. */
const onTheRoad: Readonly<Record<string, SyncState>> = {
  leased: 'sending',
  doubtful: 'checking',
  undecided: 'undecided',
}

/** The members of a row that are a code. */
const toCode = (row: Row): object => ({
  raw: row['raw'],
  symbologyIdentifier: row['symbology_identifier'],
  symbology: row['symbology'],
  addOn: row['add_on'] ?? null,
  elements: JSON.parse(String(row['elements'])) as unknown,
  warnings: JSON.parse(String(row['warnings'])) as unknown,
})

const toMark = (row: Row): object => ({
  ...toCode(row),
  source: row['source'],
  deviceName: row['device_name'],
  deviceId: row['device_id'],
  bytes: toHex(row['bytes']),
  readAt: row['read_at'],
})

/** Escapes LIKE's wildcards, so that a search for `100%` means just that. */
const likePattern = (text: string): string => `%${text.replaceAll(/[\\%_]/g, (character) => `\\${character}`)}%`

/** Keeps captures in their table; the session totals follow by its triggers. */
export function createCaptures(database: Database, clock: Clock, outbox: Outbox, ledger: Ledger): Captures {
  const marksOf = (row: Row): Row[] =>
    Number(row['marks']) === 0
      ? []
      : database.all('SELECT * FROM marks WHERE capture_id = ? ORDER BY number', row['id'] ?? null)
  const read = (row: Row): Capture => toCapture(row, marksOf(row))
  const get = (id: string): Capture | null => {
    const row = database.get(`${select} WHERE c.id = ?`, id)
    return row ? read(row) : null
  }

  /** By the monotonic clock when it is of the same boot: the wall clock may have been set since. */
  const sinceMs = (row: Row): number =>
    row['boot_id'] === clock.bootId && row['monotonic_ms'] !== null
      ? Math.abs(clock.monotonicMs() - Number(row['monotonic_ms']))
      : Math.abs(clock.now().getTime() - Date.parse(String(row['captured_at'])))

  /** Of every new row, known with the first one. */
  let shape: { readonly insert: string; readonly content: readonly string[] } | null = null

  const accept = (id: string, remote: RemoteCapture, receipt: Receipt | null): void => {
    writeRemote(id, remote)
    database.run(`UPDATE captures SET sync = 'sent' WHERE id = ?`, id)
    ledger.append({ kind: 'capture.accepted', capture: id, remote: remote.remoteId, receipt })
    const sent = database.get(
      `SELECT o.session_id, o.payload ->> 'session' AS sent_to FROM outbox o JOIN captures c ON c.id = o.capture_id
       WHERE o.capture_id = ? AND o.kind = 'capture.upload' AND o.payload ->> 'road' = 'photo' AND c.raw <> ''`,
      id,
    )
    if (!sent) return
    const payload = { of: sent['sent_to'] ?? null }
    outbox.add({ kind: 'photo.send', sessionId: sent['session_id'] as string, captureId: id, payload })
  }

  const writeRemote = (id: string, remote: RemoteCapture): number =>
    database.run(
      `UPDATE captures SET remote_id = ?, state = ?, error_message = ?, product_id = ?, product_name = ?,
         gtin = coalesce(gtin, ?)
       WHERE id = ? AND (remote_id, state, error_message, product_id, product_name) IS NOT (?, ?, ?, ?, ?)`,
      remote.remoteId,
      remote.state,
      remote.errorMessage,
      remote.productId,
      remote.productName,
      remote.gtin,
      id,
      remote.remoteId,
      remote.state,
      remote.errorMessage,
      remote.productId,
      remote.productName,
    ).changes

  return {
    get,
    detail(id) {
      const row = database.get(`${select} WHERE c.id = ?`, id)
      return row ? toDetail(row, marksOf(row)) : null
    },
    setCommitTimes(times) {
      for (const { id, commitMs } of times)
        database.run('UPDATE captures SET commit_ms = ? WHERE id = ? AND commit_ms IS NULL', commitMs, id)
    },
    add(capture) {
      const isSent = capture.disposition === 'counted'
      const row = {
        id: capture.id,
        session_id: capture.sessionId,
        type: capture.type,
        source: capture.source,
        device_name: capture.deviceName,
        raw: capture.raw,
        symbology_identifier: capture.symbologyIdentifier,
        symbology: capture.symbology,
        gtin: capture.gtin,
        item_key: capture.itemKey,
        elements: JSON.stringify(capture.elements),
        warnings: JSON.stringify(capture.warnings),
        quantity: 1,
        disposition: capture.disposition satisfies Disposition,
        repeat_of: capture.repeatOf,
        captured_at: capture.capturedAt,
        monotonic_ms: Math.round(capture.monotonicMs),
        boot_id: clock.bootId,
        state: 'PENDING',
        sync: isSent ? 'waiting' : 'none',
        error_message: '',
        photo: capture.photo,
        upload: capture.upload,
        location: capture.location,
        device_id: capture.read?.deviceId ?? null,
        bytes: capture.read?.bytes ?? null,
        received_ms: capture.read?.receivedMs ?? null,
        photo_role: capture.photoRole,
        of_capture: capture.ofCapture ?? null,
        add_on: capture.addOn,
      } as const
      shape ??= {
        insert: `INSERT INTO captures (${Object.keys(row).join(', ')})
          VALUES (${Object.keys(row).fill('?').join(', ')})`,
        content: contentColumns(row),
      }
      const { lastId } = database.run(shape.insert, ...Object.values(row))
      ledger.append({
        kind: 'capture.saved',
        capture: capture.id,
        number: lastId,
        session: capture.sessionId,
        content: contentOf(row, shape.content),
        disposition: row.disposition,
        sync: row.sync,
      })
      if (isSent) {
        outbox.add({
          kind: capture.upload === null ? 'capture.submit' : 'capture.upload',
          sessionId: capture.sessionId,
          captureId: capture.id,
          payload: {},
          holdMs: capture.holdMs ?? 0,
        })
      }
      return lastId
    },
    itemsBeside: ({ sessionId, gtin, raw, deviceId, deviceName, photo, sinceMs, receivedMs, windowMs }) =>
      database
        .all(
          `${select} WHERE c.id IN (SELECT id FROM captures WHERE session_id = ? AND gtin = ? ORDER BY sequence DESC LIMIT 16)
             AND c.type = 'BARCODE' AND c.source <> 'manual' AND c.disposition <> 'undone' AND NOT (c.marks = 0 AND c.raw = ?)
             AND (c.photo = ? OR (c.photo IS NULL AND ? IS NULL AND c.device_id IS ? AND c.device_name = ?
               AND c.boot_id = ? AND c.monotonic_ms >= ?
               AND (c.received_ms IS NULL OR abs(c.received_ms - ?) <= ?)))
           ORDER BY c.sequence DESC`,
          sessionId,
          gtin,
          raw,
          photo,
          photo,
          deviceId,
          deviceName,
          clock.bootId,
          Math.floor(sinceMs),
          receivedMs,
          windowMs,
        )
        .map(read),
    join(id, mark, { itemKey, repeatOf, best }) {
      database.run(
        `INSERT INTO marks (capture_id, raw, symbology_identifier, symbology, elements, warnings, source, device_name, device_id,
           bytes, read_at, add_on)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        id,
        mark.raw,
        mark.symbologyIdentifier,
        mark.symbology,
        JSON.stringify(mark.elements),
        JSON.stringify(mark.warnings),
        mark.source,
        mark.deviceName,
        mark.deviceId,
        mark.bytes === null ? null : Buffer.from(mark.bytes, 'hex'),
        mark.readAt,
        mark.addOn,
      )
      database.run(
        'UPDATE captures SET marks = marks + 1, item_key = ?, repeat_of = ? WHERE id = ?',
        itemKey,
        repeatOf,
        id,
      )
      ledger.append({ kind: 'capture.joined', capture: id, marks: marksDigest(database, id) })
      if (sentSession(id) !== null) {
        const isCounted = database.get(`SELECT 1 FROM captures WHERE id = ? AND disposition = 'counted'`, id)
        return isCounted ? tellBackend(id, 'capture.update') : undefined
      }
      // Place 0 is the capture's own code, which has no row among the marks.
      const marks = database.all('SELECT number FROM marks WHERE capture_id = ? ORDER BY number', id)
      database.run('UPDATE captures SET best_mark = ? WHERE id = ?', marks[best - 1]?.['number'] ?? null, id)
    },
    history(sessionId, itemKey) {
      const scans = database.get('SELECT scans FROM items WHERE session_id = ? AND item_key = ?', sessionId, itemKey)?.[
        'scans'
      ]
      if (scans === undefined || scans === 0) return { scans: 0, lastCounted: null, sinceReadMs: null }
      const newest = (disposition: Disposition): Row | undefined =>
        database.get(
          `SELECT sequence, id, captured_at, monotonic_ms, boot_id FROM captures WHERE session_id = ? AND item_key = ? AND disposition = ?
           ORDER BY sequence DESC LIMIT 1`,
          sessionId,
          itemKey,
          disposition,
        )
      const counted = newest('counted')
      const ignored = newest('ignored')
      const read = Number(ignored?.['sequence'] ?? 0) > Number(counted?.['sequence'] ?? 0) ? ignored : counted
      return {
        scans: Number(scans),
        lastCounted: counted ? { captureId: String(counted['id']), capturedAt: String(counted['captured_at']) } : null,
        sinceReadMs: read ? sinceMs(read) : null,
      }
    },
    getMany: (ids) => ids.map(get).filter((capture) => capture !== null),
    list(query) {
      const search = query.search.trim()
      const matches =
        search === ''
          ? ''
          : ` AND (c.raw LIKE ? ESCAPE '\\' OR c.gtin LIKE ? ESCAPE '\\' OR coalesce(c.product_name, p.name) LIKE ? ESCAPE '\\'
              OR (c.marks > 0 AND EXISTS (SELECT 1 FROM marks k WHERE k.capture_id = c.id AND k.raw LIKE ? ESCAPE '\\')))`
      const values: SqlValue[] = [query.sessionId, ...(search === '' ? [] : Array<string>(4).fill(likePattern(search)))]
      const where = ` WHERE c.session_id = ? AND ${filters[query.filter]}${matches}`
      const total = database.get(
        `SELECT count(*) AS total FROM captures c LEFT JOIN products p ON p.gtin = c.gtin${where}`,
        ...values,
      )
      const rows = database.all(
        `${select}${where} ORDER BY c.sequence DESC LIMIT ? OFFSET ?`,
        ...values,
        query.limit,
        query.offset,
      )
      return { captures: rows.map(read), total: Number(total?.['total'] ?? 0) }
    },
    *each(sessionId, which = 'all') {
      const isWanted = which === 'all' ? '' : ` AND c.sync = 'parked'`
      let after = 0
      for (;;) {
        const rows =
          sessionId === null
            ? database.all(`${select} WHERE c.sequence > ?${isWanted} ORDER BY c.sequence LIMIT 500`, after)
            : database.all(
                `${select} WHERE c.sequence > ? AND c.session_id = ?${isWanted} ORDER BY c.sequence LIMIT 500`,
                after,
                sessionId,
              )
        if (rows.length === 0) return
        for (const row of rows) yield toDetail(row, marksOf(row))
        after = Number(rows.at(-1)?.['sequence'])
      }
    },
    lastAt: () =>
      (database.get('SELECT captured_at FROM captures ORDER BY sequence DESC LIMIT 1')?.['captured_at'] as
        | string
        | undefined) ?? null,
    newestCounted(sessionId) {
      const row = database.get(
        `${select} WHERE c.session_id = ? AND c.disposition = 'counted' ORDER BY c.sequence DESC LIMIT 1`,
        sessionId,
      )
      return row ? read(row) : null
    },
    newestOf(sessionId, deviceName, which) {
      const row = database.get(
        `${select} WHERE c.session_id = ? AND c.device_name IN (?, '') ${which === 'any' ? '' : `AND c.disposition = 'counted'`}
         ORDER BY c.sequence DESC LIMIT 1`,
        sessionId,
        deviceName,
      )
      return row ? read(row) : null
    },
    setQuantity(id, quantity) {
      database.transaction(() => {
        database.run('UPDATE captures SET quantity = ? WHERE id = ?', quantity, id)
        ledger.append({ kind: 'capture.quantity', capture: id, quantity })
        tellBackend(id, 'capture.update')
      })
    },
    classify(id, view) {
      database.transaction(() => {
        database.run('UPDATE captures SET photo_view = ? WHERE id = ?', view, id)
        ledger.append({ kind: 'capture.classified', capture: id, view })
        tellBackend(id, 'capture.update')
      })
    },
    ownerOf(id) {
      const row = database.get(`${select} WHERE c.id = (SELECT of_capture FROM captures WHERE id = ?)`, id)
      return row ? read(row) : null
    },
    undo(id, disposition = 'undone') {
      database.transaction(() => {
        database.run('UPDATE captures SET disposition = ? WHERE id = ?', disposition, id)
        outbox.cancel(id, ['capture.update', 'capture.retry'])
        outbox.cancelPhoto(id)
        if (outbox.cancelSending(id)) database.run(`UPDATE captures SET sync = 'none' WHERE id = ?`, id)
        else tellBackend(id, 'capture.remove')
        const sync = syncStateSchema.parse(database.get('SELECT sync FROM captures WHERE id = ?', id)?.['sync'])
        ledger.append({ kind: 'capture.undone', capture: id, disposition, sync })
      })
    },
    forget(id) {
      outbox.cancel(id, ['capture.update', 'capture.remove', 'capture.retry'])
      database.run(`UPDATE captures SET sync = 'none' WHERE id = ?`, id)
      ledger.append({ kind: 'capture.forgotten', capture: id })
    },
    retry(id) {
      return database.transaction(() => {
        if (outbox.unpark(id)) return true
        const capture = get(id)
        const isSettled = capture?.state === 'FAILED' || capture?.state === 'NOT_FOUND'
        if (!capture || capture.disposition !== 'counted' || capture.remoteId === null || !isSettled) return false
        outbox.add({ kind: 'capture.retry', sessionId: capture.sessionId, captureId: id, payload: {} })
        database.run(`UPDATE captures SET state = 'PENDING', error_message = '' WHERE id = ?`, id)
        return true
      })
    },
    discard: (id, reason, by) =>
      database.transaction(() => {
        if (!refusedSending(id)) return false
        outbox.cancel(id, ['capture.submit', 'capture.upload', 'capture.update', 'capture.remove', 'capture.retry'])
        database.run(`UPDATE captures SET disposition = 'undone', sync = 'discarded' WHERE id = ?`, id)
        note(id, by === null ? 'discarded' : 'corrected', reason)
        ledger.append({ kind: 'capture.discarded', capture: id, reason, by })
        return true
      }),
    move: (id, sessionId) =>
      database.transaction(() => {
        const refused = refusedSending(id)
        if (!refused || refused.mayBeThere) return false
        // Out of the one session's totals and into the other's: the triggers count what counts.
        const change = (columns: string, ...values: SqlValue[]): unknown =>
          database.run(`UPDATE captures SET ${columns} WHERE id = ?`, ...values, id)
        change(`disposition = 'undone', sync = 'none'`)
        change('session_id = ?', sessionId)
        change(`disposition = 'counted', sync = 'parked'`)
        database.run('UPDATE outbox SET session_id = ? WHERE capture_id = ?', sessionId, id)
        note(id, 'moved', sessionId)
        ledger.append({ kind: 'capture.moved', capture: id, session: sessionId })
        outbox.unpark(id)
        return true
      }),
    decide: (id, remoteId) =>
      database.transaction(() => {
        const item = database.get(`SELECT id FROM outbox WHERE capture_id = ? AND state = 'undecided'`, id)
        if (!item) return false
        note(id, 'decided', remoteId ?? '')
        ledger.append({ kind: 'capture.decided', capture: id, remote: remoteId })
        if (remoteId === null) {
          outbox.resend(Number(item['id']))
          return true
        }
        accept(
          id,
          { remoteId, state: 'PENDING', errorMessage: '', productId: null, productName: null, gtin: null },
          null,
        )
        outbox.done(Number(item['id']))
        return true
      }),
    notFoundWith: (gtin) =>
      database
        .all(
          `SELECT id FROM captures WHERE gtin = ? AND state = 'NOT_FOUND' AND disposition = 'counted' LIMIT 500`,
          gtin,
        )
        .map((row) => String(row['id'])),
    accept: (id, remote, receipt = null) => accept(id, remote, receipt),
    follow: (id, remote) => writeRemote(id, remote) > 0,
    isClaimed: (remoteId) => database.get('SELECT 1 FROM captures WHERE remote_id = ?', remoteId) !== undefined,
    uploadOf: (id) =>
      (database.get('SELECT upload FROM captures WHERE id = ?', id)?.['upload'] as string | null | undefined) ?? null,
    photoPlace: (id) =>
      (database.get('SELECT remote_photo FROM captures WHERE id = ?', id)?.['remote_photo'] as
        | string
        | null
        | undefined) ?? null,
    placePhoto: (id, place) => void database.run('UPDATE captures SET remote_photo = ? WHERE id = ?', place, id),
    isUnsettled: () => database.get(`SELECT 1 ${unsettledFrom} LIMIT 1`) !== undefined,
    unsettled() {
      const rows = database.all(
        `SELECT c.id, c.remote_id, c.session_id, s.remote_id AS remote_session_id ${unsettledFrom} ORDER BY c.sequence`,
      )
      const sessions = new Map<
        string,
        { sessionId: string; remoteSessionId: string; captures: { id: string; remoteId: string }[] }
      >()
      for (const row of rows) {
        const sessionId = String(row['session_id'])
        const group = sessions.get(sessionId) ?? {
          sessionId,
          remoteSessionId: String(row['remote_session_id']),
          captures: [],
        }
        group.captures.push({ id: String(row['id']), remoteId: String(row['remote_id']) })
        sessions.set(sessionId, group)
      }
      return [...sessions.values()]
    },
    rememberProduct(product) {
      database.run(
        `INSERT INTO products (gtin, id, name, brand, net_content, seen_at, words) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET id = excluded.id, name = excluded.name, brand = excluded.brand,
           net_content = excluded.net_content, seen_at = excluded.seen_at, words = excluded.words`,
        product.gtin,
        product.id,
        product.name,
        product.brand,
        product.netContent,
        clock.now().toISOString(),
        `${product.name} ${product.brand} ${product.gtin}`.toLowerCase(),
      )
    },
    knownProduct(gtin) {
      const row = database.get('SELECT gtin, id, name, brand, net_content FROM products WHERE gtin = ?', gtin)
      if (!row) return null
      return {
        id: String(row['id']),
        gtin: String(row['gtin']),
        name: String(row['name']),
        brand: String(row['brand']),
        netContent: String(row['net_content']),
      }
    },
    timeline(sessionId) {
      const [first, ...later] = database.all(momentsQuery, sessionId)
      if (!first) return { durationMs: 0, bucketMs: 1_000, timeline: [] }
      const startMs = Date.parse(String(first['captured_at']))
      const moments = [0, ...later.map((row) => Number(row['at']))]
      const durationMs = moments.at(-1) ?? 0
      const bucketMs = Math.max(1_000, Math.ceil((durationMs + 1) / 60 / 1_000) * 1_000)
      const scans = Array.from({ length: Math.floor(durationMs / bucketMs) + 1 }, () => 0)
      for (const moment of moments) {
        const bucket = Math.floor(moment / bucketMs)
        scans[bucket] = (scans[bucket] ?? 0) + 1
      }
      return {
        durationMs,
        bucketMs,
        timeline: scans.map((count, index) => ({
          from: new Date(startMs + index * bucketMs).toISOString(),
          scans: count,
        })),
      }
    },
    topItems(sessionId, limit) {
      return database
        .all(
          `SELECT max(c.gtin) AS gtin, max(c.raw) AS raw, max(coalesce(c.product_name, p.name)) AS product_name,
                  count(*) AS scans, sum(c.quantity) AS units
           FROM captures c LEFT JOIN products p ON p.gtin = c.gtin
           WHERE c.session_id = ? AND c.disposition = 'counted' GROUP BY c.item_key ORDER BY units DESC, scans DESC LIMIT ?`,
          sessionId,
          limit,
        )
        .map((row) => ({
          gtin: row['gtin'] as string | null,
          raw: String(row['raw']),
          productName: row['product_name'] as string | null,
          scans: Number(row['scans']),
          units: Number(row['units']),
        }))
    },
  }

  /** The sending of a capture that the backend refused, and whether it may have taken it all the same. */
  function refusedSending(id: string): { readonly mayBeThere: boolean } | null {
    const row = database.get(
      `SELECT payload ->> 'session' AS sent_to FROM outbox WHERE capture_id = ? AND state = 'parked'
         AND kind IN ('capture.submit', 'capture.upload')`,
      id,
    )
    return row ? { mayBeThere: row['sent_to'] !== null } : null
  }

  /** Keeps what a person decided about a capture. */
  function note(id: string, kind: 'discarded' | 'corrected' | 'moved' | 'decided', reason: string): void {
    database.run(
      `INSERT INTO decisions (capture_id, at, kind, reason, detail) VALUES (?, ?, ?, ?, '{}')`,
      id,
      clock.now().toISOString(),
      kind,
      reason,
    )
  }

  /** A later fact about a capture: nothing to tell before its first sending, for it goes out as it is then. */
  function tellBackend(id: string, kind: 'capture.update' | 'capture.remove'): void {
    const sessionId = sentSession(id)
    if (sessionId === null) return
    outbox.cancel(id, [kind])
    outbox.add({ kind, sessionId, captureId: id, payload: {} })
  }

  /** The session of a capture that the backend has or may have; null when it certainly has not. */
  function sentSession(id: string): string | null {
    const row = database.get(
      `SELECT c.session_id, c.remote_id, o.payload ->> 'session' AS sent_to FROM captures c
       LEFT JOIN outbox o ON o.capture_id = c.id AND o.kind IN ('capture.submit', 'capture.upload') WHERE c.id = ?`,
      id,
    )
    return !row || (row['remote_id'] === null && row['sent_to'] === null) ? null : String(row['session_id'])
  }
}
