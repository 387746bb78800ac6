import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { SpawnImaging } from './process.ts'

/**
 * For glibc, which would give each of libvips' threads a heap of its own and keep what was freed in it: with these it takes
 * 0.2 GB for photos of 12 MP, not 0.35, in the same time (docs/adr/0003). Other systems do not look at them.
 */
const frugal = { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: String(1024 * 1024) }

/**
 * The imaging process as a child of plain Node.
 *
 * `workerPath` is only needed where the code was bundled; from source it is found beside this file. What the child
 * prints goes to our standard error, since standard output belongs to results.
 */
export function forkImaging(workerPath = fileURLToPath(new URL('./worker.ts', import.meta.url))): SpawnImaging {
  return () => {
    const env = { ...frugal, ...process.env }
    const child = fork(workerPath, [], { execArgv: [], stdio: ['ignore', 2, 2, 'ipc'], env })
    return {
      // A send to a process that has just died is answered by its exit, not by an exception here.
      send: (message) => void child.send(message as object, () => {}),
      onMessage: (listener) => void child.on('message', listener),
      onExit: (listener) => {
        let told = false
        const tell = (reason: string) => {
          if (told) return
          told = true
          listener(reason)
        }
        child.once('exit', (code, signal) => tell(signal ?? `exit code ${code}`))
        child.once('error', (error) => tell(error.message))
      },
      kill: () => void child.kill('SIGKILL'),
    }
  }
}
