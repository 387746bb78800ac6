/**
 * Every failure a caller is expected to handle. Adding one is a contract change.
 *
 * Programs branch on the code; people read a translated sentence for it, never `message`.
 */
export const errorCodes = [
  /** The input does not fit its schema or breaks a rule that `message` names. */
  'invalid_input',
  /** The named session, capture, product or file does not exist. */
  'not_found',
  /** The state forbids it: a session that has ended, a capture already undone. */
  'conflict',
  /** The backend cannot be reached; what was captured is kept and sent later. */
  'offline',
  /** The backend refuses the key: nothing is sent until there is a new one. */
  'unauthorised',
  /** The backend answered with a refusal of its own; `message` carries its words. */
  'refused',
  /** A scanner or camera is missing, taken or not permitted. */
  'device_unavailable',
  /** The disk is full or the store is read-only: the scan was NOT saved. */
  'storage_full',
  /** No room is left for photos; what is left of the disk is kept for scans, which go on. */
  'photos_full',
  /** The bytes are no image that can be read. */
  'unreadable_image',
  /** The image or message is larger than the limit in `message`. */
  'too_large',
  /** Only for staff: it takes a grant of `staff.unlock` for the purpose that the detail `purpose` names. */
  'locked',
  /** The window has lost the station: what it asked for may not have been done, a scan counts as NOT saved. */
  'disconnected',
  /** A bug; the log has the details under the same instant. */
  'internal',
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** An expected failure as plain data: it survives structured clone and JSON. */
export interface AppError {
  readonly code: ErrorCode
  /** For the log and the developer, in English. */
  readonly message: string
  /** Field-level faults of `invalid_input`: a path such as `quantity` and what is wrong with it. */
  readonly details?: readonly { readonly field: string; readonly message: string }[]
}

/** What every procedure answers: a value, or an expected failure. Exceptions are bugs. */
export type Result<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: AppError }

/** Wraps a success. */
export function ok<T>(value: T): Result<T> {
  return { ok: true, value }
}

/** Wraps an expected failure. */
export function fail(code: ErrorCode, message: string, details?: AppError['details']): Result<never> {
  return { ok: false, error: details === undefined ? { code, message } : { code, message, details } }
}
