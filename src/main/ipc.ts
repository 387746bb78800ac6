import type { IpcMain, IpcMainEvent, IpcMainInvokeEvent, WebContents } from 'electron'
import { ipcChannels, missedTopic } from '#contract/ipc.ts'
import type { Log } from '#contract/ports.ts'
import { fail, type Result } from '#contract/result.ts'
import { topicNames, type TopicName } from '#contract/station/topic-names.ts'
import { maxMessageBytes, type Transport } from '#contract/transport.ts'
import { isOwnUrl } from './origin.ts'

/** What is known of the frame a message came from. */
export interface SenderFacts {
  /** The message came from the kiosk's own window, not from another one. */
  readonly isOwnWindow: boolean
  /** The frame is the window's main frame; a destroyed frame is none. */
  readonly isMainFrame: boolean
  /** The frame's address at the time of the message; null when the frame is gone. */
  readonly url: string | null
}

/** Whether a message may reach the station: any frame can send one, only our own page in the main frame may. */
export function isTrustedSender(facts: SenderFacts): boolean {
  return facts.isOwnWindow && facts.isMainFrame && facts.url !== null && isOwnUrl(facts.url)
}

/** A page that has not read so many events yet gets no more of those that only say what is true now. */
const unreadLimit = 512

/** What cannot be asked for later, and goes to the page however far behind it is. */
const mustReach: ReadonlySet<string> = new Set<TopicName>([
  'scan.refused',
  'scan.torn',
  'control.taken',
  'camera.shoot',
])

export interface IpcCarrierPorts {
  readonly ipcMain: Pick<IpcMain, 'handle' | 'removeHandler' | 'on' | 'off'>
  readonly transport: Transport
  /** The window's page, or null while there is none. */
  readonly page: () => Pick<WebContents, 'id' | 'send' | 'isDestroyed'> | null
  /** Pages that only show the face of the gate; none unless given. */
  readonly displays?: () => readonly Pick<WebContents, 'id' | 'send' | 'isDestroyed'>[]
  readonly log: Log
}

/** What a page before visitors may ask, and is told: nothing that changes anything, nothing that was read. */
const displayCalls: ReadonlySet<string> = new Set(['settings.get', 'station.status', 'session.current', 'gate.status'])
const displayTopics: ReadonlySet<string> = new Set<TopicName>([
  'gate.changed',
  'gate.failed',
  'gate.verdict',
  'settings.changed',
  'status.changed',
])

/**
 * The station's end of the IPC carrier: answers calls of the kiosk's own page and sends it every topic. What a page that
 * cannot keep up has not read is bounded: it is told that it has missed something once it has caught up with half of it.
 * Returns the function that ends it.
 */
export function serveIpc({ ipcMain, transport, page, displays = () => [], log }: IpcCarrierPorts): () => void {
  ipcMain.handle(ipcChannels.call, async (event, name: unknown, input: unknown): Promise<Result<unknown>> => {
    const display = displays().find(({ id }) => id === event.sender.id)
    const facts = senderFacts(event, display?.id ?? page()?.id)
    if (!isTrustedSender(facts) || (display && !displayCalls.has(String(name)))) {
      log.warn({ ...facts }, 'message from a foreign frame refused')
      return fail('unauthorised', 'this frame may not call the station')
    }
    if (typeof name !== 'string') return fail('invalid_input', 'the name is no string')
    const bytes = messageBytes(input)
    if (bytes === null) return fail('invalid_input', 'the input cannot be written as JSON')
    if (bytes > maxMessageBytes) return fail('too_large', `a message has at most ${maxMessageBytes} bytes`)
    return await transport.call(name, input)
  })

  let sent = 0
  let read = 0
  let hasMissed = false
  const send = (topic: string, payload: unknown): void => {
    const contents = page()
    if (contents === null || contents.isDestroyed()) return
    sent += 1
    contents.send(ipcChannels.event, topic, payload, sent)
  }
  const takeRead = (event: IpcMainEvent, number: unknown): void => {
    if (!isTrustedSender(senderFacts(event, page()?.id)) || !Number.isSafeInteger(number)) return
    // A page that begins has nothing of the one before it.
    read = number === 0 ? sent : Math.min(sent, Math.max(read, Number(number)))
    if (!hasMissed || sent - read > unreadLimit / 2) return
    hasMissed = false
    send(missedTopic, {})
  }
  ipcMain.on(ipcChannels.read, takeRead)

  const stops = topicNames.map((topic) =>
    transport.subscribe(topic, (payload) => {
      if (displayTopics.has(topic)) {
        for (const display of displays()) if (!display.isDestroyed()) display.send(ipcChannels.event, topic, payload, 0)
      }
      if (sent - read < unreadLimit || mustReach.has(topic)) return send(topic, payload)
      if (!hasMissed) log.warn({ unread: sent - read }, 'the window cannot keep up: events are left out')
      hasMissed = true
    }),
  )
  return () => {
    for (const stop of stops) stop()
    ipcMain.off(ipcChannels.read, takeRead)
    ipcMain.removeHandler(ipcChannels.call)
  }
}

function senderFacts(event: IpcMainInvokeEvent | IpcMainEvent, ownId: number | undefined): SenderFacts {
  const isOwnWindow = ownId !== undefined && event.sender.id === ownId
  try {
    // Of a frame that is gone some versions of Electron have null, others nothing at all, and one that goes now throws.
    const frame = event.senderFrame ?? null
    return { isOwnWindow, isMainFrame: frame !== null && frame.parent === null, url: frame?.url ?? null }
  } catch {
    return { isOwnWindow, isMainFrame: false, url: null }
  }
}

/** The size of a value as JSON; null for what JSON cannot say (cycles, big integers), which no schema accepts either. */
function messageBytes(input: unknown): number | null {
  try {
    return Buffer.byteLength(JSON.stringify(input) ?? '')
  } catch {
    return null
  }
}
