import { missedTopic } from '#contract/ipc.ts'
import { transportPath } from '#contract/transport.ts'
import type { Transport } from '#contract/transport.ts'
import { createWebSocketTransport } from '#contract/web-socket-transport.ts'

/** A transport that may lose its station and find it again. */
export interface Connection extends Transport {
  readonly isOpen: () => boolean
  /** Resolves once the station answers again; at once while it does. */
  readonly whenOpen: () => Promise<void>
  /**
   * Tells of each change of `isOpen`, and `true` again when events were left out; returns the function that stops it.
   */
  readonly onChange: (listener: (open: boolean) => void) => () => void
}

declare global {
  interface Window {
    /** Set by Electron's preload; a browser window has none and uses a WebSocket. */
    readonly capstan?: Transport
  }
}

/** The road this window has to its station: the preload's bridge, else a WebSocket on its own origin. */
export function createConnection(): Connection {
  const bridge = window.capstan
  if (bridge === undefined) return createBrowserConnection()
  return {
    call: (name, input) => bridge.call(name, input),
    subscribe: (topic, listener) => bridge.subscribe(topic, listener),
    isOpen: () => true,
    whenOpen: () => Promise.resolve(),
    onChange: (listener) => bridge.subscribe(missedTopic, () => listener(true)),
  }
}

function createBrowserConnection(): Connection {
  const { protocol, host } = window.location
  const url = `${protocol === 'https:' ? 'wss:' : 'ws:'}//${host}${transportPath}`
  const watchers = new Set<(open: boolean) => void>()
  let open = false
  let opened = Promise.withResolvers<void>()
  const { call, subscribe } = createWebSocketTransport({
    connect: () => new WebSocket(url),
    later: (run, waitMs) => void setTimeout(run, waitMs),
    onConnection(connected) {
      open = connected
      if (connected) opened.resolve()
      else opened = Promise.withResolvers()
      for (const watcher of watchers) watcher(connected)
    },
  })
  return {
    call,
    subscribe,
    isOpen: () => open,
    whenOpen: () => opened.promise,
    onChange(listener) {
      watchers.add(listener)
      return () => watchers.delete(listener)
    },
  }
}
