import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { maxMessageBytes } from '#contract/transport.ts'
import { carriers, type Connection, unreferenced } from './carriers.ts'
import { buggyId, createFakeStation, type FakeStation, unknownId } from './fake-station.ts'

afterAll(() => {
  for (const port of unreferenced) port.close()
})

describe.each(carriers)('the $name carrier', ({ connect, hasMessages }) => {
  let station: FakeStation
  let connection: Connection

  beforeEach(async () => {
    station = createFakeStation()
    connection = await connect(station)
  })
  afterEach(() => connection.close())

  /** Waits until the subscription has arrived at the station, or has gone. */
  const untilListening = (topic: string, count: number) =>
    expect.poll(() => station.listeners(topic)).toBeGreaterThanOrEqual(count)

  it('carries a value there and back', async () => {
    const change = { stationName: 'Zoll €\u001d\u0000🙂', sound: { enabled: false, volume: 0.25 } }
    const changed = await connection.window.call('settings.change', change)
    expect(changed).toMatchObject({ ok: true, value: change })
    expect(await connection.window.call('settings.get', {})).toEqual(changed)
  })

  it('carries null as a value', async () => {
    expect(await connection.window.call('session.current', {})).toEqual({ ok: true, value: null })
  })

  it('carries an expected failure as data', async () => {
    expect(await connection.window.call('capture.get', { id: unknownId })).toEqual({
      ok: false,
      error: { code: 'not_found', message: `no capture ${unknownId}` },
    })
  })

  it.each(['nothing.such', '', 'settings', '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'])(
    'refuses the unknown procedure %j',
    async (name) => {
      expect(await connection.window.call(name, {})).toEqual({
        ok: false,
        error: { code: 'not_found', message: 'no such procedure' },
      })
    },
  )

  it.each([
    ['a missing field', {}],
    ['a field too many', { id: unknownId, extra: 1 }],
    ['a wrong type', { id: 7 }],
    ['null', null],
    ['nothing', undefined],
    ['a list', []],
    ['a polluted prototype', JSON.parse('{"__proto__":{"id":"x"}}')],
  ])('refuses %s before the handler', async (_what, input) => {
    const result = await connection.window.call('capture.get', input)
    expect(result).toMatchObject({ ok: false, error: { code: 'invalid_input' } })
    expect(station.bugs).toEqual([])
  })

  it('names the fields at fault', async () => {
    expect(await connection.window.call('settings.change', { sound: { volume: 3 } })).toMatchObject({
      ok: false,
      error: { code: 'invalid_input', details: [{ field: 'sound.volume' }] },
    })
  })

  it('answers a bug with `internal` and keeps its message', async () => {
    const result = await connection.window.call('capture.get', { id: buggyId })
    expect(result).toMatchObject({ ok: false, error: { code: 'internal' } })
    expect(JSON.stringify(result)).not.toContain('secret detail')
    expect(station.bugs).toEqual(['capture.get'])
  })

  it('gives each call its own answer, however late', async () => {
    const report = (waitMs: number) =>
      connection.window.call('device.report', { id: 'x', kind: 'camera', name: String(waitMs), state: 'ready' })
    const slow = report(40)
    const refused = connection.window.call('capture.get', { id: unknownId })
    expect(await refused).toMatchObject({ ok: false })
    const [first, ...others] = await Promise.all([slow, ...Array.from({ length: 20 }, (_, index) => report(index % 3))])
    expect(first).toEqual({ ok: true, value: {} })
    expect(others.every((result) => result.ok)).toBe(true)
    expect(station.mostAtOnce()).toBeGreaterThan(1)
  })

  it('brings events in order to every subscriber, until each stops', async () => {
    const [one, two]: [unknown[], unknown[]] = [[], []]
    const stopOne = connection.window.subscribe('status.changed', (payload) => one.push(payload))
    const stopTwo = connection.window.subscribe('status.changed', (payload) => two.push(payload))
    await untilListening('status.changed', 1)

    for (let number = 0; number < 50; number += 1) station.emit('status.changed', { number })
    await expect.poll(() => two).toHaveLength(50)
    expect(one).toEqual(Array.from({ length: 50 }, (_, number) => ({ number })))
    expect(two).toEqual(one)

    stopOne()
    station.emit('status.changed', { number: 'after' })
    await expect.poll(() => two).toHaveLength(51)
    expect(one).toHaveLength(50)

    stopTwo()
    // An answer to a later call has passed whatever was sent before it.
    await connection.window.call('session.current', {})
    station.emit('status.changed', { number: 'too late' })
    await connection.window.call('session.current', {})
    expect(two).toHaveLength(51)
  })

  it('keeps topics apart, and hands a listener the payload alone', async () => {
    const heard: unknown[][] = []
    connection.window.subscribe('session.changed', (...args: unknown[]) => heard.push(args))
    await untilListening('session.changed', 1)
    station.emit('status.changed', { other: true })
    station.emit('session.changed', { own: true })
    await expect.poll(() => heard).toHaveLength(1)
    expect(heard).toEqual([[{ own: true }]])
  })

  it('lets one function listen twice and stop once', async () => {
    let count = 0
    const listener = () => (count += 1)
    const stop = connection.window.subscribe('session.changed', listener)
    connection.window.subscribe('session.changed', listener)
    await untilListening('session.changed', 1)
    stop()
    stop()
    await connection.window.call('session.current', {})
    station.emit('session.changed', {})
    await connection.window.call('session.current', {})
    expect(count).toBe(1)
  })

  it.each(['nothing.happens', '__proto__', 'constructor'])('never has an event of the topic %j', async (topic) => {
    const heard: unknown[] = []
    const stop = connection.window.subscribe(topic, (payload) => heard.push(payload))
    await connection.window.call('session.current', {})
    expect(heard).toEqual([])
    stop()
  })

  it.runIf(hasMessages)('refuses a message above the limit as data, and goes on', async () => {
    const input = { stationName: 'x'.repeat(maxMessageBytes) }
    expect(await connection.window.call('settings.change', input)).toMatchObject({
      ok: false,
      error: { code: 'too_large' },
    })
    expect(await connection.window.call('session.current', {})).toEqual({ ok: true, value: null })
  })

  it.runIf(hasMessages)('carries a message just below the limit', async () => {
    const input = { stationName: '€'.repeat(Math.floor((maxMessageBytes - 100) / 3)) }
    expect(await connection.window.call('settings.change', input)).toMatchObject({
      ok: false,
      error: { code: 'invalid_input', details: [{ field: 'stationName' }] },
    })
  })

  it.runIf(hasMessages)('refuses what no message can carry as data', async () => {
    const cycle: Record<string, unknown> = {}
    cycle['self'] = cycle
    for (const input of [cycle, 1n, { id: 1n }]) {
      expect(await connection.window.call('capture.get', input)).toMatchObject({
        ok: false,
        error: { code: 'invalid_input' },
      })
    }
  })

  it.runIf(hasMessages)('fails calls as data once the station is closed, and leaves no listener behind', async () => {
    connection.window.subscribe('status.changed', () => {})
    await untilListening('status.changed', 1)
    const open = connection.window.call('device.report', { id: 'x', kind: 'camera', name: '1', state: 'ready' })
    await connection.close()
    await open
    expect(await connection.window.call('session.current', {})).toMatchObject({
      ok: false,
      error: { code: 'disconnected' },
    })
    await expect.poll(() => station.listeners('status.changed')).toBe(0)
  })
})
