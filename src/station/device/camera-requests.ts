import type { Ids } from '#contract/ports.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import type { Shot } from '#contract/station/shoot.ts'

/** A still camera may take seconds for a picture, and the saving of it some more. */
const shootMs = 30_000

/** Asks the windows, which have the cameras, for photos. */
export interface CameraRequests {
  /**
   * The first window that has cameras open answers for all; one without them opens them and stays silent.
   * `device_unavailable` when none answers.
   */
  shoot(): Promise<Result<Shot[]>>
  /** A window's answer. */
  answer(id: string, shots: Shot[]): void
}

/** `ask` tells the windows of a request; it answers whether any of them hears. */
export function createCameraRequests(ids: Ids, ask: (id: string) => boolean): CameraRequests {
  const waiting = new Map<string, (shots: Shot[]) => void>()
  return {
    async shoot() {
      const id = ids.next()
      let timer: NodeJS.Timeout | undefined
      const shots = await new Promise<Shot[]>((resolve) => {
        waiting.set(id, resolve)
        timer = setTimeout(() => resolve([]), shootMs)
        if (!ask(id)) resolve([])
      })
      clearTimeout(timer)
      waiting.delete(id)
      return shots.length === 0 ? fail('device_unavailable', 'no window with open cameras has answered') : ok(shots)
    },
    answer: (id, shots) => waiting.get(id)?.(shots),
  }
}
