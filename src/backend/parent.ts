import { constants, setPriority } from 'node:os'
import process from 'node:process'

/** What Electron adds to `process` in a utility process. */
interface ParentPort {
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): void
  postMessage(message: unknown): void
}

/**
 * The other end of a `Child`: whoever has started this process, over Electron's `parentPort` in a `utilityProcess` or Node's
 * IPC channel in a fork.
 */
export interface Parent<Sent> {
  /** `after` is called once it is on its way, as far as the carrier tells. */
  send(message: Sent, after?: () => void): void
  onMessage(listener: (message: unknown) => void): void
}

/** Takes the parent's side of this process: it ends with its parent and not by Ctrl+C, and lets others go first. */
export function openParent<Sent>(): Parent<Sent> {
  const port = (process as { parentPort?: ParentPort }).parentPort
  try {
    // A person who scans, or waits for an answer, goes first.
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // Some containers forbid even that.
  }
  // Ctrl+C reaches the whole foreground group; the parent decides what becomes of work that is under way.
  process.on('SIGINT', () => {})
  // Nobody asks any more, and the next parent wants the folder. Electron ends its utility processes itself.
  if (!port) process.on('disconnect', () => process.exit())
  return {
    send(message, after = () => undefined) {
      if (port) {
        port.postMessage(message)
        setImmediate(after)
      } else if (process.send) process.send(message, after)
      else after()
    },
    onMessage(listener) {
      if (port) port.on('message', ({ data }) => listener(data))
      else process.on('message', listener)
    },
  }
}
