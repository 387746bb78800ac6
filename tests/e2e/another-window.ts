import type { Page } from 'playwright-core'
import { transportPath } from '#contract/transport.ts'

/** A call over a connection of its own, as another window of the station would make it. */
export async function callAsAnotherWindow(page: Page, name: string, input: object): Promise<void> {
  await page.evaluate(
    async ([name, input, path]) => {
      const socket = new WebSocket(`ws://${window.location.host}${path}`)
      await new Promise((resolve) => socket.addEventListener('open', resolve))
      const answered = new Promise((resolve) => socket.addEventListener('message', resolve))
      socket.send(JSON.stringify({ kind: 'call', id: 1, name, input }))
      await answered
      socket.close()
    },
    [name, input, transportPath] as const,
  )
}
