import type { Log as PortLog } from '#contract/ports.ts'

/** What the backend needs of a log. */
export type Log = Pick<PortLog, 'info' | 'warn' | 'error'>

/** For an embedding host that gives no log. */
export const silentLog: Log = { info: () => undefined, warn: () => undefined, error: () => undefined }
