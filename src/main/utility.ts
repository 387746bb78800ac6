import type { UtilityProcess, utilityProcess } from 'electron'

/** A process beside this one, as the imaging and the embedded backend have it. */
interface UtilityChild {
  send(message: unknown): void
  onMessage(listener: (message: unknown) => void): void
  onExit(listener: (reason: string) => void): void
  kill(): void
}

/**
 * Starts Electron utility processes. No forks: a packaged Electron cannot run as Node (fuse `runAsNode`). Imaging is one
 * because sharp's GLib collides with the one Electron links; the backend, because its commits would hold up scans.
 * They end with this process.
 */
export function createUtilitySpawner(
  utility: Pick<typeof utilityProcess, 'fork'>,
  workerPath: string,
  serviceName: string,
): () => UtilityChild {
  return () => {
    const child: UtilityProcess = utility.fork(workerPath, [], {
      serviceName,
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    let gone = false
    child.once('exit', () => (gone = true))
    return {
      // What is posted to a process that has gone is answered by its exit.
      send: (message) => {
        if (!gone) child.postMessage(message)
      },
      onMessage: (listener) => void child.on('message', listener),
      onExit: (listener) => void child.once('exit', (code) => listener(`exit code ${code}`)),
      kill: () => void child.kill(),
    }
  }
}
