/** A station reduced to its imaging: reads one image, tells the imaging process's id, and waits to be killed. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { createImaging } from '#station/imaging/imaging.ts'

const worker = fileURLToPath(import.meta.resolve('#station/imaging/worker.ts'))
const imaging = createImaging({
  spawn: () => {
    const child = fork(worker, [], { execArgv: [], stdio: ['ignore', 2, 2, 'ipc'] })
    pid = child.pid ?? 0
    return {
      send: (message) => void child.send(message as object),
      onMessage: (listener) => void child.on('message', listener),
      onExit: (listener) => void child.on('exit', () => listener('')),
      kill: () => void child.kill('SIGKILL'),
    }
  },
})
let pid = 0
const result = await imaging.decode({ path: process.argv[2] ?? '' })
process.send?.({ pid, result })
