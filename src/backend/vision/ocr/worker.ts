/**
 * The process that reads photos: takes paths, answers pages, ends with its parent.
 *
 * It speaks over whichever carrier it was started with: Electron's `parentPort` in a `utilityProcess`, Node's IPC
 * channel in a fork.
 */
import { constants, setPriority } from 'node:os'
import process from 'node:process'
import { fail, type Result } from '#contract/result.ts'
import type { Page } from './page.ts'
import { createReader } from './reader.ts'
import type { ReaderMessage, ReadJob, SmallPhoto } from './reader-process.ts'

/** What Electron adds to `process` in a utility process. */
interface ParentPort {
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): void
  postMessage(message: unknown): void
}

const parentPort = (process as { parentPort?: ParentPort }).parentPort

function send(message: ReaderMessage): void {
  if (parentPort) parentPort.postMessage(message)
  else process.send?.(message)
}

try {
  // A batch of photos must not make a request wait.
  setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
} catch {
  // Some containers forbid even that.
}

const reader = createReader()

async function run(job: ReadJob): Promise<Result<Page | SmallPhoto>> {
  try {
    return job.kind === 'read' ? await reader.read(job.path) : await reader.shrink(job.path, job.limits)
  } catch (error) {
    // One of the catch sites: what the reader did not expect is a bug or the disk, and must reach the log.
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    return fail('internal', error instanceof Error ? error.message : String(error))
  }
}

/** How often it says that it is at work. */
const beatMs = 5_000

function take(message: unknown): void {
  const job = message as ReadJob
  const before = process.cpuUsage()
  const processorMs = (): number => {
    const { user, system } = process.cpuUsage(before)
    return Math.round((user + system) / 1000)
  }
  const beat = setInterval(() => send({ kind: 'working', id: job.id, processorMs: processorMs() }), beatMs)
  void run(job).then((outcome) => {
    clearInterval(beat)
    send({
      kind: 'answer',
      id: job.id,
      outcome,
      rssBytes: process.memoryUsage.rss(),
      peakBytes: process.resourceUsage().maxRSS * 1024,
      processorMs: processorMs(),
    })
  })
}

if (parentPort) {
  parentPort.on('message', (event) => take(event.data))
} else {
  process.on('message', take)
  process.on('disconnect', () => process.exit())
}
// Ctrl+C reaches the whole foreground group; the parent decides what becomes of a job that is under way.
process.on('SIGINT', () => {})

send({ kind: 'ready' })
