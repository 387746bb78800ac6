import type { AppError } from '#contract/result.ts'
import type { JudgeInput, PhotoInput, RegionInput } from './photo-reading.ts'
import type { CodesInput } from './reading.ts'

/** What is asked of an imaging process: one at a time, each answered once. */
export type Job = { readonly id: number } & (
  | ({ readonly kind: 'photo' } & PhotoInput)
  | ({ readonly kind: 'judge' } & JudgeInput)
  | ({ readonly kind: 'codes' } & CodesInput)
  | ({ readonly kind: 'region' } & RegionInput)
)

/** Asked of a process that has nothing to do yet, and not answered: to be as fast with its first photo as with the next. */
export interface Rehearsal {
  readonly kind: 'rehearse'
}

/** Told to a process before anything else, where there is a key: files are opened with it, and what is written is sealed. */
export interface Unlocking {
  readonly kind: 'unlock'
  /** 32 bytes in base64: no process shows its messages, as it does its arguments and its environment. */
  readonly key: string
}

/** A person stands before the screen until it is answered. */
export const isAwaited = (kind: Job['kind']): boolean => kind === 'judge' || kind === 'region'

/** What the imaging process says: that it is up, then one answer a job. `rssBytes` is its memory after the job. */
export type WorkerMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answer'; readonly id: number; readonly rssBytes: number; readonly outcome: JobOutcome }

export type JobOutcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: AppError }
