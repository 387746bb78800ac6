import type { WebSocket } from 'ws'
import type { Log } from '#contract/ports.ts'
import { topics } from '#contract/station/topics.ts'
import type { Transport } from '#contract/transport.ts'
import { type ClientMessage, clientMessageSchema, type ServerMessage } from '#contract/web-socket-messages.ts'

/** A window that reads this slowly is cut off; it comes back and asks for everything anew. */
const maxBufferedBytes = 16 * 1024 * 1024

/** WebSocket close codes: RFC 6455, section 7.4.1. */
const policyViolation = 1008
const tryAgainLater = 1013

/** The station's end of the WebSocket carrier: serves one window until its socket closes. */
export function serveSocket(socket: WebSocket, transport: Transport, log: Log): void {
  const stops = new Map<string, () => void>()

  const send = (message: ServerMessage): void => {
    if (socket.readyState !== socket.OPEN) return
    if (socket.bufferedAmount > maxBufferedBytes) {
      log.warn({ bufferedBytes: socket.bufferedAmount }, 'slow window cut off')
      socket.close(tryAgainLater, 'too slow')
      return
    }
    socket.send(JSON.stringify(message))
  }

  socket.on('message', (data, isBinary) => {
    const message = isBinary ? null : readMessage(String(data))
    if (message === null) {
      log.warn({}, 'malformed message refused')
      socket.close(policyViolation, 'malformed message')
      return
    }
    switch (message.kind) {
      case 'call':
        void transport
          .call(message.name, message.input)
          .then((result) => send({ kind: 'result', id: message.id, result }))
        return
      case 'subscribe': {
        const { topic } = message
        // Unknown topics never have events; keeping none of them bounds what one window can make us remember.
        if (!Object.hasOwn(topics, topic) || stops.has(topic)) return
        stops.set(
          topic,
          transport.subscribe(topic, (payload) => send({ kind: 'event', topic, payload })),
        )
        return
      }
      case 'unsubscribe':
        stops.get(message.topic)?.()
        stops.delete(message.topic)
    }
  })
  // An oversized or broken frame arrives here; ws closes the socket itself, with the right code.
  socket.on('error', (error) => log.warn({ reason: error.message }, 'broken frame refused'))
  socket.on('close', () => {
    for (const stop of stops.values()) stop()
    stops.clear()
  })
}

function readMessage(text: string): ClientMessage | null {
  try {
    return clientMessageSchema.parse(JSON.parse(text))
  } catch {
    return null
  }
}
