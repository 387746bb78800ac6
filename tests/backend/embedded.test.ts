import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { Child } from '#backend/child.ts'
import { forkCodes } from '#backend/codes/codes.ts'
import { createEmbedded, forkEmbedded, type EmbeddedProcess } from '#backend/index.ts'
import { readinessSchema } from '#contract/backend/operation.ts'
import { drawCode } from '../barcode-image.ts'
import { createKeptLog } from '../contract/fake-station.ts'
import { client, marker, photoForm, scanner, temporaryFolder } from './fixture.ts'

/** A host's backend; its processes can be got at. */
async function open(more: Pick<Parameters<typeof createEmbedded>[0], 'readers'> = {}) {
  const dataDir = await temporaryFolder()
  const { log, lines } = createKeptLog()
  const processes: EmbeddedProcess[] = []
  const onListening = vi.fn<() => void>()
  const backend = createEmbedded({
    ...more,
    dataDir,
    log,
    random: () => 0,
    onListening,
    spawn() {
      const child = forkEmbedded()
      processes.push(child)
      return child
    },
  })
  onTestFinished(() => backend.close())
  return { backend, processes, lines, onListening }
}

const answers = async (url: string | null, key: string | null): Promise<number> => {
  const response = await fetch(`${url}/scanner/api/v1/sessions`, { headers: { 'x-api-key': key ?? '' } })
  return response.status
}

const patience = { timeout: 20_000, interval: 50 }

it('is waited for by nobody, and says where it is once it listens', async () => {
  const { backend, onListening } = await open()
  backend.start()
  expect(backend.url).toBeNull()
  expect(await backend.credential()).toBeNull()
  await vi.waitFor(() => expect(onListening).toHaveBeenCalledOnce(), patience)
  expect(await answers(backend.url, await backend.credential())).toBe(200)
})

it('is started again when it dies, at the same address and with the same key', async () => {
  const { backend, processes, onListening, lines } = await open()
  backend.start()
  await vi.waitFor(() => expect(onListening).toHaveBeenCalledOnce(), patience)
  const before = { url: backend.url, key: await backend.credential() }
  processes[0]?.kill()
  await vi.waitFor(() => expect(onListening).toHaveBeenCalledTimes(2), patience)
  expect({ url: backend.url, key: await backend.credential() }).toEqual(before)
  expect(await answers(before.url, before.key)).toBe(200)
  expect(lines).toContainEqual(
    expect.objectContaining({ level: 'warn', message: 'the backend ended; it is started again' }),
  )
})

it('listens elsewhere when somebody else has its port meanwhile', async () => {
  const { backend, processes, onListening } = await open()
  backend.start()
  await vi.waitFor(() => expect(onListening).toHaveBeenCalledOnce(), patience)
  const before = new URL(backend.url ?? '')
  const died = new Promise((resolve) => processes[0]?.onExit(resolve))
  processes[0]?.kill()
  await died
  const other = createServer().listen(Number(before.port), '127.0.0.1')
  onTestFinished(() => void other.close())
  await vi.waitFor(() => expect(onListening).toHaveBeenCalledTimes(2), patience)
  expect(new URL(backend.url ?? '').port).not.toBe(before.port)
})

it('closes in order, and is not started again', async () => {
  const { backend, processes, onListening } = await open()
  backend.start()
  await vi.waitFor(() => expect(onListening).toHaveBeenCalledOnce(), patience)
  const exits: string[] = []
  processes[0]?.onExit((reason) => exits.push(reason))
  await backend.close()
  expect(exits).toEqual(['exit code 0'])
  await new Promise((resolve) => setTimeout(resolve, 1_200))
  expect(processes).toHaveLength(1)
})

it('ends with a host that is killed', async () => {
  const host = spawn(
    process.execPath,
    [
      '-e',
      `import('#backend/index.ts').then(({ createEmbedded, forkEmbedded }) => {
        const silent = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent }
        const backend = createEmbedded({ dataDir: process.argv[1], spawn: forkEmbedded, log: silent,
          onListening: () => console.log(backend.url) })
        backend.start()
      })`,
      await temporaryFolder(),
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const [url] = (await once(createInterface({ input: host.stdout }), 'line')) as [string]
  expect(await answers(url, null)).toBe(401)
  host.kill('SIGKILL')
  await vi.waitFor(() => expect(answers(url, null)).rejects.toThrow('fetch failed'), patience)
})

/** A code in a photo that is taken in by the backend; answers its GTIN once it has been looked at. */
async function gtinRead(url: string | null, key: string | null): Promise<string> {
  const site = client(url ?? '', key ?? '')
  const form = photoForm(
    { session_short_id: await site.openSession() },
    new Uint8Array(await drawCode({ format: 'EAN13', text: '4006381333931' })),
  )
  const { body } = await site.call('POST', `${scanner}/captures/upload-image`, form)
  return (await site.settled(body.id)).gtin as string
}

const photosRead = async (url: string | null) =>
  readinessSchema.parse(await (await fetch(`${url}/readyz`)).json()).photos

it('reads photos by processes of its own where it can fork', async () => {
  const { backend, onListening } = await open({ readers: 'forks' })
  backend.start()
  await vi.waitFor(() => expect(onListening).toHaveBeenCalledOnce(), patience)
  expect(await photosRead(backend.url)).toEqual({ codes: true, labels: true })
  expect(await gtinRead(backend.url, await backend.credential())).toBe(marker)
})

it(
  'reads photos by processes that its host starts, which end with it, and says what it cannot read',
  { timeout: 120_000 },
  async () => {
    const readers: Child[] = []
    const ends: string[] = []
    const codes = (): Child => {
      const reader = forkCodes()
      reader.onExit((reason) => ends.push(reason))
      readers.push(reader)
      return reader
    }
    const { backend, processes, onListening } = await open({ readers: { codes } })
    backend.start()
    await vi.waitFor(() => expect(onListening).toHaveBeenCalledOnce(), patience)
    expect(await photosRead(backend.url)).toEqual({ codes: true, labels: false })
    expect(await gtinRead(backend.url, await backend.credential())).toBe(marker)

    const site = client(backend.url ?? '', (await backend.credential()) ?? '')
    const session = await site.openSession()
    await site.call('POST', `${scanner}/captures/upload-image`, photoForm({ session_short_id: session, gtin: marker }))
    await site.call('POST', `${scanner}/sessions/${session}/submit`)
    const status = async () => (await site.call('GET', `${scanner}/sessions/${session}/status`)).body
    await vi.waitFor(async () => expect((await status()).extraction_status).toBe('ready'), patience)
    expect((await status()).extraction_errors).toEqual([
      {
        photo_short_id: null,
        capture_short_id: expect.any(String),
        error_message: expect.stringContaining('a site’s'),
      },
    ])

    expect(readers).toHaveLength(1)
    processes[0]?.kill()
    await vi.waitFor(() => expect(ends).toEqual(['SIGKILL']), patience)
    // The next one asks for another.
    await vi.waitFor(() => expect(onListening).toHaveBeenCalledTimes(2), patience)
    expect(await gtinRead(backend.url, await backend.credential())).toBe(marker)
    expect(readers).toHaveLength(2)
  },
)
