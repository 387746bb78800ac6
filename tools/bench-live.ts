import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium, type CDPSession, type Page } from 'playwright-core'
import sharp from 'sharp'
import type { Sharp } from 'sharp'
import { build, preview } from 'vite'
import { findChromium } from '#cli/browsers.ts'
import { drawCode } from '../tests/barcode-image.ts'
import { rendererConfig } from '../vite.config.ts'

/**
 * Live decoding in a real Chromium: 1280x720 frames through the product's decode worker, from the frame in the window
 * to the result in the window, next to zxing-wasm with its defaults, in turns of `turn` frames. Then thousands of frames
 * for the growth of the worker's heap and of the window's process.
 */
export async function benchLive(say: (line: string) => void): Promise<void> {
  const found = findChromium(process.env)
  if ('missing' in found) return say(`live: skipped, ${found.missing}`)
  const folder = mkdtempSync(join(tmpdir(), 'capstan-live-'))
  const root = fileURLToPath(new URL('bench-live', import.meta.url))
  const outDir = join(folder, 'page')
  await build({
    ...rendererConfig,
    configFile: false,
    logLevel: 'warn',
    root,
    build: { ...rendererConfig.build, outDir, rolldownOptions: { input: join(root, 'index.html') } },
  })
  const server = await preview({
    configFile: false,
    logLevel: 'warn',
    root,
    build: { outDir },
    preview: { port: 0, host: '127.0.0.1' },
  })
  const browser = await chromium.launch({ executablePath: found.path, args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage()
    const worker = await followWorker(await page.context().newCDPSession(page))
    await page.goto(server.resolvedUrls?.local[0] ?? '')
    await page.waitForFunction(() => 'bench' in window)
    await addScene(page, 'codes', [ean, link])
    await addScene(page, 'empty', [])
    await addScene(page, 'blurred', [ean], (image) => image.rotate(33, { background: '#ffffff' }).blur(1.5))
    for (const scene of Object.keys(scenes) as (keyof typeof scenes)[]) await compare(page, scene, say)
    await growth(page, worker, say)
  } finally {
    await browser.close()
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const width = 1_280
const height = 720
const turns = 6
const turn = 25
const heapFrames = 3_000
const ean = { format: 'EAN13', text: '4006381333931' } as const
const link = { format: 'QRCode', text: 'https://id.gs1.org/01/09506000134352/10/ABC123?17=271231' } as const

/** What is in view, and the codes that are to be read there. */
const scenes = {
  codes: { told: 'an EAN-13 and a QR code', expected: [ean.text, link.text] },
  empty: { told: 'nothing but texture', expected: [] },
  blurred: { told: 'an EAN-13 turned by 33 degrees and blurred', expected: [ean.text] },
} as const

/** A textured background, so that there is something to look at everywhere, with the codes on it and a hand's shake. */
async function addScene(
  page: Page,
  name: keyof typeof scenes,
  codes: readonly (typeof ean | typeof link)[],
  change: (image: Sharp) => Sharp = (image) => image,
): Promise<void> {
  let seed = 1
  const texture = Buffer.alloc(width * height)
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      seed = (seed * 1_103_515_245 + 12_345) & 0x7fffffff
      texture[y * width + x] = 128 + 60 * Math.sin(x / 9) * Math.cos(y / 7) + ((seed >> 16) % 40) - 20
    }
  }
  const drawn = await Promise.all(
    codes.map(async (code) =>
      change(sharp(Buffer.from(await drawCode(code, 3))))
        .png()
        .toBuffer(),
    ),
  )
  const pictures: string[] = []
  for (let frame = 0; frame < 12; frame += 1) {
    const shake = { x: Math.round(4 * Math.sin(frame)), y: Math.round(4 * Math.cos(frame * 1.3)) }
    const picture = await sharp(texture, { raw: { width, height, channels: 1 } })
      .toColourspace('srgb')
      .composite(
        drawn.map((input, index) => ({ input, left: 160 + index * 560 + shake.x, top: 220 + index * 40 + shake.y })),
      )
      .greyscale()
      .raw()
      .toBuffer()
    pictures.push(picture.toString('base64'))
  }
  await page.evaluate(
    ([scene, all]) => (window as unknown as { bench: Bench }).bench.addScene(scene as string, all as string[]),
    [name, pictures] as const,
  )
}

interface Bench {
  addScene(name: string, pictures: readonly string[]): void
  run(
    reader: 'capstan' | 'defaults',
    scene: string,
    count: number,
    fast?: boolean,
  ): Promise<{ readonly ms: number; readonly codes: readonly string[] }[]>
}

function run(page: Page, reader: 'capstan' | 'defaults', scene: string, count: number, fast = false) {
  return page.evaluate(
    ([by, at, many, isFast]) => (window as unknown as { bench: Bench }).bench.run(by, at, many, isFast),
    [reader, scene, count, fast] as const,
  )
}

async function compare(page: Page, scene: keyof typeof scenes, say: (line: string) => void): Promise<void> {
  const results = { capstan: [] as number[], defaults: [] as number[] }
  const whole = { capstan: 0, defaults: 0 }
  const { told: inView, expected } = scenes[scene]
  let wrong = 0
  for (const reader of ['capstan', 'defaults'] as const) await run(page, reader, scene, 20)
  for (let round = 0; round < turns; round += 1) {
    for (const reader of ['capstan', 'defaults'] as const) {
      for (const { ms, codes } of await run(page, reader, scene, turn)) {
        results[reader].push(ms)
        if ((expected as readonly string[]).every((text) => codes.includes(text))) whole[reader] += 1
        wrong += codes.filter((text) => !(expected as readonly string[]).includes(text)).length
      }
    }
  }
  const at = (reader: keyof typeof results, share: number): number =>
    results[reader].toSorted((a, b) => a - b)[Math.floor(results[reader].length * share)] ?? Number.NaN
  const told = (reader: keyof typeof results): string =>
    `p50 ${at(reader, 0.5).toFixed(1)} ms, p99 ${at(reader, 0.99).toFixed(1)} ms` +
    (expected.length > 0 ? `, all codes in ${((whole[reader] / (turns * turn)) * 100).toFixed(1)} % of frames` : '')
  say(
    `live, ${inView} in view: ${told('capstan')}; ` +
      `zxing-wasm's defaults: ${told('defaults')}; ratio of p50 ${(at('capstan', 0.5) / at('defaults', 0.5)).toFixed(2)}, ` +
      `of p99 ${(at('capstan', 0.99) / at('defaults', 0.99)).toFixed(2)}; wrong reads ${wrong}`,
  )
}

async function growth(page: Page, worker: Worker, say: (line: string) => void): Promise<void> {
  const scenes = ['codes', 'empty'] as const
  for (const scene of scenes) await run(page, 'capstan', scene, 200, true)
  const before = { heap: await worker.heapBytes(), resident: residentBytes() }
  for (const scene of scenes) await run(page, 'capstan', scene, heapFrames / 4, true)
  const half = { heap: await worker.heapBytes(), resident: residentBytes() }
  for (const scene of scenes) await run(page, 'capstan', scene, heapFrames / 4, true)
  const after = { heap: await worker.heapBytes(), resident: residentBytes() }
  const mebibytes = (bytes: number): string => `${(bytes / 1024 ** 2).toFixed(2)} MiB`
  say(
    `live, ${heapFrames} frames: the worker's heap ${mebibytes(before.heap)} before, ${mebibytes(half.heap)} after half of ` +
      `them and ${mebibytes(after.heap)} after all; resident memory of the window's processes ` +
      `${mebibytes(before.resident)}, ${mebibytes(half.resident)} and ${mebibytes(after.resident)}`,
  )
}

interface Worker {
  /** What the product's worker holds after a collection: objects, and the buffers outside of the heap. */
  heapBytes(): Promise<number>
}

/** Speaks to the page's first worker, the product's, through the page's own debugging session. */
async function followWorker(session: CDPSession): Promise<Worker> {
  let workerSession: string | undefined
  const waiting = new Map<number, (result: Record<string, number>) => void>()
  let nextId = 1
  session.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
    if (targetInfo.type === 'worker') workerSession ??= sessionId
  })
  session.on('Target.receivedMessageFromTarget', ({ message }) => {
    const { id, result } = JSON.parse(message) as { id: number; result: Record<string, number> }
    waiting.get(id)?.(result)
  })
  await session.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false })
  const ask = (method: string): Promise<Record<string, number>> =>
    new Promise((resolve) => {
      const id = nextId++
      waiting.set(id, resolve)
      if (workerSession === undefined) throw new Error('the worker was not seen')
      void session.send('Target.sendMessageToTarget', {
        sessionId: workerSession,
        message: JSON.stringify({ id, method }),
      })
    })
  return {
    async heapBytes() {
      await ask('HeapProfiler.collectGarbage')
      const { usedSize = 0, backingStorageSize = 0 } = await ask('Runtime.getHeapUsage')
      return usedSize + backingStorageSize
    },
  }
}

/** The resident memory of this process's Chromium renderers, where /proc tells it; else 0. */
function residentBytes(): number {
  if (process.platform !== 'linux') return 0
  let bytes = 0
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8')
      if (!command.includes('--type=renderer') || !isOurs(name)) continue
      bytes += Number(readFileSync(`/proc/${name}/statm`, 'utf8').split(' ')[1]) * 4_096
    } catch {
      // It ended meanwhile.
    }
  }
  return bytes
}

function isOurs(pid: string): boolean {
  for (let at = pid; at !== '0' && at !== '1' && at !== '';) {
    if (at === String(process.pid)) return true
    at =
      readFileSync(`/proc/${at}/stat`, 'utf8')
        .replace(/^.*\)\s\S\s/s, '')
        .split(' ')[0] ?? ''
  }
  return false
}
