import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openDatabase } from '#station/store/database.ts'
import { watchClock } from '#station/clock-watch.ts'
import { createClock, createKeptLog, temporaryFolder, until } from './parts.ts'
import { startBackend, startStation } from './start-station.ts'

function start() {
  const clock = createClock()
  const jumps: number[] = []
  let sleptMs = 0
  const watch = watchClock({
    clock,
    elapsedMs: () => clock.monotonicMs() + sleptMs,
    log: createKeptLog(),
    onJump: (byMs) => jumps.push(byMs),
    onChange: () => undefined,
  })
  onTestFinished(() => watch.close())
  /** One answer of a server whose clock is `aheadMs` before ours. */
  const ask = (aheadMs: number) =>
    watch.watching(() =>
      Promise.resolve(new Response('', { headers: { date: new Date(clock.now().getTime() + aheadMs).toUTCString() } })),
    )('http://server', {})
  return { clock, watch, jumps, ask, sleep: (ms: number) => (sleptMs += ms) }
}

describe('the watch over the clock', () => {
  it('knows nothing before a server has told its time, and then how wrong the clock may be', async () => {
    const { watch, ask } = start()
    expect(watch.status).toEqual({ state: 'unchecked', error: null, jumped: null })
    await ask(0)
    expect(watch.status).toMatchObject({ state: 'right', error: { leastMs: 0, mostMs: 1_000 } })
  })

  it('calls a clock wrong only when it is so for certain', async () => {
    const { clock, watch, ask } = start()
    await ask(61_000)
    expect(watch.status).toMatchObject({ state: 'wrong', error: { leastMs: 61_000 } })
    // The person sets it right: that is a jump, and what is known of it moves along.
    clock.set('2026-11-21T09:01:01.000Z')
    await ask(0)
    expect(watch.status).toMatchObject({ state: 'right', jumped: { byMs: 61_000 } })
    expect(watch.reading()).toEqual({ leastMs: 0, mostMs: 1_000 })
  })

  it('tells a jump from time that passes, from NTP, and from sleep', async () => {
    const { clock, jumps, ask, sleep } = start()
    clock.advance(3_600_000)
    await ask(0)
    clock.set(new Date(clock.now().getTime() + 400).toISOString())
    await ask(0)
    sleep(8 * 3_600_000)
    clock.set(new Date(clock.now().getTime() + 8 * 3_600_000).toISOString())
    await ask(0)
    expect(jumps).toEqual([])
    clock.set(new Date(clock.now().getTime() - 3_600_000).toISOString())
    await ask(0)
    expect(jumps).toEqual([-3_600_000])
  })
})

describe('a station whose clock is set back between two scans', () => {
  it('shows it, has it in its ledger, and keeps the order of the scans everywhere', async () => {
    const backend = await startBackend()
    const dataDir = temporaryFolder()
    const clock = createClock('2026-11-21T09:00:00.000Z')
    const { station, call, scan } = await startStation(backend, { dataDir, clock })
    const session = await call('session.open', { duplicatePolicy: 'ignore', duplicateWindowMs: 3_000 })
    await scan('A')
    clock.set('2026-11-21T08:30:00.000Z')
    await scan('B')
    clock.advance(1_000)
    // A second later, whatever the wall clock says: it is the same read twice.
    expect((await scan('A')).outcome).toBe('ignored')
    await until(async () => (await call('station.syncNow', {})).clock.jumped !== null)
    expect((await call('station.status', {})).clock.jumped).toMatchObject({ byMs: -1_800_000 })
    const { captures } = await call('capture.list', { sessionId: session.id })
    expect(captures.map(({ raw }) => raw)).toEqual(['A', 'B', 'A'])
    expect((await call('session.end', { id: session.id })).durationMs).toBeGreaterThanOrEqual(0)
    const time = setInterval(() => clock.advance(50), 10)
    onTestFinished(() => clearInterval(time))
    await station.drained()
    await station.close()

    const database = openDatabase(join(dataDir, 'station.sqlite'), { readOnly: true })
    const rows = database.all('SELECT raw, captured_at, monotonic_ms, boot_id FROM captures ORDER BY sequence')
    expect(rows).toEqual([
      { raw: 'A', captured_at: '2026-11-21T09:00:00.000Z', monotonic_ms: 0, boot_id: 'boot' },
      { raw: 'B', captured_at: '2026-11-21T08:30:00.000Z', monotonic_ms: 0, boot_id: 'boot' },
      { raw: 'A', captured_at: '2026-11-21T08:30:01.000Z', monotonic_ms: 1_000, boot_id: 'boot' },
    ])
    expect(database.all(`SELECT entry ->> 'byMs' AS byMs FROM ledger WHERE entry ->> 'kind' = 'clock.jumped'`)).toEqual(
      [{ byMs: -1_800_000 }],
    )
    // What was due by the old time has gone out all the same, in its order.
    const sent = database.all(
      `SELECT c.raw FROM ledger JOIN captures c ON c.id = entry ->> 'capture'
       WHERE entry ->> 'kind' = 'capture.sent' ORDER BY ledger.sequence`,
    )
    expect(sent).toEqual([{ raw: 'A' }, { raw: 'B' }])
    database.close()
  })
})
