import type { IpcMain, IpcMainInvokeEvent, WebContents } from 'electron'
import { ipcChannels } from '#contract/ipc.ts'
import type { Log } from '#contract/ports.ts'
import { fail, type Result } from '#contract/result.ts'
import { topics } from '#contract/station/topics.ts'
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

export interface IpcCarrierPorts {
  readonly ipcMain: Pick<IpcMain, 'handle' | 'removeHandler'>
  readonly transport: Transport
  /** The window's page, or null while there is none. */
  readonly page: () => Pick<WebContents, 'id' | 'send' | 'isDestroyed'> | null
  readonly log: Log
}

/**
 * The station's end of the IPC carrier: answers calls of the kiosk's own page and sends it every topic.
 * Returns the function that ends it.
 */
export function serveIpc({ ipcMain, transport, page, log }: IpcCarrierPorts): () => void {
  ipcMain.handle(ipcChannels.call, async (event, name: unknown, input: unknown): Promise<Result<unknown>> => {
    const facts = senderFacts(event, page()?.id)
    if (!isTrustedSender(facts)) {
      log.warn({ ...facts }, 'message from a foreign frame refused')
      return fail('unauthorised', 'this frame may not call the station')
    }
    if (typeof name !== 'string') return fail('invalid_input', 'the name is no string')
    const bytes = messageBytes(input)
    if (bytes === null) return fail('invalid_input', 'the input cannot be written as JSON')
    if (bytes > maxMessageBytes) return fail('too_large', `a message has at most ${maxMessageBytes} bytes`)
    return await transport.call(name, input)
  })

  const stops = Object.keys(topics).map((topic) =>
    transport.subscribe(topic, (payload) => {
      const contents = page()
      if (contents !== null && !contents.isDestroyed()) contents.send(ipcChannels.event, topic, payload)
    }),
  )
  return () => {
    for (const stop of stops) stop()
    ipcMain.removeHandler(ipcChannels.call)
  }
}

function senderFacts(event: IpcMainInvokeEvent, ownId: number | undefined): SenderFacts {
  const frame = event.senderFrame
  return {
    isOwnWindow: ownId !== undefined && event.sender.id === ownId,
    isMainFrame: frame !== null && frame.parent === null,
    url: frame?.url ?? null,
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
