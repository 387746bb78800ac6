import { fail, type Result } from '#contract/result.ts'
import { maxMessageBytes, type Transport } from '#contract/transport.ts'
import type { ClientMessage, ServerMessage } from '#contract/web-socket-messages.ts'

/** The part of a WebSocket that the carrier uses; the browser's and the `ws` package's both have it. */
export interface Socket {
  send(text: string): void
  close(): void
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  onerror: ((event: never) => void) | null
}

export interface WebSocketTransportPorts {
  /** Opens a new socket to `transportPath`, as `() => new WebSocket(url)`. */
  readonly connect: () => Socket
  /** Runs something later, as `(run, waitMs) => setTimeout(run, waitMs)`. */
  readonly later: (run: () => void, waitMs: number) => void
  /** Told whenever the connection comes or goes; a window that hears `true` again should ask for everything anew. */
  readonly onConnection?: (connected: boolean) => void
}

export interface WebSocketTransport extends Transport {
  /** Ends the connection for good; calls after it answer `disconnected`. */
  close(): void
}

const firstWaitMs = 250
const longestWaitMs = 5_000

/**
 * The window's end of the WebSocket carrier.
 *
 * Calls made while a connection is being made wait for it. A lost connection answers every open call with
 * `disconnected` and is made again with back-off; subscriptions survive it, events in between are gone.
 */
export function createWebSocketTransport(ports: WebSocketTransportPorts): WebSocketTransport {
  const listeners = new Map<string, Set<(payload: unknown) => void>>()
  const open = new Map<number, { readonly text: string; readonly answer: (result: Result<unknown>) => void }>()
  let socket: Socket | null = null
  let connected = false
  let closed = false
  let waitMs = firstWaitMs
  let lastId = 0

  const send = (message: ClientMessage): void => {
    if (connected) socket?.send(JSON.stringify(message))
  }

  const receive = (message: ServerMessage): void => {
    if (message.kind === 'result') {
      open.get(message.id)?.answer(message.result)
      open.delete(message.id)
      return
    }
    for (const listener of listeners.get(message.topic) ?? []) listener(message.payload)
  }

  const lose = (): void => {
    const wasConnected = connected
    connected = false
    socket = null
    for (const call of open.values()) call.answer(fail('disconnected', 'the connection to the station is lost'))
    open.clear()
    if (wasConnected) ports.onConnection?.(false)
    if (closed) return
    ports.later(start, waitMs)
    waitMs = Math.min(waitMs * 2, longestWaitMs)
  }

  const start = (): void => {
    if (closed) return
    const opened = ports.connect()
    socket = opened
    opened.onopen = () => {
      connected = true
      waitMs = firstWaitMs
      for (const topic of listeners.keys()) send({ kind: 'subscribe', topic })
      for (const call of open.values()) opened.send(call.text)
      ports.onConnection?.(true)
    }
    opened.onmessage = (event: { readonly data: unknown }) => receive(JSON.parse(String(event.data)) as ServerMessage)
    opened.onclose = () => {
      if (socket === opened) lose()
    }
    // A close always follows an error, and says all there is to say.
    opened.onerror = () => {}
  }

  start()
  return {
    call(name, input) {
      if (closed || socket === null)
        return Promise.resolve(fail('disconnected', 'there is no connection to the station'))
      lastId += 1
      const id = lastId
      let text: string
      try {
        text = JSON.stringify({ kind: 'call', id, name, input } satisfies ClientMessage)
      } catch {
        return Promise.resolve(fail('invalid_input', 'the input cannot be written as JSON'))
      }
      // UTF-16 units times three bound the bytes of UTF-8; only what could be too large is worth a closer look.
      if (text.length * 3 > maxMessageBytes && utf8Bytes(text) > maxMessageBytes) {
        return Promise.resolve(fail('too_large', `a message has at most ${maxMessageBytes} bytes`))
      }
      return new Promise((answer) => {
        open.set(id, { text, answer })
        if (connected) socket?.send(text)
      })
    },
    subscribe(topic, listener) {
      // Wrapped, so that one function may listen twice and each subscription stops on its own.
      const own = (payload: unknown): void => listener(payload)
      const all = listeners.get(topic) ?? new Set()
      listeners.set(topic, all.add(own))
      if (all.size === 1) send({ kind: 'subscribe', topic })
      return () => {
        if (!all.delete(own) || all.size > 0) return
        listeners.delete(topic)
        send({ kind: 'unsubscribe', topic })
      }
    },
    close() {
      closed = true
      socket?.close()
      if (socket !== null) lose()
    },
  }
}

/** The length of a string in UTF-8, counted without an encoder: this room knows no platform. */
function utf8Bytes(text: string): number {
  let bytes = 0
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0
    bytes += point < 0x80 ? 1 : point < 0x8_00 ? 2 : point < 0x1_00_00 ? 3 : 4
  }
  return bytes
}
