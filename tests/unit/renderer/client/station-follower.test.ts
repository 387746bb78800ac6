import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createStationFollower, emptyState, type StationState } from '#renderer/client/station-follower.ts'

type Listener = (payload: never) => void

/** What a station says, as far as the window's state hangs on it; versions stand for everything else. */
interface Model {
  settings: number
  sessions: { id: string; state: 'ACTIVE' | 'ENDED'; version: number }[]
  captures: { id: string; sessionId: string; sequence: number; version: number }[]
}

/**
 * A station whose answers are made up at once and come late, among the events of what happens meanwhile. Events keep their
 * order; summaries of sessions come later than what they tell.
 */
function createCarrier() {
  const model: Model = { settings: 0, sessions: [], captures: [] }
  const listeners = new Map<string, Listener[]>()
  const events: (() => void)[] = []
  const unmade: (() => void)[] = []
  const answers: (() => void)[] = []
  const changedSessions = new Set<string>()
  let state: StationState = emptyState

  const publish = (topic: string, payload: unknown): void => {
    const copy = structuredClone(payload)
    events.push(() => {
      for (const listener of listeners.get(topic) ?? []) listener(copy as never)
    })
  }
  const active = () => model.sessions.find((one) => one.state === 'ACTIVE')
  const answerTo = (name: string): unknown => {
    if (name === 'settings.get') return { version: model.settings }
    if (name === 'station.status') return { now: '2026-01-01T00:00:00.000Z' }
    if (name === 'session.current') return active() ?? null
    return { captures: newest(), total: model.captures.length }
  }
  const newest = () =>
    model.captures
      .filter(({ sessionId }) => sessionId === active()?.id)
      .toSorted((a, b) => b.sequence - a.sequence)
      .slice(0, 1)

  const follower = createStationFollower({
    // The question reaches the station later, its answer the window later still.
    call: ((name: string) =>
      new Promise((resolve) => {
        unmade.push(() => {
          const value = structuredClone(answerTo(name))
          answers.push(() => resolve({ ok: true, value }))
        })
      })) as never,
    follow: ((topic: string, listener: Listener) => {
      listeners.set(topic, [...(listeners.get(topic) ?? []), listener])
      return () => undefined
    }) as never,
    get: () => state,
    set: (change) => (state = { ...state, ...change }),
  })

  const takeOne = (from: (() => void)[], at: number): void => from.splice(at % Math.max(1, from.length), 1)[0]?.()
  const summarise = (): void => {
    for (const id of changedSessions)
      publish(
        'session.changed',
        model.sessions.find((one) => one.id === id),
      )
    changedSessions.clear()
  }
  const steps: Record<string, (at: number) => void> = {
    load: () => void follower.load(),
    change: () => publish('settings.changed', { version: (model.settings += 1) }),
    open() {
      if (active()) return
      const session = { id: `session-${model.sessions.length}`, state: 'ACTIVE' as const, version: 0 }
      model.sessions.push(session)
      changedSessions.add(session.id)
    },
    end() {
      const session = active()
      if (!session) return
      session.state = 'ENDED'
      changedSessions.add(session.id)
    },
    // What the backend says of a session that is over comes long after its end.
    touch(at) {
      const session = model.sessions[at % Math.max(1, model.sessions.length)]
      if (!session) return
      session.version += 1
      changedSessions.add(session.id)
    },
    scan() {
      const session = active()
      if (!session) return
      const sequence = model.captures.length + 1
      const capture = { id: `capture-${sequence}`, sessionId: session.id, sequence, version: 0 }
      model.captures.push(capture)
      publish('scan.taken', { outcome: 'saved', capture, previous: null })
      changedSessions.add(session.id)
    },
    sync() {
      const capture = model.captures.at(-1)
      if (!capture) return
      capture.version += 1
      publish('capture.changed', { captures: [capture] })
    },
    summarise,
    ask: (at) => takeOne(unmade, at),
    answer: (at) => takeOne(answers, at),
    event: () => takeOne(events, 0),
  }
  return {
    model,
    follower,
    step: async (name: string, at: number) => {
      steps[name]?.(at)
      // Whoever waited for an answer goes on before anything else happens.
      for (let turn = 0; turn < 10; turn++) await Promise.resolve()
    },
    isQuiet: () => unmade.length + answers.length + events.length + changedSessions.size === 0,
    state: () => state,
    truth: () => ({ session: active() ?? null, last: newest()[0] ?? null }),
  }
}

describe('the window’s knowledge of its station', () => {
  it('is what the station last said, however questions, answers and events cross', async () => {
    const name = fc.constantFrom(
      'load',
      'change',
      'open',
      'open',
      'end',
      'touch',
      'scan',
      'scan',
      'sync',
      'summarise',
      'ask',
      'ask',
      'ask',
      'answer',
      'answer',
      'answer',
      'event',
      'event',
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(name, fc.nat(50)), { maxLength: 60 }),
        fc.array(fc.tuple(fc.constantFrom('summarise', 'ask', 'answer', 'event'), fc.nat(50)), { maxLength: 30 }),
        async (during, after) => {
          const carrier = createCarrier()
          await carrier.step('open', 0)
          await carrier.step('summarise', 0)
          // Nobody listened yet.
          await carrier.step('event', 0)
          carrier.follower.start()
          await carrier.step('load', 0)
          for (const [step, at] of [...during, ...after]) await carrier.step(step, at)
          for (let round = 0; !carrier.isQuiet() && round < 2_000; round++)
            await carrier.step(['summarise', 'ask', 'answer', 'event'][round % 4] ?? '', round)
          const { session, last, settings, loaded } = carrier.state()
          expect(loaded).toBe(true)
          expect(settings).toEqual({ version: carrier.model.settings })
          expect(session).toEqual(carrier.truth().session)
          // That of an earlier session is not shown.
          const shown = last?.capture.sessionId === session?.id ? last?.capture : undefined
          expect(shown ?? null).toEqual(carrier.truth().last)
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('keeps the active session when one that is over is heard of while the first answers come', async () => {
    const carrier = createCarrier()
    carrier.follower.start()
    for (const step of ['open', 'end', 'open', 'load', 'ask', 'ask', 'ask', 'summarise']) await carrier.step(step, 0)
    // Only the news of the ended session comes in time.
    for (const step of ['event', 'answer', 'answer', 'answer']) await carrier.step(step, 0)
    expect(carrier.state().session).toMatchObject({ id: 'session-1', state: 'ACTIVE' })
  })
})
