import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { crc32, deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { imageByteLimit } from '#contract/backend/scanner.ts'
import { client, photoForm, scanner, temporaryFolder } from './fixture.ts'
import { startBackendProcess } from './process.ts'

const mebibyte = 1024 * 1024
/** What the server's own process may grow by, whatever a hundred clients send it at once. */
const growthLimit = 320 * mebibyte
/** What the process that reads photos may hold: a hundred million pixels are unpacked in strips, not whole. */
const readerLimit = 700 * mebibyte

/** A white PNG in one bit a pixel: twelve megabytes unpacked as they are, and a hundred as bytes. */
function bomb(width: number, height: number): Uint8Array<ArrayBuffer> {
  const chunk = (type: string, data: Uint8Array): Buffer => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
    const size = Buffer.alloc(4)
    size.writeUInt32BE(data.length)
    const sum = Buffer.alloc(4)
    sum.writeUInt32BE(crc32(body))
    return Buffer.concat([size, body, sum])
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head[8] = 1
  const row = Buffer.alloc(1 + Math.ceil(width / 8), 0xff)
  row[0] = 0
  const rows = Buffer.alloc(row.length * height)
  for (let line = 0; line < height; line += 1) row.copy(rows, line * row.length)
  return new Uint8Array(
    Buffer.concat([
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
      chunk('IHDR', head),
      chunk('IDAT', deflateSync(rows)),
      chunk('IEND', Buffer.alloc(0)),
    ]),
  )
}

/** The most memory that a process has had, in bytes. */
function peakOf(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024
}

/** The processes that a process has started. */
function childrenOf(pid: number): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return (
          readFileSync(`/proc/${name}/stat`, 'utf8')
            .replace(/^.*\) /s, '')
            .split(' ')[1] === String(pid)
        )
      } catch {
        return false
      }
    })
    .map(Number)
}

/** Sends bytes as they are and answers the status that comes, or 0 when there is none; hangs up after them if it is to. */
function sendRaw(url: string, head: string, body: Uint8Array, hangsUp = false): Promise<number> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname)
    let answer = ''
    socket.on('data', (data) => (answer += data.toString('latin1')))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)))
    socket.write(head)
    if (hangsUp) socket.end(body)
    else socket.write(body)
  })
}

describe.runIf(process.platform === 'linux')('the memory of a server', () => {
  it('is bounded when a hundred clients send bombs, broken forms and the largest bodies at once', async () => {
    const { child, url, apiKey } = await startBackendProcess(await temporaryFolder())
    const pid = child.pid ?? 0
    const site = client(url, apiKey)
    const session = await site.openSession()
    const upload = (content: Uint8Array<ArrayBuffer>, name: string) =>
      site.call('POST', `${scanner}/captures/upload-image`, photoForm({ session_short_id: session }, content, name))
    // What is loaded with the first of each is no growth.
    const warm = [await upload(bomb(50, 50), 'a.png'), await site.submit(session, 'a')]
    for (const { body } of warm) await site.settled(body.id)

    const largest = bomb(10_000, 10_000)
    const tooLarge = bomb(10_001, 10_000)
    const heavy = new Uint8Array(imageByteLimit)
    heavy.set(randomBytes(imageByteLimit))
    heavy.set([0xff, 0xd8, 0xff, 0xe0])
    const wide = JSON.stringify({
      session_short_id: session,
      capture_type: 'BARCODE',
      raw_value: Array(400_000).fill(1),
    })
    const some = photoForm({ session_short_id: session }, heavy.slice(0, mebibyte))
    const whole = Buffer.from(await new Response(some).arrayBuffer())
    const boundary = /^--(\S+)/.exec(whole.toString('latin1', 0, 200))?.[1] ?? ''
    const head = (type: string, length: number): string =>
      `POST ${scanner}/captures/upload-image HTTP/1.1\r\nHost: x\r\nX-API-Key: ${apiKey}\r\n` +
      `Content-Type: ${type}\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`
    const multipart = `multipart/form-data; boundary=${boundary}`

    writeFileSync(`/proc/${pid}/clear_refs`, '5')
    const before = peakOf(pid)
    let readerPeak = 0
    const watch = setInterval(() => {
      for (const one of childrenOf(pid)) readerPeak = Math.max(readerPeak, peakOfLiving(one))
    }, 50)
    const statuses = await Promise.all(
      Array.from({ length: 100 }, async (_, index): Promise<number> => {
        if (index < 1) return (await upload(largest, 'largest.png')).status
        if (index < 40) return (await upload(tooLarge, 'bomb.png')).status
        if (index < 50) return (await upload(heavy, 'heavy.jpg')).status
        if (index < 65) return (await site.call('POST', `${scanner}/captures`, wide)).status
        // Broken: cut off in the photo, without an end, without a boundary, and with parts that nobody reads.
        if (index < 75) return sendRaw(url, head(multipart, whole.length), whole.subarray(0, whole.length / 2), true)
        if (index < 85) return sendRaw(url, head(multipart, whole.length - 30), whole.subarray(0, whole.length - 30))
        if (index < 90) return sendRaw(url, head('multipart/form-data', whole.length), whole)
        const parts = Buffer.from(
          `--${boundary}\r\nContent-Disposition: form-data; name="x"\r\n\r\nvalue\r\n`.repeat(5_000),
        )
        return sendRaw(url, head(multipart, parts.length), parts)
      }),
    )
    const { body } = await site.call('GET', `${scanner}/captures?capture_type=IMAGE&page_size=100`)
    const ends = []
    for (const { id } of body.data) ends.push((await site.settled(id)).status)
    // What reads labels gets the same: it says why it does not, and unpacks nothing.
    const labels = await site.openSession({ capture_mode: 'product_photography' })
    for (const photo of [largest, heavy, largest.slice(0, 2_000)]) {
      await site.call('POST', `${scanner}/captures/upload-image`, photoForm({ session_short_id: labels }, photo))
    }
    await site.call('POST', `${scanner}/sessions/${labels}/submit`)
    const poll = async () => (await site.call('GET', `${scanner}/sessions/${labels}/status`)).body
    await expect.poll(async () => (await poll()).extraction_status, { timeout: 120_000 }).toBe('ready')
    const { extraction_errors: unread } = await poll()
    clearInterval(watch)
    const growth = peakOf(pid) - before

    const of = (from: number, to: number): readonly number[] => [...new Set(statuses.slice(from, to))]
    expect([of(0, 1), of(1, 40), of(40, 50), of(50, 65)]).toEqual([[201], [413], [201], [422]])
    // A client that hangs up need not get an answer; one that does gets a documented one.
    for (const status of of(65, 75)) expect([0, 400]).toContain(status)
    expect([of(75, 85), of(85, 90), of(90, 100)]).toEqual([[400], [400], [400]])
    for (const end of ends) expect(['NOT_FOUND', 'FAILED']).toContain(end)
    expect(unread).toHaveLength(3)
    expect(unread[0].error_message).toContain('more than 50000000 pixels')
    expect(growth).toBeLessThan(growthLimit)
    expect(readerPeak).toBeGreaterThan(0)
    expect(readerPeak).toBeLessThan(readerLimit)
    expect((await site.call('GET', '/readyz')).status).toBe(200)
  }, 300_000)
})

/** The same of one that may have ended. */
function peakOfLiving(pid: number): number {
  try {
    return peakOf(pid) || 0
  } catch {
    return 0
  }
}
