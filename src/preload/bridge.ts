import type { IpcRenderer } from 'electron'
import { ipcChannels, missedTopic, readEvery } from '#contract/ipc.ts'
import type { Transport } from '#contract/transport.ts'

/**
 * The window's end of the IPC carrier.
 *
 * Listeners get the payload alone: an `IpcRendererEvent` would hand them `ipcRenderer` by its `sender`.
 */
export function createBridge(ipcRenderer: Pick<IpcRenderer, 'invoke' | 'on' | 'send'>): Transport {
  const listeners = new Map<string, Set<(payload: unknown) => void>>()

  ipcRenderer.on(ipcChannels.pulse, () => ipcRenderer.send(ipcChannels.pulse))
  ipcRenderer.on(ipcChannels.event, (_event, topic: string, payload: unknown, number: number) => {
    if (number % readEvery === 0 || topic === missedTopic) ipcRenderer.send(ipcChannels.read, number)
    for (const listener of listeners.get(topic) ?? []) listener(payload)
  })
  ipcRenderer.send(ipcChannels.read, 0)

  return {
    async call(name, input) {
      try {
        return await ipcRenderer.invoke(ipcChannels.call, name, input)
      } catch {
        // Nobody answers: the station is closing. What is no plain value cannot even be sent.
        return { ok: false, error: { code: 'disconnected', message: 'the station does not answer' } }
      }
    },
    subscribe(topic, listener) {
      const own = (payload: unknown): void => listener(payload)
      const all = listeners.get(topic) ?? new Set()
      listeners.set(topic, all.add(own))
      return () => {
        if (all.delete(own) && all.size === 0) listeners.delete(topic)
      }
    },
  }
}
