import { fail } from '#contract/result.ts'
import type { Result } from '#contract/result.ts'
import type { ProcedureInput, ProcedureName, ProcedureOutput } from '#contract/station/procedures.ts'
import type { TopicName, TopicPayload } from '#contract/station/topics.ts'
import { createConnection } from './connection.ts'

/** This window's road to its station, made once. */
export const connection = createConnection()

/** Asks the station; an expected failure is data, and so is a carrier that breaks. */
export async function call<N extends ProcedureName>(
  name: N,
  input: ProcedureInput<N>,
): Promise<Result<ProcedureOutput<N>>> {
  try {
    return (await connection.call(name, input)) as Result<ProcedureOutput<N>>
  } catch (cause) {
    // The bridge rejects only when the station's process is going away.
    return fail('disconnected', String(cause))
  }
}

/** Listens to a topic; returns the function that stops it. */
export function subscribe<T extends TopicName>(topic: T, listener: (payload: TopicPayload<T>) => void): () => void {
  return connection.subscribe(topic, (payload) => listener(payload as TopicPayload<T>))
}
