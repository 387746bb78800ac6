/**
 * The imaging process itself: reads jobs, answers each, ends with its parent.
 *
 * It speaks over whichever carrier it was started with: Electron's `parentPort` in a `utilityProcess`, Node's IPC
 * channel in a fork.
 */
import { constants, setPriority } from 'node:os'
import process from 'node:process'
import { fail } from '#contract/result.ts'
import { createDecoder } from './decode.ts'
import { isAwaited, type Job, type JobOutcome, type Rehearsal, type Unlocking, type WorkerMessage } from './job.ts'
import { createPhotoReader } from './photo.ts'

/** What Electron adds to `process` in a utility process. */
interface ParentPort {
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): void
  postMessage(message: unknown): void
}

const parentPort = (process as { parentPort?: ParentPort }).parentPort

function send(message: WorkerMessage): void {
  if (parentPort) parentPort.postMessage(message)
  else process.send?.(message)
}

let isPatient = false
/** A batch of photos must not make a person who scans wait. Only what is asked of this process says which it is. */
function bePatient(): void {
  isPatient = true
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
  } catch {
    // Some containers forbid even that.
  }
}

let photos = createPhotoReader(createDecoder)

async function run(job: Job): Promise<JobOutcome> {
  try {
    switch (job.kind) {
      case 'photo':
        return await photos.photo(job)
      case 'judge':
        return await photos.judge(job)
      case 'codes':
        return await photos.codes(job)
      case 'region':
        return await photos.region(job)
    }
  } catch (error) {
    // One of the catch sites: what the reader did not expect is a bug or the disk, and must reach the log.
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    return fail('internal', error instanceof Error ? error.message : String(error))
  }
}

/** After so many pictures the next one takes little longer than the hundredth. */
const rehearsals = 2
let isIdle = true
async function rehearse(): Promise<void> {
  for (let round = 0; round < rehearsals && isIdle; round += 1) await photos.rehearse()
}

function take(message: unknown): void {
  const job = message as Job | Rehearsal | Unlocking
  if (job.kind === 'unlock') {
    photos = createPhotoReader(createDecoder, Buffer.from(job.key, 'base64'))
    return
  }
  if (job.kind === 'rehearse') return void rehearse()
  isIdle = false
  if (!isPatient && !isAwaited(job.kind)) bePatient()
  void run(job).then((outcome) => send({ kind: 'answer', id: job.id, rssBytes: process.memoryUsage.rss(), outcome }))
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
