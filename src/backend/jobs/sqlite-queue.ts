import type { Database } from '../db/database.ts'
import { queues, type Queue, type QueueName } from './queue.ts'

/**
 * Queues in the table `jobs`. The file has one process only, so what it has claimed it knows by itself, and whatever is
 * in the table when it starts is free.
 */
export function sqliteQueue({ db: reader, write }: Database, now: () => Date): Queue {
  const claimed = new Set<string>()
  const keyOf = (queue: QueueName, id: string): string => `${queue} ${id}`

  return {
    async add(db, queue, ids, dueAt) {
      if (ids.length === 0) return
      await db
        .insertInto('jobs')
        .values(ids.map((id) => ({ queue, id, due_at: dueAt?.toISOString() ?? '', attempt: 1 })))
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    },

    async take(db, queue, limit) {
      const rows = await db
        .selectFrom('jobs')
        .select('id')
        .where('queue', '=', queue)
        .orderBy('id')
        .limit(limit)
        .execute()
      const ids = rows.map(({ id }) => id)
      if (ids.length > 0) await db.deleteFrom('jobs').where('queue', '=', queue).where('id', 'in', ids).execute()
      return ids
    },

    async claim(queue, limit) {
      const free = (
        await reader
          .selectFrom('jobs')
          .select(['id', 'attempt'])
          .where('queue', '=', queue)
          .where('due_at', '<=', now().toISOString())
          .orderBy('due_at')
          .limit(limit + claimed.size)
          .execute()
      )
        .filter(({ id }) => !claimed.has(keyOf(queue, id)))
        .slice(0, limit)
      if (free.length === 0) return []
      // Counted before it is tried: the attempt in which the process dies counts too.
      await write((db) =>
        db
          .updateTable('jobs')
          .set((row) => ({ attempt: row('attempt', '+', 1) }))
          .where('queue', '=', queue)
          .where(
            'id',
            'in',
            free.map(({ id }) => id),
          )
          .execute(),
      )
      for (const { id } of free) claimed.add(keyOf(queue, id))
      return free.map(({ id, attempt }) => ({ id, attempt, mark: undefined }))
    },

    async end(db, queue, { id }) {
      const { numDeletedRows } = await db
        .deleteFrom('jobs')
        .where('queue', '=', queue)
        .where('id', '=', id)
        .executeTakeFirstOrThrow()
      claimed.delete(keyOf(queue, id))
      return numDeletedRows > 0n
    },

    async release(queue, { id }, attempt, dueAt) {
      await write((db) =>
        db
          .updateTable('jobs')
          .set({ attempt, due_at: dueAt.toISOString() })
          .where('queue', '=', queue)
          .where('id', '=', id)
          .execute(),
      )
      claimed.delete(keyOf(queue, id))
    },

    async mayCome(queue) {
      const row = await reader.selectFrom('jobs').select('id').where('queue', '=', queue).limit(1).executeTakeFirst()
      return row !== undefined
    },

    async count() {
      const rows = await reader
        .selectFrom('jobs')
        .select((all) => ['queue', all.fn.countAll<number>().as('count')])
        .groupBy('queue')
        .execute()
      const counts = new Map(rows.map(({ queue, count }) => [queue, count]))
      return Object.fromEntries(queues.map((name) => [name, counts.get(name) ?? 0])) as Record<QueueName, number>
    },

    close: () => Promise.resolve(),
  }
}
