/** The wall clock, injected so that tests decide what time it is. */
export interface WallClock {
  now(): Date
}

/** Both clocks of the machine: the wall clock, which people and NTP set, and the monotonic one, which nobody does. */
export interface Clock extends WallClock {
  /** Milliseconds that never go back while the machine runs, and begin anew with `bootId`. */
  monotonicMs(): number
  /** Names the run of the machine, or of this program where the system names none. */
  readonly bootId: string
}

/** Makes local ids: UUIDv7, each greater than the one before. */
export interface Ids {
  next(): string
}

/** Structured logging, as pino has it: facts as fields, a constant message. Never a key, a pass value or a photo. */
export interface Log {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
  child(bindings: Record<string, unknown>): Log
}
