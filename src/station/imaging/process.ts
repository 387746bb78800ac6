/**
 * A running imaging process, whoever started it: Node's `child_process.fork` or Electron's `utilityProcess`.
 *
 * Each listener is set once, right after the start; no message is lost in between.
 */
export interface ImagingProcess {
  send(message: unknown): void
  onMessage(listener: (message: unknown) => void): void
  /** Called once, however the process ended; `reason` is for the log. */
  onExit(listener: (reason: string) => void): void
  /** Ends it at once, whatever it is doing. */
  kill(): void
}

/** Starts one imaging process. */
export type SpawnImaging = () => ImagingProcess
