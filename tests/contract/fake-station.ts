import { createDispatch } from '#contract/dispatch.ts'
import { fail, ok } from '#contract/result.ts'
import { procedures } from '#contract/station/procedures.ts'
import { settingsSchema } from '#contract/station/settings.ts'
import type { Transport } from '#contract/transport.ts'

/** A station in memory with a few of the real procedures: the suite tests carriers, not the station behind them. */
export interface FakeStation extends Transport {
  handle(request: Request): Promise<Response>
  emit(topic: string, payload: unknown): void
  /** How many listeners a topic has: carriers must not leave any behind. */
  listeners(topic: string): number
  /** Names of procedures that threw. */
  readonly bugs: string[]
  /** How many calls are under way at once, at most, so far. */
  readonly mostAtOnce: () => number
}

/** An id that no station makes; `capture.get` of it throws. */
export const buggyId = '00000000-0000-4000-8000-000000000bad'
export const unknownId = '00000000-0000-4000-8000-000000000404'

const answering = {
  'settings.get': procedures['settings.get'],
  'settings.change': procedures['settings.change'],
  'device.report': procedures['device.report'],
  'session.current': procedures['session.current'],
  'capture.get': procedures['capture.get'],
}

export function createFakeStation(): FakeStation {
  const listeners = new Map<string, Set<(payload: unknown) => void>>()
  const bugs: string[] = []
  let settings = settingsSchema.parse({})
  let atOnce = 0
  let mostAtOnce = 0

  const call = createDispatch(
    answering,
    {
      'settings.get': () => ok(settings),
      'settings.change': (change) => {
        settings = { ...settings, ...change } as typeof settings
        return ok(settings)
      },
      // Answers as late as its name says, so that answers overtake each other.
      'device.report': async ({ name }) => {
        atOnce += 1
        mostAtOnce = Math.max(mostAtOnce, atOnce)
        await new Promise((resolve) => setTimeout(resolve, Number(name)))
        atOnce -= 1
        return ok({})
      },
      'session.current': () => ok(null),
      'capture.get': ({ id }) => {
        if (id === buggyId) throw new Error('the secret detail of a bug')
        return fail('not_found', `no capture ${id}`)
      },
    },
    (name) => bugs.push(name),
  )

  return {
    call,
    subscribe(topic, listener) {
      const own = (payload: unknown): void => listener(payload)
      const all = listeners.get(topic) ?? new Set()
      listeners.set(topic, all.add(own))
      return () => void all.delete(own)
    },
    async handle(request) {
      if (request.method === 'PUT') {
        let bytes = 0
        for await (const chunk of request.body ?? []) bytes += chunk.byteLength
        return Response.json({ bytes, path: new URL(request.url).pathname }, { status: 201 })
      }
      return new Response(`bytes of ${new URL(request.url).pathname}`)
    },
    emit(topic, payload) {
      for (const listener of listeners.get(topic) ?? []) listener(payload)
    },
    listeners: (topic) => listeners.get(topic)?.size ?? 0,
    bugs,
    mostAtOnce: () => mostAtOnce,
  }
}

/** A log that keeps what is said, for tests that look at it. */
export function createKeptLog() {
  const lines: { readonly level: string; readonly fields: object; readonly message: string }[] = []
  const at = (level: string) => (fields: object, message: string) => void lines.push({ level, fields, message })
  const log = {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: () => log,
  }
  return { log, lines }
}
