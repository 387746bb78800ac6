import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import { describe, expect, it, onTestFinished } from 'vitest'
import { silentLog } from '#backend/log.ts'
import { openNotices, type Notice } from '#backend/notices.ts'
import { databaseOf, engine, temporaryFolder } from './fixture.ts'

async function openNoticesOf(folder: string) {
  const database = await databaseOf(folder)
  const notices = await openNotices(database, silentLog)
  onTestFinished(() => notices.close())
  const heard: Notice[] = []
  const gaps: string[] = []
  const end = notices.subscribe('ours', { told: (notice) => heard.push(notice), missed: () => gaps.push('gap') })
  return { database, notices, heard, gaps, end }
}

const notice = (index: number, organizationId = 'ours'): Notice => ({
  organizationId,
  sessionId: 'session',
  subject: 'capture',
  id: `capture ${index}`,
  status: 'COMPLETED',
})

describe('notices', () => {
  it('reach those of the organisation until they want no more', async () => {
    const { notices, heard, end } = await openNoticesOf(await temporaryFolder())
    const sent = Array.from({ length: 100 }, (_, index) => notice(index))
    notices.publish([...sent, notice(0, 'theirs')])
    await expect.poll(() => heard.length).toBe(100)
    expect(heard.map(({ id }) => id).toSorted()).toEqual(sent.map(({ id }) => id).toSorted())
    end()
    notices.publish([notice(100)])
    await delay(50)
    expect(heard).toHaveLength(100)
  })

  it.runIf(engine === 'postgres')('reach another process, and it hears when it may have missed some', async () => {
    const folder = await temporaryFolder()
    const here = await openNoticesOf(folder)
    const there = await openNoticesOf(folder)
    here.notices.publish([notice(1)])
    await expect.poll(() => there.heard).toEqual([notice(1)])
    expect(here.heard).toEqual([notice(1)])
    await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'capstan notices' and datname = current_database()
    `.execute(here.database.db)
    await expect.poll(() => there.gaps, { timeout: 10_000 }).toEqual(['gap'])
    here.notices.publish([notice(2)])
    await expect.poll(() => there.heard).toEqual([notice(1), notice(2)])
  })
})
