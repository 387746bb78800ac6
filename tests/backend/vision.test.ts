import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { forkChild } from '#backend/child.ts'
import { createReaderProcess, type ReaderProcess } from '#backend/vision/ocr/reader-process.ts'
import { drawText } from '../label-image.ts'

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'capstan-vision-'))
})

afterAll(() => rm(folder, { recursive: true }))

interface Line {
  readonly file: string
  readonly fields: readonly {
    readonly field: string
    readonly value: unknown
    readonly confidence: number
    readonly box: readonly number[] | null
  }[]
  readonly text: string
  readonly ms: number
  readonly error?: { readonly code: string }
}

function extract(args: readonly string[]): Promise<{ code: number; lines: Line[] }> {
  const capstan = fileURLToPath(new URL('../../src/cli/capstan.ts', import.meta.url))
  return new Promise((resolve) => {
    execFile(process.execPath, [capstan, 'extract', ...args], (error, stdout) => {
      const lines = stdout.split('\n').filter((line) => line !== '')
      resolve({
        code: typeof error?.code === 'number' ? error.code : 0,
        lines: lines.map((line) => JSON.parse(line) as Line),
      })
    })
  })
}

test('capstan extract reads a label upright and turned, says where its words are, and names the files that it cannot read', async () => {
  const upright = join(folder, 'upright.png')
  const turned = join(folder, 'turned.jpg')
  const broken = join(folder, 'broken.jpg')
  const label = await drawText(['INGREDIENTS', 'WATER SUGAR', 'WHEAT FLOUR COCOA', 'MADE IN SPAIN', '250 G'], 28)
  await label.clone().png().toFile(upright)
  await sharp(await label.clone().png().toBuffer())
    .rotate(90)
    .jpeg({ quality: 90 })
    .toFile(turned)
  await writeFile(broken, Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.from('not a photo at all')]))
  const [empty, words, cut] = ['empty.jpg', 'words.jpg', 'cut.jpg'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  await writeFile(empty, '')
  await writeFile(words, 'INGREDIENTS: WATER')
  const whole = await readFile(turned)
  await writeFile(cut, whole.subarray(0, whole.length / 2))
  const { width, height } = await sharp(upright).metadata()

  const missing = join(folder, 'missing.jpg')
  const { code, lines } = await extract(['--json', upright, missing, broken, empty, folder, words, cut, turned])

  expect(code).toBe(1)
  expect(lines.map(({ file, error }) => [file, error?.code ?? null])).toEqual([
    [upright, null],
    [missing, 'not_found'],
    [broken, 'unreadable_image'],
    [empty, 'unreadable_image'],
    [folder, 'invalid_input'],
    [words, 'unreadable_image'],
    [cut, 'unreadable_image'],
    [turned, null],
  ])
  for (const line of [lines[0], lines.at(-1)]) {
    expect(Object.keys(line ?? {})).toEqual(['file', 'fields', 'text', 'ms'])
    for (const one of line?.fields ?? []) expect(Object.keys(one)).toEqual(['field', 'value', 'confidence', 'box'])
    expect(line?.text).toContain('WHEAT FLOUR')
    const net = line?.fields.find(({ field }) => field === 'net')
    expect(net?.value).toEqual({ q: 250, u: 'g' })
    expect(line?.fields.find(({ field }) => field === 'origin')?.value).toBe('ES')
  }
  // The last line of the label, in pixels of the photo.
  const [x = 0, y = 0, across = 0, down = 0] = lines[0]?.fields.find(({ field }) => field === 'net')?.box ?? []
  expect(y).toBeGreaterThan(height * 0.6)
  expect(y + down).toBeLessThanOrEqual(height)
  expect(x + across).toBeLessThanOrEqual(width)
  expect(across).toBeGreaterThan(down)
}, 240_000)

test('capstan extract refuses a type of photo that there is not', async () => {
  expect((await extract(['--json', '--type', 'sideways', 'label.jpg'])).code).toBe(2)
})

