import type { Db } from '../db/database.ts'

/** Everything the backend does behind a request is a job of one of these queues. */
export const queues = ['captures', 'photo', 'fields', 'link', 'webhook'] as const
export type QueueName = (typeof queues)[number]

/** A job in the hands of a process. */
export interface Claim {
  readonly id: string
  /** From 1. */
  readonly attempt: number
  /** The queue's own mark of the job. */
  readonly mark: unknown
}

/** What an engine makes of queues. */
export interface Queue {
  readonly add: (db: Db, queue: QueueName, ids: readonly string[], dueAt?: Date) => Promise<void>
  /** Takes jobs and ends them in the same transaction: they are there again when it is undone. */
  readonly take: (db: Db, queue: QueueName, limit: number) => Promise<readonly string[]>
  /** Takes due jobs for longer than a transaction. When this process dies, they are due again. */
  readonly claim: (queue: QueueName, limit: number) => Promise<readonly Claim[]>
  /** Ends a claimed job in a transaction; false when it is claimed no more. */
  readonly end: (db: Db, queue: QueueName, claim: Claim) => Promise<boolean>
  /** Puts a claimed job back. */
  readonly release: (queue: QueueName, claim: Claim, attempt: number, dueAt: Date) => Promise<void>
  /** Whether anything can come without being added here: jobs of other processes, or some that are due later. */
  readonly mayCome: (queue: QueueName) => Promise<boolean>
  readonly count: () => Promise<Readonly<Record<QueueName, number>>>
  readonly close: () => Promise<void>
}
