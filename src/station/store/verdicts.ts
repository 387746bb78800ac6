import { z } from 'zod'
import { unused, type PassUse } from '#contract/gate/pass.ts'
import { scanTypeSchema, type ScanType } from '#contract/gate/scan-api.ts'
import { judgementSchema, verdictCodeSchema, type Judgement, type VerdictCode } from '#contract/gate/verdict.ts'
import type { Clock } from '#contract/ports.ts'
import { comparedSchema, gateVerdictSchema, type GateVerdict } from '#contract/station/gate.ts'
import type { Instant } from '#contract/station/values.ts'
import { useAfter } from '#domain/gate/judge.ts'
import { canonicalJson } from '#domain/canonical-json.ts'
import type { Database, Row, SqlValue } from '#station/store/database.ts'
import { sha256, type Ledger } from '#station/store/ledger.ts'

export interface NewVerdict {
  readonly id: string
  readonly at: Instant
  readonly data: string
  readonly type: ScanType
  readonly deviceName: string
  readonly passId: string | null
  readonly passType: string | null
  readonly judgement: Judgement
  readonly tookMs: number
  readonly report: GateVerdict['report']
  /** The list's change that tells of it; null while the site has not been told. */
  readonly change: number | null
  readonly override: { readonly id: string; readonly reason: string; readonly by: string } | null
}

/** A verdict that the site has to be told of, or whose taking back it has. */
export interface Report {
  readonly id: string
  readonly at: Instant
  readonly gate: string
  readonly data: string
  readonly type: ScanType
  readonly deviceName: string
  readonly code: VerdictCode
  readonly countsEntry: boolean
  readonly override: { readonly reason: string; readonly by: string } | null
  readonly isDue: boolean
  /** Why the admission was taken back, when the site has to be told of that. */
  readonly undo: string | null
}

interface PassOrValue {
  readonly passId: string | null
  readonly data: string
}

/** What was decided at the gate: rows that are added, taken back and compared, and never deleted. */
export interface Verdicts {
  add(verdict: NewVerdict): void
  get(id: string): GateVerdict | null
  /** The value that was read, which no window is told. */
  scanOf(id: string): { data: string; type: ScanType; passId: string | null; passType: string | null } | null
  list(limit: number, isDifferent: boolean): GateVerdict[]
  /** Takes an admission back; false when there is none to take back. */
  undo(id: string, reason: string, isReported: boolean): boolean
  /**
   * What this station knows a pass was used for here and a list up to the change `listed` does not tell; null: all of it.
   * By the pass, or by the value where none is known.
   */
  useOf(pass: PassOrValue, event: string, listed: number | null): PassUse
  /** The oldest of those that the site has to be told of. */
  nextReports(limit: number): Report[]
  /** Those of one pass, oldest first. */
  reportsOf(pass: PassOrValue): Report[]
  /** The site was told, or did not take it; a second time changes nothing. */
  settle(
    id: string,
    report: 'sent' | 'refused' | 'doubtful',
    compared: GateVerdict['compared'],
    change: number | null,
  ): void
  undoSettled(id: string): void
  /** Of the minutes from that of an instant on. */
  figures(since: Instant): { admitted: number; denied: number; referred: number; exited: number }
  /** By minute, as `2026-11-21T09:30`, from that of an instant on. */
  perMinute(since: Instant): Map<string, { admitted: number; denied: number }>
  waiting(): number
  differences(): number
  /** People inside, by what this station alone has seen. */
  inside(event: string): number
}

/** Of an instant, as `2026-11-21T09:30`. */
const minuteLength = 16

/** The columns that never change. */
const contentColumns = [
  'id',
  'at',
  'gate',
  'event',
  'direction',
  'data',
  'type',
  'device_name',
  'pass_id',
  'pass_type',
  'result',
  'code',
  'mode',
  'counts_entry',
  'judgement',
  'took_ms',
  'overrides',
  'reason',
  'by_whom',
] as const

