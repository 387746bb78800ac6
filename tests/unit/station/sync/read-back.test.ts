import { describe, expect, it } from 'vitest'
import { createScannerClient } from '#station/remote/scanner-client.ts'
import { readBack } from '#station/sync/read-back.ts'
import type { Arrived, Said } from '../scripted-server.ts'
import { problem, startScriptedBackend } from './scripted-backend.ts'

const captures = 2_050

/** A backend with a large session, and a client of it. */
async function startLarge(fault: (page: number, time: number, request: Arrived) => Said | undefined) {
  const times = new Map<number, number>()
  const asked: number[] = []
  const backend = await startScriptedBackend({
    fault(request) {
      const page = Number(new URLSearchParams(request.path.split('?')[1]).get('page'))
      if (page === 0) return undefined
      asked.push(page)
      times.set(page, (times.get(page) ?? 0) + 1)
      return fault(page, times.get(page) ?? 0, request)
    },
  })
  backend.sessions.set('S1', { id: 'S1', status: 'ACTIVE', key: '' })
  for (let index = 0; index < captures; index += 1) {
    const id = `C${index}`
    const metadata = { station_capture: `OURS-${index}` }
    const created = new Date(1_795_000_000_000 + index * 1_000).toISOString()
    const raw = `R${index}`
    backend.captures.set(id, {
      id,
      key: '',
      session: 'S1',
      raw,
      raw_value: raw,
      capture_type: 'BARCODE',
      created,
      metadata,
      status: 'COMPLETED',
    })
  }
  const remote = createScannerClient({
    fetch,
    url: backend.url,
    credential: () => Promise.resolve('KEY'),
    userAgent: 'test',
    now: () => new Date(),
  })
  const read = (captureIds: string[], notBeforeMs: number | null = null) =>
    readBack(remote, 'S1', captures, { captureIds: new Set(captureIds), notBeforeMs })
  return { backend, asked, read }
}

describe('reading a large session back', () => {
  it('comes to its end however many of its pages fail at first, and in whatever way', async () => {
    const { read } = await startLarge((page, time) =>
      time > 3 ? undefined : page % 2 === 0 ? 'cut' : problem(502, 'bad_gateway', 'The gateway has no answer.'),
    )
    const answer = await read(['NOBODYS'])
    expect(answer.ok && answer.value).toHaveLength(captures)
  })

  it('does not take the answer of another page for this one', async () => {
    const { backend, read } = await startLarge((page, time) => {
      if (page !== 2 || time > 1) return undefined
      // On a connection with an answer too many: the first page's once more.
      const newest = [...backend.captures.values()].toReversed().slice(0, 100)
      return { status: 200, body: { data: newest, pagination: { page: 1, total_count: captures, has_next: true } } }
    })
    const answer = await read([`OURS-${captures - 150}`])
    expect(answer.ok && answer.value.some(({ stationCapture }) => stationCapture === `OURS-${captures - 150}`)).toBe(
      true,
    )
  })

  it('stops where everything wanted is seen, or was sent later', async () => {
    const { asked, read } = await startLarge(() => undefined)
    await read([`OURS-${captures - 150}`])
    expect(asked).toEqual([1, 2])
    await read(['NOBODYS'], 1_795_000_000_000 + (captures - 250) * 1_000)
    expect(asked).toEqual([1, 2, 1, 2, 3])
  })

  it('asks no more of a backend that says to wait, refuses the key, or is not there', async () => {
    for (const said of [
      problem(429, 'rate_limited', 'no', { 'retry-after': '5' }),
      problem(401, 'unauthorized', 'no'),
    ]) {
      const { asked, read } = await startLarge((page) => (page === 3 ? said : undefined))
      expect(await read(['NOBODYS'])).toMatchObject({ ok: false })
      expect(asked).toEqual([1, 2, 3])
    }
  })
})
