import { fail } from '#contract/result.ts'
import type { Result } from '#contract/result.ts'
import type { ProcedureInput, ProcedureName, ProcedureOutput } from '#contract/station/procedures.ts'
import type { TopicName, TopicPayload } from '#contract/station/topics.ts'
import { createConnection } from './connection.ts'
import { createFrames } from './frames.ts'

/** This window's road to its station, made once. */
export const connection = createConnection()

const anew = new Set<() => void>()
const askAnew = (): void => {
  for (const ask of anew) ask()
}
connection.onChange((isOpen) => isOpen && askAnew())

const frames = createFrames({
  requestFrame: (run) => requestAnimationFrame(run),
  later: (run, waitMs) => void setTimeout(run, waitMs),
  now: () => performance.now(),
  onBehind: askAnew,
})

/**
 * Calls `ask` whenever events have been missed, so that everything must be asked for anew: the station is back, or this
 * window could not keep up. Returns the function that stops it.
 */
export function onMissed(ask: () => void): () => void {
  anew.add(ask)
  return () => anew.delete(ask)
}

/** Asks the station; an expected failure is data, and so is a carrier that breaks. */
export async function call<N extends ProcedureName>(
  name: N,
  input: ProcedureInput<N>,
): Promise<Result<ProcedureOutput<N>>> {
  try {
    const answer = (await connection.call(name, input)) as Result<ProcedureOutput<N>>
    // What the station said before it is older than the answer, and must not come after it.
    frames.flush()
    return answer
  } catch (cause) {
    // The bridge rejects only when the station's process is going away.
    return fail('disconnected', String(cause))
  }
}

/** Listens to a topic, event by event as they come, for what must not wait; returns the function that stops it. */
export function subscribe<T extends TopicName>(topic: T, listener: (payload: TopicPayload<T>) => void): () => void {
  return connection.subscribe(topic, (payload) => listener(payload as TopicPayload<T>))
}

/**
 * Listens to a topic for the screen: events are handed over together, in order, once a frame. A burst of scans is drawn
 * once then, and what has to be heard does not wait behind drawings that nobody will see.
 */
export function follow<T extends TopicName>(topic: T, listener: (payload: TopicPayload<T>) => void): () => void {
  let isOver = false
  const stop = subscribe(topic, (payload) =>
    frames.add(() => {
      if (!isOver) listener(payload)
    }),
  )
  return () => {
    isOver = true
    stop()
  }
}
