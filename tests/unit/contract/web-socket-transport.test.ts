import { describe, expect, it } from 'vitest'
import { createWebSocketTransport, type Socket } from '#contract/web-socket-transport.ts'
import { createFakeTime } from '../main/fake-electron.ts'

/** A transport over sockets that the test opens, answers and breaks by hand. */
function windowOnFakeSockets() {
  const time = createFakeTime()
  const sockets: (Socket & {
    sent: Record<string, unknown>[]
    open(): void
    say(message: object): void
    break(): void
  })[] = []
  const connections: boolean[] = []
  const transport = createWebSocketTransport({
    later: (run, waitMs) => void time.later(run, waitMs),
    onConnection: (connected) => connections.push(connected),
    connect() {
      const call = (name: 'onopen' | 'onmessage' | 'onclose', event: unknown) =>
        (socket[name] as ((e: unknown) => void) | null)?.(event)
      const socket = {
        sent: [] as Record<string, unknown>[],
        send: (text: string) => void socket.sent.push(JSON.parse(text) as Record<string, unknown>),
        close: () => call('onclose', {}),
        onopen: null,
        onmessage: null,
        onclose: null,
        onerror: null,
        open: () => call('onopen', {}),
        say: (message: object) => call('onmessage', { data: JSON.stringify(message) }),
        break: () => call('onclose', {}),
      } as Socket & { sent: Record<string, unknown>[]; open(): void; say(message: object): void; break(): void }
      sockets.push(socket)
      return socket
    },
  })
  return { transport, sockets, connections, time }
}

describe('a window on a WebSocket', () => {
  it('sends calls made while it connects as soon as it is connected', async () => {
    const { transport, sockets } = windowOnFakeSockets()
    const answer = transport.call('settings.get', {})
    expect(sockets[0]?.sent).toEqual([])
    sockets[0]?.open()
    expect(sockets[0]?.sent).toEqual([{ kind: 'call', id: 1, name: 'settings.get', input: {} }])
    sockets[0]?.say({ kind: 'result', id: 1, result: { ok: true, value: 7 } })
    expect(await answer).toEqual({ ok: true, value: 7 })
  })

  it('answers `disconnected` to what was open when the connection was lost, and never sends it twice', async () => {
    const { transport, sockets, time } = windowOnFakeSockets()
    sockets[0]?.open()
    const answer = transport.call('scan.submit', { data: '1' })
    sockets[0]?.break()
    expect(await answer).toMatchObject({ ok: false, error: { code: 'disconnected' } })
    time.pass(250)
    sockets[1]?.open()
    expect(sockets[1]?.sent).toEqual([])
  })

  it('answers `disconnected` at once while there is no connection', async () => {
    const { transport, sockets } = windowOnFakeSockets()
    sockets[0]?.break()
    expect(await transport.call('settings.get', {})).toMatchObject({ ok: false, error: { code: 'disconnected' } })
  })

  it('connects again, more and more patiently, and eagerly after a success', () => {
    const { sockets, time } = windowOnFakeSockets()
    const waits: number[] = []
    for (let attempt = 0; attempt < 7; attempt += 1) {
      const before = sockets.length
      sockets.at(-1)?.break()
      let waited = 0
      while (sockets.length === before && waited < 10_000) {
        time.pass(50)
        waited += 50
      }
      waits.push(waited)
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000])
    sockets.at(-1)?.open()
    sockets.at(-1)?.break()
    const before = sockets.length
    time.pass(250)
    expect(sockets.length).toBe(before + 1)
  })

  it('keeps its subscriptions over a lost connection, and tells when to ask anew', () => {
    const { transport, sockets, connections, time } = windowOnFakeSockets()
    const heard: unknown[] = []
    sockets[0]?.open()
    transport.subscribe('status.changed', (payload) => heard.push(payload))
    const stop = transport.subscribe('session.changed', () => {})
    stop()
    sockets[0]?.break()
    time.pass(250)
    sockets[1]?.open()
    expect(sockets[1]?.sent).toEqual([{ kind: 'subscribe', topic: 'status.changed' }])
    sockets[1]?.say({ kind: 'event', topic: 'status.changed', payload: 1 })
    expect(heard).toEqual([1])
    expect(connections).toEqual([true, false, true])
  })

  it('is over once it is closed', async () => {
    const { transport, sockets, time } = windowOnFakeSockets()
    sockets[0]?.open()
    const answer = transport.call('settings.get', {})
    transport.close()
    expect(await answer).toMatchObject({ ok: false, error: { code: 'disconnected' } })
    time.pass(60_000)
    expect(sockets).toHaveLength(1)
    expect(await transport.call('settings.get', {})).toMatchObject({ ok: false, error: { code: 'disconnected' } })
  })
})
