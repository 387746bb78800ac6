import { sql } from 'kysely'
import type { Client } from 'pg'
import type { Database } from './db/database.ts'
import type { Log } from './log.ts'

/** What has changed, as far as a station must know to ask for it. */
export interface Notice {
  readonly organizationId: string
  readonly sessionId: string
  /** What it is about, and its id: the session itself, or a capture of it. */
  readonly subject: 'session' | 'capture'
  readonly id: string
  readonly status: string
}

/** Who wants to be told. */
export interface Listener {
  readonly told: (notice: Notice) => void
  /** Some may have been missed, as the database was away: ask for everything. */
  readonly missed: () => void
}

/**
 * Tells changes to those who listen, in this process or another on the same PostgreSQL. A notice is a courtesy that can
 * be lost: whoever must know, asks.
 */
export interface Notices {
  /** To be called after the commit; never throws. */
  readonly publish: (notices: readonly Notice[]) => void
  /** Tells what happens in an organisation until the answered function is called. */
  readonly subscribe: (organizationId: string, listener: Listener) => () => void
  readonly close: () => Promise<void>
}

const channel = 'capstan_notices'
/** PostgreSQL takes 8000 bytes; a notice is far below 200. */
const noticesPerMessage = 30
const reconnectMs = 1_000

/** Opens the notices of a database: by LISTEN and NOTIFY on PostgreSQL, within the process on SQLite. */
export async function openNotices(database: Database, log: Log): Promise<Notices> {
  const listeners = new Map<string, Set<Listener>>()

  function deliver(notices: readonly Notice[]): void {
    for (const notice of notices) {
      for (const listener of listeners.get(notice.organizationId) ?? []) listener.told(notice)
    }
  }

  function subscribe(organizationId: string, listener: Listener): () => void {
    const present = listeners.get(organizationId) ?? new Set()
    present.add(listener)
    listeners.set(organizationId, present)
    return () => {
      present.delete(listener)
      if (present.size === 0) listeners.delete(organizationId)
    }
  }

  if (database.engine === 'sqlite') return { publish: deliver, subscribe, close: () => Promise.resolve() }

  // Loaded when needed only, as the engine itself.
  const pg = await import('pg')
  let isClosed = false
  let client: Client | undefined
  let timer: NodeJS.Timeout | undefined

  async function listen(): Promise<void> {
    const fresh = new pg.Client({
      connectionString: database.location,
      application_name: 'capstan notices',
      keepAlive: true,
    })
    const lost = (error?: Error): void => {
      if (isClosed || client !== fresh) return
      client = undefined
      log.warn({ err: error }, 'notices of other processes are not heard, connecting again')
      timer = setTimeout(() => void again(), reconnectMs)
    }
    fresh.on('error', lost)
    fresh.on('end', () => lost())
    fresh.on('notification', ({ payload = '[]' }) => deliver(JSON.parse(payload) as Notice[]))
    await fresh.connect()
    await fresh.query(`LISTEN ${channel}`)
    client = fresh
  }

  async function again(): Promise<void> {
    try {
      await listen()
      for (const some of listeners.values()) for (const listener of some) listener.missed()
    } catch (error) {
      if (isClosed) return
      log.warn({ err: error }, 'notices of other processes are not heard, connecting again')
      timer = setTimeout(() => void again(), reconnectMs)
    }
  }

  await listen()
  return {
    publish(notices) {
      for (let start = 0; start < notices.length; start += noticesPerMessage) {
        const payload = JSON.stringify(notices.slice(start, start + noticesPerMessage))
        sql`select pg_notify(${channel}, ${payload})`
          .execute(database.db)
          .catch((error: unknown) => log.warn({ err: error }, 'a notice was not sent'))
      }
    },
    subscribe,
    async close() {
      isClosed = true
      clearTimeout(timer)
      await client?.end()
    },
  }
}
