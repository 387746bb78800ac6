import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { Result } from '#contract/result.ts'
import { createImaging } from '#station/imaging/imaging.ts'
import type { Imaging, ImagingOptions } from '#station/imaging/imaging.ts'
import { forkImaging } from '#station/imaging/spawn-forked.ts'
import { drawCode } from '../../../barcode-image.ts'

const scriptedWorker = fileURLToPath(new URL('./scripted-worker.ts', import.meta.url))

let folder: string
let imaging: Imaging | undefined
let warnings: string[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'capstan-imaging-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))
afterEach(() => imaging?.close())

function supervise(options: Partial<ImagingOptions> = {}): (path: string) => Promise<Result<unknown>> {
  warnings = []
  const log = { warn: (_fields: object, message: string) => void warnings.push(message) }
  const supervised = createImaging({ spawn: forkImaging(scriptedWorker), log, ...options })
  imaging = supervised
  return (path) => supervised.decode({ path })
}

function pidOf(result: Result<unknown>): number {
  if (!result.ok) throw new Error(result.error.message)
  return (result.value as { pid: number }).pid
}

describe('the supervised imaging process', () => {
  it('answers jobs in the order they were given, all from one process', async () => {
    const decode = supervise()
    const order: string[] = []
    const paths = Array.from({ length: 20 }, (_, index) => `job ${index}`)
    const results = await Promise.all(
      paths.map(async (path) => {
        const result = await decode(path)
        order.push(path)
        return result
      }),
    )
    expect(order).toEqual(paths)
    expect(new Set(results.map(pidOf)).size).toBe(1)
    expect(warnings).toEqual([])
  })

  it('starts again after a crash and tries the job once more', async () => {
    const decode = supervise()
    const before = pidOf(await decode('first'))
    const [retried, after] = await Promise.all([decode(`crash-once ${join(folder, 'crashed')}`), decode('after')])
    expect(pidOf(retried)).not.toBe(before)
    expect(pidOf(after)).toBe(pidOf(retried))
    expect(warnings).toEqual(['imaging process ended'])
  })

  it('fails the job that ends the process twice, and that job alone', async () => {
    const decode = supervise()
    const [first, bad, last] = await Promise.all([decode('first'), decode('crash'), decode('last')])
    expect(first.ok).toBe(true)
    expect(bad).toMatchObject({ ok: false, error: { code: 'unreadable_image' } })
    expect(last.ok).toBe(true)
    expect(warnings).toEqual(['imaging process ended', 'imaging process ended'])
  })

  it('ends a job that takes too long and goes on with the next', async () => {
    // It counts from the start of a process, which takes its time on a busy machine.
    const decode = supervise({ deadlineMs: 3_000 })
    const [slow, next] = await Promise.all([decode('hang'), decode('next')])
    expect(slow).toMatchObject({ ok: false, error: { code: 'unreadable_image' } })
    expect(next.ok).toBe(true)
    expect(warnings).toEqual(['imaging job took too long'])
  })

  it('replaces a process that holds too much memory between two jobs', async () => {
    const decode = supervise({ memoryBudgetBytes: 1_000 })
    const first = pidOf(await decode('rss 1000'))
    const second = pidOf(await decode('rss 1001'))
    const third = pidOf(await decode('rss 1'))
    expect(second).toBe(first)
    expect(third).not.toBe(first)
    expect(warnings).toEqual(['imaging process replaced'])
  })

  it('works in as many processes as it may when jobs wait, and gives the further ones back', async () => {
    const decode = supervise({ processes: 3, idleMs: 50 })
    const before = join(folder, 'gate')
    const results = Promise.all(Array.from({ length: 3 }, (_, index) => decode(`gather 3 ${before} ${index}`)))
    // Each job ends only when all three are under way at a time.
    const pids = (await results).map(pidOf)
    expect(new Set(pids).size).toBe(3)
    await expect.poll(() => pids.filter(isAlive).length, { timeout: 10_000 }).toBe(1)
    expect(pidOf(await decode('after'))).toBe(pids.find(isAlive))
    expect(warnings).toEqual([])
  })

  it('fails only the job that ends its process, whatever the others are doing', async () => {
    const decode = supervise({ processes: 2 })
    const results = await Promise.all(['one', 'crash', 'two', 'crash', 'three'].map((path) => decode(path)))
    expect(results.map(({ ok }) => ok)).toEqual([true, false, true, false, true])
    expect(warnings).toHaveLength(4)
  })

  it('cuts out a region and judges a photo while others are being read, in one process beside', async () => {
    const decode = supervise()
    const region = { x: 0, y: 0, width: 1, height: 1 }
    const reading = pidOf(await decode('first'))
    const waiting = [decode('hang'), decode('second')]
    const answers = await Promise.all([
      imaging?.region({ path: 'region', region, maxWidthPixels: 1, outputPath: '' }),
      imaging?.judge({ path: 'judge' }),
    ])
    const pids = answers.map((answer) => answer && pidOf(answer))
    expect(new Set(pids).size).toBe(1)
    expect(pids[0]).not.toBe(reading)
    imaging?.close()
    await Promise.all(waiting)
  })

  it('has a process that reads and one that judges before they are wanted, once', async () => {
    let started = 0
    const fork = forkImaging(scriptedWorker)
    const spawn = () => {
      started += 1
      return fork()
    }
    const decode = supervise({ spawn })
    imaging?.warm()
    imaging?.warm()
    expect(started).toBe(2)
    await Promise.all([decode('first'), imaging?.judge({ path: 'judge' })])
    expect(started).toBe(2)
  })

  it('survives a process that dies while it has nothing to do', async () => {
    const decode = supervise()
    const first = pidOf(await decode('first'))
    process.kill(first, 'SIGKILL')
    expect(pidOf(await decode('second'))).not.toBe(first)
  })

  it('says so when the process does not start at all, and does not blame the image', async () => {
    const decode = supervise({ spawn: forkImaging(join(folder, 'missing.js')) })
    expect(await decode('any')).toMatchObject({ ok: false, error: { code: 'internal' } })
  })

  it('fails what is waiting when it is closed, and what comes after', async () => {
    const decode = supervise()
    const pid = pidOf(await decode('first'))
    const waiting = [decode('hang'), decode('waiting')]
    imaging?.close()
    for (const result of await Promise.all([...waiting, decode('late')])) {
      expect(result).toMatchObject({ ok: false, error: { code: 'conflict' } })
    }
    await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false)
  })

  it('reads real images in the real process, and leaves no process behind when its parent is killed', async () => {
    const path = join(folder, 'code.png')
    await writeFile(path, await drawCode({ format: 'EAN13', text: '4006381333931' }))
    const parent = fork(fileURLToPath(new URL('./parent.ts', import.meta.url)), [path], { execArgv: [] })
    const [message] = (await once(parent, 'message')) as [{ pid: number; result: unknown }]
    expect(message.result).toMatchObject({ ok: true, value: { codes: [{ format: 'EAN13', text: '4006381333931' }] } })
    expect(isAlive(message.pid)).toBe(true)
    parent.kill('SIGKILL')
    await expect.poll(() => isAlive(message.pid), { timeout: 10_000 }).toBe(false)
  })
})

/** A process that has ended but was not collected by its new parent yet is not alive. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch (error) {
    // Where there is no /proc, the signal alone tells.
    return (error as NodeJS.ErrnoException).code === 'ENOENT' && process.platform !== 'linux'
  }
}
