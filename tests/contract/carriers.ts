import { fileURLToPath } from 'node:url'
import { WebSocket } from 'ws'
import { type Transport, transportPath } from '#contract/transport.ts'
import { createWebSocketTransport, type Socket } from '#contract/web-socket-transport.ts'
import { serveIpc } from '#main/ipc.ts'
import { createBridge } from '#preload/bridge.ts'
import { createWebHost } from '#web/index.ts'
import { createFakeIpc } from './fake-ipc.ts'
import { createKeptLog, type FakeStation } from './fake-station.ts'

/** A window connected to a station in one of the ways there are. */
export interface Connection {
  readonly window: Transport
  /** Ends the station's side, as a closing host does. */
  close(): Promise<void>
}

export interface Carrier {
  readonly name: string
  /** Whether values travel as messages; in-process there is no message that could be too large. */
  readonly hasMessages: boolean
  connect(station: FakeStation): Promise<Connection>
}

export const assetsDir = fileURLToPath(new URL('./assets', import.meta.url))

export const carriers: readonly Carrier[] = [
  {
    name: 'in-process',
    hasMessages: false,
    connect: async (station) => ({ window: station, close: async () => {} }),
  },
  {
    name: 'Electron IPC',
    hasMessages: true,
    async connect(station) {
      const ipc = createFakeIpc()
      const window = createBridge(ipc.ipcRenderer as never)
      const { log } = createKeptLog()
      const stop = serveIpc({ ipcMain: ipc.ipcMain as never, transport: station, page: () => ipc.page, log })
      return {
        window,
        async close() {
          stop()
          // The port stays open as Electron's does; what is closed is the station.
          unreferenced.push(ipc)
        },
      }
    },
  },
  {
    name: 'WebSocket',
    hasMessages: true,
    async connect(station) {
      const { log } = createKeptLog()
      const host = await createWebHost({ station, assetsDir, port: 0, log })
      const cookie = await cookieOf(host.url)
      const { origin } = new URL(host.url)
      const window = await new Promise<ReturnType<typeof createWebSocketTransport>>((resolve) => {
        const made = createWebSocketTransport({
          connect: () =>
            new WebSocket(`${origin.replace('http', 'ws')}${transportPath}`, {
              origin,
              headers: { cookie },
            }) as unknown as Socket,
          later: (run, waitMs) => setTimeout(run, waitMs).unref(),
          onConnection: (connected) => connected && resolve(made),
        })
      })
      return {
        window,
        async close() {
          await host.close()
        },
      }
    },
  },
]

/** Ports of connections that were closed; ended with the test file. */
export const unreferenced: { close(): void }[] = []

/** Exchanges a host's address for the cookie that it answers with. */
export async function cookieOf(url: string): Promise<string> {
  const response = await fetch(url, { redirect: 'manual' })
  return (response.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
}
