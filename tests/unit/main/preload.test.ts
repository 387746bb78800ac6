import { expect, it, vi } from 'vitest'

const exposed = vi.hoisted(() => new Map<string, object>())
const sent = vi.hoisted(() => ({ listener: null as null | ((...args: unknown[]) => void) }))

vi.mock('electron', () => ({
  contextBridge: { exposeInMainWorld: (name: string, api: object) => exposed.set(name, api) },
  ipcRenderer: {
    invoke: () => Promise.reject(new Error('no handler')),
    send: () => undefined,
    on: (_channel: string, listener: (...args: unknown[]) => void) => (sent.listener = listener),
  },
}))

await import('#preload/index.ts')
const capstan = exposed.get('capstan') as {
  call(name: string, input: unknown): Promise<unknown>
  subscribe(topic: string, listener: (...args: unknown[]) => void): () => void
}

it('exposes one object with call and subscribe, and nothing else', () => {
  expect([...exposed.keys()]).toEqual(['capstan'])
  expect(Object.keys(capstan)).toEqual(['call', 'subscribe'])
})

it('hands listeners the payload alone, never the event', () => {
  const heard: unknown[][] = []
  const stop = capstan.subscribe('status.changed', (...args) => heard.push(args))
  sent.listener?.({ sender: 'ipcRenderer' }, 'status.changed', { now: 1 })
  sent.listener?.({ sender: 'ipcRenderer' }, 'session.changed', { now: 2 })
  stop()
  sent.listener?.({ sender: 'ipcRenderer' }, 'status.changed', { now: 3 })
  expect(heard).toEqual([[{ now: 1 }]])
})

it('answers `disconnected` when nobody handles the call', async () => {
  expect(await capstan.call('settings.get', {})).toMatchObject({ ok: false, error: { code: 'disconnected' } })
})
