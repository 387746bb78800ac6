import { fork } from 'node:child_process'

/** A process that works for this one, whoever has started it: plain Node or Electron. */
export interface Child<Sent = unknown> {
  send(message: Sent): void
  onMessage(listener: (message: unknown) => void): void
  /** Called once, however it ended; `reason` is for the log. */
  onExit(listener: (reason: string) => void): void
  /** Ends it at once, whatever it is doing, as far as the platform can. */
  kill(): void
}

/** Starts one. */
export type SpawnChild<Sent = unknown> = () => Child<Sent>

/** A child of plain Node. What it prints goes to our standard error, since standard output belongs to results. */
export function forkChild<Sent>(path: string): Child<Sent> {
  const child = fork(path, [], { execArgv: [], stdio: ['ignore', 2, 2, 'ipc'] })
  return {
    // A send to a process that has just died is answered by its exit, not by an exception here.
    send: (message) => void child.send(message as object, () => {}),
    onMessage: (listener) => void child.on('message', listener),
    onExit(listener) {
      let isTold = false
      const tell = (reason: string): void => {
        if (isTold) return
        isTold = true
        listener(reason)
      }
      child.once('exit', (code, signal) => tell(signal ?? `exit code ${code}`))
      child.once('error', (error) => tell(error.message))
    },
    kill: () => void child.kill('SIGKILL'),
  }
}
