import { EventEmitter } from 'node:events'
import { MessageChannel } from 'node:worker_threads'

/** Electron's IPC between one page and the main process, on a structured-clone port: values really are cloned. */
export interface FakeIpc {
  readonly ipcMain: {
    handle(channel: string, handler: (event: never, ...args: unknown[]) => unknown): void
    removeHandler(channel: string): void
    on(channel: string, listener: (event: never, ...args: unknown[]) => void): void
    off(channel: string, listener: (event: never, ...args: unknown[]) => void): void
  }
  readonly ipcRenderer: {
    invoke(channel: string, ...args: unknown[]): Promise<unknown>
    on(channel: string, listener: (event: unknown, ...args: unknown[]) => void): void
    send(channel: string, ...args: unknown[]): void
  }
  readonly page: { readonly id: number; send(channel: string, ...args: unknown[]): void; isDestroyed(): boolean }
  /** What `ipcMain` sees as the sender of the messages from now on. */
  sendAs(event: unknown): void
  close(): void
}

/** The event of a message from the kiosk's own page. */
export const ownEvent = { sender: { id: 1 }, senderFrame: { url: 'app://kiosk/', parent: null } }

export function createFakeIpc(): FakeIpc {
  const { port1: mainPort, port2: pagePort } = new MessageChannel()
  const handlers = new Map<string, (event: never, ...args: unknown[]) => unknown>()
  const events = new EventEmitter()
  const told = new EventEmitter()
  const answers = new Map<number, { resolve(value: unknown): void; reject(error: unknown): void }>()
  let event: unknown = ownEvent
  let lastId = 0

  mainPort.on('message', async ({ id, channel, args }) => {
    if (id === undefined) return void told.emit(channel, event, ...args)
    const handler = handlers.get(channel)
    try {
      if (handler === undefined) throw new Error(`No handler registered for '${channel}'`)
      mainPort.postMessage({ id, value: await handler(event as never, ...args) })
    } catch (error) {
      mainPort.postMessage({ id, error: String(error) })
    }
  })
  pagePort.on('message', ({ id, channel, args, value, error }) => {
    if (id === undefined) events.emit(channel, { sender: 'the ipcRenderer itself' }, ...args)
    else if (error === undefined) answers.get(id)?.resolve(value)
    else answers.get(id)?.reject(new Error(error))
  })

  return {
    ipcMain: {
      handle: (channel, handler) => void handlers.set(channel, handler),
      removeHandler: (channel) => void handlers.delete(channel),
      on: (channel, listener) => void told.on(channel, listener as never),
      off: (channel, listener) => void told.off(channel, listener as never),
    },
    ipcRenderer: {
      invoke: (channel, ...args) =>
        new Promise((resolve, reject) => {
          lastId += 1
          answers.set(lastId, { resolve, reject })
          pagePort.postMessage({ id: lastId, channel, args })
        }),
      on: (channel, listener) => void events.on(channel, listener),
      send: (channel, ...args) => pagePort.postMessage({ channel, args }),
    },
    page: { id: 1, send: (channel, ...args) => mainPort.postMessage({ channel, args }), isDestroyed: () => false },
    sendAs: (other) => (event = other),
    close() {
      mainPort.close()
      pagePort.close()
    },
  }
}