/** The digest of what a verdict's row says for good. */
export const verdictContent = (row: Row): string =>
  sha256(
    canonicalJson(
      Object.fromEntries(
        contentColumns.map((name) => {
          const value = row[name] ?? null
          return [name, value instanceof Uint8Array ? null : value]
        }),
      ),
    ),
  )

/** The site has to be told of it, or of its taking back. */
const isDue = `report = 'waiting' OR undo_report = 'waiting'`

/** Keeps them in the `verdicts` table; the figures follow by its triggers, so that none grows slower with the rows. */
export function createVerdicts(database: Database, clock: Clock, ledger: Ledger): Verdicts {
  const one = (id: string): Row | undefined => database.get('SELECT * FROM verdicts WHERE id = ?', id)
  const count = (sql: string, ...values: SqlValue[]): number => Number(database.get(sql, ...values)?.['n'] ?? 0)

  return {
    add(verdict) {
      const { judgement, override } = verdict
      const row = {
        id: verdict.id,
        at: verdict.at,
        gate: judgement.inputs.gate,
        event: judgement.inputs.event,
        direction: judgement.inputs.direction,
        data: verdict.data.toWellFormed(),
        type: verdict.type,
        device_name: verdict.deviceName,
        pass_id: verdict.passId,
        pass_type: verdict.passType,
        result: judgement.result,
        code: judgement.code,
        mode: judgement.mode,
        counts_entry: judgement.countsEntry ? 1 : 0,
        judgement: JSON.stringify(judgement),
        took_ms: verdict.tookMs,
        overrides: override?.id ?? null,
        reason: override?.reason ?? null,
        by_whom: override?.by ?? null,
      } as const
      const names = Object.keys(row)
      database.transaction(() => {
        database.run(
          `INSERT INTO verdicts (${names.join(', ')}, report, settled_at, change)
           VALUES (${names.map(() => '?').join(', ')}, ?, ?, ?)`,
          ...Object.values(row),
          verdict.report,
          verdict.report === 'sent' ? clock.now().toISOString() : null,
          verdict.change,
        )
        const { code, mode } = judgement
        const content = verdictContent(row)
        ledger.append({ kind: 'gate.judged', verdict: verdict.id, code, mode, content, overrides: row.overrides })
      })
    },
    get(id) {
      const row = one(id)
      return row ? toVerdict(row) : null
    },
    scanOf(id) {
      const row = one(id)
      if (!row) return null
      return {
        data: String(row['data']),
        type: scanTypeSchema.parse(row['type']),
        passId: row['pass_id'] as string | null,
        passType: row['pass_type'] as string | null,
      }
    },
    list: (limit, isDifferent) =>
      database
        .all(`SELECT * FROM verdicts ${isDifferent ? 'WHERE agrees = 0' : ''} ORDER BY number DESC LIMIT ?`, limit)
        .map(toVerdict),
    undo: (id, reason, isReported) =>
      database.transaction(() => {
        const { changes } = database.run(
          `UPDATE verdicts SET undone_at = ?, undo_reason = ?, undo_report = ?
           WHERE id = ? AND result = 'admit' AND code <> 'admitted_again' AND undone_at IS NULL`,
          clock.now().toISOString(),
          reason,
          isReported ? 'waiting' : 'none',
          id,
        )
        if (changes > 0) ledger.append({ kind: 'gate.undone', verdict: id })
        return changes > 0
      }),
    useOf({ passId, data }, event, listed) {
      const rows = database.all(
        `SELECT at, gate, type, code, counts_entry FROM verdicts
         WHERE ${passId === null ? 'data = ?' : 'pass_id = ?'} AND event = ? AND result = 'admit' AND undone_at IS NULL
           AND (? IS NULL OR change IS NULL OR change > ?)
         ORDER BY number`,
        passId ?? data.toWellFormed(),
        event,
        listed,
        listed,
      )
      return rows.reduce<PassUse>((use, row) => {
        const movement = { at: String(row['at']), gate: String(row['gate']), input: String(row['type']) }
        return useAfter(use, verdictCodeSchema.parse(row['code']), row['counts_entry'] === 1, movement)
      }, unused)
    },
    nextReports: (limit) =>
      database.all(`SELECT * FROM verdicts WHERE ${isDue} ORDER BY number LIMIT ?`, limit).map(toReport),
    reportsOf: ({ passId, data }) =>
      database
        .all(
          `SELECT * FROM verdicts WHERE (pass_id = ? OR data = ?) AND (${isDue}) ORDER BY number`,
          passId,
          data.toWellFormed(),
        )
        .map(toReport),
    settle(id, report, compared, change) {
      database.transaction(() => {
        const { changes } = database.run(
          `UPDATE verdicts SET report = ?, settled_at = ?, compared = ?, agrees = ?, change = ?
           WHERE id = ? AND report = 'waiting'`,
          report,
          clock.now().toISOString(),
          compared && JSON.stringify(compared),
          compared && (compared.agrees ? 1 : 0),
          change,
          id,
        )
        if (changes === 0) return
        const { code = null, agrees = null } = compared ?? {}
        ledger.append({ kind: 'gate.settled', verdict: id, report, code, agrees })
      })
    },
    undoSettled: (id) => void database.run(`UPDATE verdicts SET undo_report = 'sent' WHERE id = ?`, id),
    figures(since) {
      const row = database.get(
        `SELECT sum(admitted) AS admitted, sum(denied) AS denied, sum(referred) AS referred, sum(exited) AS exited
         FROM gate_minutes WHERE minute >= ?`,
        since.slice(0, minuteLength),
      )
      const of = (name: string): number => Number(row?.[name] ?? 0)
      return { admitted: of('admitted'), denied: of('denied'), referred: of('referred'), exited: of('exited') }
    },
    perMinute(since) {
      const rows = database.all(
        'SELECT minute, admitted, denied FROM gate_minutes WHERE minute >= ?',
        since.slice(0, minuteLength),
      )
      return new Map(
        rows.map((row) => [
          String(row['minute']),
          { admitted: Number(row['admitted']), denied: Number(row['denied']) },
        ]),
      )
    },
    waiting: () => count(`SELECT count(*) AS n FROM verdicts WHERE ${isDue}`),
    differences: () => count('SELECT count(*) AS n FROM verdicts WHERE agrees = 0'),
    inside: (event) =>
      Math.max(0, Number(database.get('SELECT inside FROM gate_events WHERE event = ?', event)?.['inside'] ?? 0)),
  }
}

