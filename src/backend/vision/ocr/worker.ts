/** The process that reads photos: takes paths, answers pages, ends with its parent. */
import process from 'node:process'
import { fail, type Result } from '#contract/result.ts'
import { openParent } from '../../parent.ts'
import { originPhrases } from '../fields/origin.ts'
import type { Page } from './page.ts'
import { createReader } from './reader.ts'
import type { ReaderMessage, ReadJob, SmallPhoto } from './reader-process.ts'

const parent = openParent<ReaderMessage>()
const reader = createReader(originPhrases)

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
  const beat = setInterval(() => parent.send({ kind: 'working', id: job.id, processorMs: processorMs() }), beatMs)
  void run(job).then((outcome) => {
    clearInterval(beat)
    parent.send({
      kind: 'answer',
      id: job.id,
      outcome,
      rssBytes: process.memoryUsage.rss(),
      peakBytes: process.resourceUsage().maxRSS * 1024,
      processorMs: processorMs(),
    })
  })
}

parent.onMessage(take)

parent.send({ kind: 'ready' })
