import type { UtilityProcess, utilityProcess } from 'electron'
import type { SpawnImaging } from '#station/index.ts'

/**
 * The imaging process as an Electron utility process. Not a fork: a packaged Electron cannot run as Node (fuse
 * `runAsNode`), and sharp's GLib collides with the one Electron links if it runs in the main process.
 */
export function createImagingSpawner(utility: Pick<typeof utilityProcess, 'fork'>, workerPath: string): SpawnImaging {
  return () => {
    const child: UtilityProcess = utility.fork(workerPath, [], {
      serviceName: 'imaging',
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
