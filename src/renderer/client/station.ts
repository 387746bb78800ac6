import { fail } from '#contract/result.ts'
import type { Result } from '#contract/result.ts'
import { procedures } from '#contract/station/procedures.ts'
import type { ProcedureInput, ProcedureName, ProcedureOutput } from '#contract/station/procedures.ts'
import { purposeSchema } from '#contract/station/staff.ts'
import type { Purpose } from '#contract/station/staff.ts'
import type { TopicName } from '#contract/station/topic-names.ts'
import type { TopicPayload } from '#contract/station/topics.ts'
import { createConnection } from './connection.ts'
import { createFrames } from './frames.ts'
import { createGrants } from './grants.ts'

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

/** The grants of staff at this window. */
export const grants = createGrants()

/**
 * Asks the station; an expected failure is data, and so is a carrier that breaks. What is only for staff asks the person
 * for a PIN or badge first, and is `locked` when he gives up.
 */
export async function call<N extends ProcedureName>(
  name: N,
  input: ProcedureInput<N>,
): Promise<Result<ProcedureOutput<N>>> {
  if (!('purpose' in procedures[name])) return await send(name, input)
  return await withGrant((grant) => send(name, grant === null ? input : { ...input, grant }))
}

/**
 * Runs an action of staff with the grant that this window holds; where the station wants another one it asks the person,
 * and runs the action once more. For what goes another way than `call`, such as a request for bytes.
 */
export async function withGrant<T>(action: (grant: string | null) => Promise<Result<T>>): Promise<Result<T>> {
  const held = grants.held()
  const first = await action(held)
  const purpose = wanted(first)
  if (purpose === null) return first
  if (held !== null) grants.drop(held)
  const grant = await grants.ask(purpose)
  return grant === null ? first : await action(grant)
}

/** What staff must be let in for; null for any other answer. */
function wanted(answer: Result<unknown>): Purpose | null {
  if (answer.ok || answer.error.code !== 'locked') return null
  const named = answer.error.details?.find(({ field }) => field === 'purpose')?.message
  return purposeSchema.safeParse(named).data ?? null
}

async function send<N extends ProcedureName>(name: N, input: unknown): Promise<Result<ProcedureOutput<N>>> {
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
