import type { UtilityProcess, utilityProcess } from 'electron'

/** A process beside this one, as the imaging and the embedded backend have it. */
export interface UtilityChild {
  send(message: unknown): void
  /** Called with its number in the system once it runs. */
  onStart(listener: (pid: number) => void): void
  onMessage(listener: (message: unknown) => void): void
  onExit(listener: (reason: string) => void): void
  /** Asks it to end as the platform does; `at once`, it is given no time for anything. */
  kill(how?: 'at once'): void
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
      onStart: (listener) => void child.once('spawn', () => child.pid !== undefined && listener(child.pid)),
      onMessage: (listener) => void child.on('message', listener),
      onExit: (listener) => void child.once('exit', (code) => listener(`exit code ${code}`)),
      kill(how) {
        if (gone) return
        if (how === undefined || child.pid === undefined) return void child.kill()
        try {
          process.kill(child.pid, 'SIGKILL')
        } catch {
          // It has just ended.
        }
      },
    }
  }
}