function toReport(row: Row): Report {
  return {
    id: String(row['id']),
    at: String(row['at']),
    gate: String(row['gate']),
    data: String(row['data']),
    type: scanTypeSchema.parse(row['type']),
    deviceName: String(row['device_name']),
    code: verdictCodeSchema.parse(row['code']),
    countsEntry: row['counts_entry'] === 1,
    override: row['overrides'] === null ? null : { reason: String(row['reason']), by: String(row['by_whom'] ?? '') },
    isDue: row['report'] === 'waiting',
    undo: row['undo_report'] === 'waiting' ? String(row['undo_reason']) : null,
  }
}

const storedSchema = z.object({ judgement: judgementSchema, compared: comparedSchema.nullable() })

function toVerdict(row: Row): GateVerdict {
  const { judgement, compared } = storedSchema.parse({
    judgement: JSON.parse(String(row['judgement'])),
    compared: row['compared'] === null ? null : JSON.parse(String(row['compared'])),
  })
  return gateVerdictSchema.parse({
    id: row['id'],
    at: row['at'],
    gate: row['gate'],
    direction: row['direction'],
    type: row['type'],
    hint: [...String(row['data'])].slice(-4).join(''),
    result: row['result'],
    code: row['code'],
    mode: row['mode'],
    path: judgement.path,
    usedBefore: judgement.usedBefore,
    countsEntry: row['counts_entry'] === 1,
    passType: row['pass_type'],
    dataAgeMs: judgement.inputs.dataAgeMs,
    tookMs: row['took_ms'],
    overrides: row['overrides'],
    reason: row['reason'],
    undone: row['undone_at'] === null ? null : { at: row['undone_at'], reason: row['undo_reason'] },
    report: row['report'],
    compared,
  })
}
