import type { Page } from 'playwright-core'
import type { Result } from '#contract/result.ts'
import { transportPath } from '#contract/transport.ts'
import type { ServerMessage } from '#contract/web-socket-messages.ts'

/** A call over a connection of its own, as another window of the station would make it; answers its result. */
export function callAsAnotherWindow(page: Page, name: string, input: object): Promise<Result<unknown>> {
  return page.evaluate(
    async ([name, input, path]) => {
      const socket = new WebSocket(`ws://${window.location.host}${path}`)
      await new Promise((resolve) => socket.addEventListener('open', resolve))
      const answered = new Promise<MessageEvent<string>>((resolve) => socket.addEventListener('message', resolve))
      socket.send(JSON.stringify({ kind: 'call', id: 1, name, input }))
      const { data } = await answered
      socket.close()
      return (JSON.parse(data) as Extract<ServerMessage, { kind: 'result' }>).result
    },
    [name, input, transportPath] as const,
  )
}