describe('the process that reads', () => {
  let reader: ReaderProcess
  const logged: string[] = []

  /** A real process whose worker does what the path says. */
  async function start(options: Partial<Parameters<typeof createReaderProcess>[0]> = {}): Promise<ReaderProcess> {
    const worker = join(folder, 'worker.mjs')
    await writeFile(
      worker,
      `import { existsSync, writeFileSync } from 'node:fs'
      process.on('disconnect', () => process.exit())
      process.on('message', ({ id, path }) => {
        if (path === 'crash') process.exit(7)
        if (path === 'hang') return
        if (path === 'burn') return process.send({ kind: 'working', id, processorMs: 9e6 })
        if (path === 'busy') {
          let worked = 0
          const beat = setInterval(() => {
            worked += 50
            process.send({ kind: 'working', id, processorMs: worked })
            if (worked === 750) { clearInterval(beat); answer(path, id) }
          }, 200)
          return
        }
        if (path.startsWith('once:') && !existsSync(path.slice(5))) { writeFileSync(path.slice(5), ''); process.exit(9) }
        answer(path, id)
      })
      function answer(path, id) {
        const page = { width: 1, height: 1, language: String(process.pid), lines: [] }
        process.send({ kind: 'answer', id, rssBytes: path === 'greedy' ? 9e9 : 1e6, peakBytes: 2e6, processorMs: 5, outcome: { ok: true, value: page } })
      }
      process.send({ kind: 'ready' })`,
    )
    logged.length = 0
    reader = createReaderProcess({
      spawn: () => forkChild(worker),
      log: { warn: (_fields, message) => void logged.push(message) },
      ...options,
    })
    return reader
  }
  const pidOf = async (path = 'photo'): Promise<string> => {
    const read = await reader.read(path)
    return read.ok ? read.value.language : read.error.code
  }

  afterEach(() => reader.close())

  test('reads one photo after the other in one process', async () => {
    await start()
    const [first, second] = await Promise.all([pidOf(), pidOf()])
    expect(first).toMatch(/^\d+$/)
    expect(second).toBe(first)
    expect(reader.peakBytes()).toBe(2e6)
    expect(reader.processorMs()).toBeGreaterThan(0)
  })

  test('gives a photo as long as it is computed for, and no more of the processor than it may have', async () => {
    await start({ deadlineMs: 2_000 })
    const read = await Promise.all([reader.read('busy'), reader.read('burn'), reader.read('photo')])
    expect(read.map(({ ok }) => ok)).toEqual([true, false, true])
  })

  test('tries a photo that ends it once more, and then fails that photo alone', async () => {
    await start()
    const read = await Promise.all([reader.read('crash'), reader.read('photo')])
    expect(read[0]).toMatchObject({ ok: false, error: { code: 'unreadable_image' } })
    expect(read[1].ok).toBe(true)
    expect(await pidOf(`once:${join(folder, 'crashed')}`)).toMatch(/^\d+$/)
  })

  test('is ended over a photo that takes too long, and the next is read in another', async () => {
    await start({ deadlineMs: 4_000 })
    const [slow, next] = await Promise.all([reader.read('hang'), reader.read('photo')])
    expect(slow).toMatchObject({ ok: false, error: { code: 'unreadable_image' } })
    expect(next.ok).toBe(true)
    expect(logged).toContain('vision took too long')
  })

  test('is replaced when it holds too much memory', async () => {
    await start()
    const greedy = await pidOf('greedy')
    expect(await pidOf()).not.toBe(greedy)
    expect(logged).toEqual(['vision process replaced'])
  })

  test('gives its memory back when there is nothing to do', async () => {
    await start({ idleMs: 10 })
    const first = await pidOf()
    await expect.poll(() => isRunning(Number(first))).toBe(false)
    expect(await pidOf()).not.toBe(first)
  })

  test('ends what is aborted, waiting or under way, and no other', async () => {
    await start()
    const abort = new AbortController()
    const [current, waiting, other] = [
      reader.read('hang', abort.signal),
      reader.read('photo', abort.signal),
      reader.read('photo'),
    ]
    abort.abort()
    expect(await current).toMatchObject({ ok: false, error: { code: 'conflict' } })
    expect(await waiting).toMatchObject({ ok: false, error: { code: 'conflict' } })
    expect((await other).ok).toBe(true)
  })

  test('says that it does not start', async () => {
    await start({ spawn: () => forkChild(join(folder, 'no-worker.mjs')) })
    expect(await reader.read('photo')).toMatchObject({ ok: false, error: { code: 'internal' } })
  })

  test('fails what is waiting when it is closed', async () => {
    await start()
    const waiting = [reader.read('hang'), reader.read('photo')]
    reader.close()
    for (const read of await Promise.all(waiting))
      expect(read).toMatchObject({ ok: false, error: { code: 'conflict' } })
    expect(await reader.read('photo')).toMatchObject({ ok: false, error: { code: 'conflict' } })
  })
})

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
