type Write = (fields: object, message: string) => void

/** The little of pino that the backend uses: the message is constant, facts are fields. */
export interface Log {
  readonly info: Write
  readonly warn: Write
  readonly error: Write
}

/** For an embedding host that gives no log. */
export const silentLog: Log = { info: () => undefined, warn: () => undefined, error: () => undefined }
