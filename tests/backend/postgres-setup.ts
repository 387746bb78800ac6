import type { TestProject } from 'vitest/node'
import { openDatabase } from '#backend/db/database.ts'
import { openJobs } from '#backend/jobs/jobs.ts'
import { silentLog } from '#backend/log.ts'
import { createDatabase, findPostgres, startPostgres } from './postgres.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** URL of the database that tests copy, tables made; or why there is no PostgreSQL. In the project `postgres` only. */
    postgres: { readonly template: string } | { readonly missing: string }
  }
}

/** Starts one server for all of the project's tests. */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const found = findPostgres()
  if ('missing' in found) {
    process.stdout.write(`The backend is not tested on PostgreSQL: ${found.missing}\n`)
    project.provide('postgres', found)
    return undefined
  }
  // Nothing here is measured or loses its power, so the server need not wait for the disk.
  const server = await startPostgres(found.folder, false)
  const template = await createDatabase(server.url)
  const database = await openDatabase(template, silentLog)
  const jobs = await openJobs({ database, log: silentLog, now: () => new Date() })
  await jobs.close()
  await database.close()
  project.provide('postgres', { template })
  return server.stop
}
