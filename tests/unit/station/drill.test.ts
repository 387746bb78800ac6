import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { drillInProcess } from '#cli/drill/in-process.ts'
import type { DrillStatus } from '#contract/station/drill.ts'
import { temporaryFolder, until } from './parts.ts'
import { startStation } from './start-station.ts'

/** A station whose host can start a drill: the real one, in its own process, of one rehearsal. */
async function startWithDrill() {
  const folder = temporaryFolder()
  const started = await startStation(null, {
    drill: (tell, signal) => drillInProcess(folder, tell, signal, ['--only', 'clock']),
  })
  const told: DrillStatus[] = []
  started.station.subscribe('drill.changed', (status) => void told.push(status as DrillStatus))
  return { ...started, told }
}

describe('a drill that the window asks for', () => {
  it('tells how far it is and ends in a sheet, which can be had as a PDF', async () => {
    const { station, call, told } = await startWithDrill()
    const sheet = () => station.handle(new Request('http://station/exports/drill.pdf'))
    expect((await sheet()).status).toBe(404)
    expect(await call('drill.start', {})).toMatchObject({ state: 'running', done: [], report: null })
    await until(async () => (await call('drill.status', {})).state !== 'running')
    expect(await call('drill.status', {})).toMatchObject({
      state: 'ended',
      message: null,
      report: { verdict: 'go', rehearsals: [{ name: 'CLOCK', verdict: 'go' }] },
    })
    expect(told.map(({ state, done, total }) => [state, done.length, total])).toEqual([
      ['running', 0, 0],
      ['running', 1, 1],
      ['ended', 1, 1],
    ])
    const response = await sheet()
    expect(response.headers.get('content-type')).toBe('application/pdf')
    expect(Buffer.from(await response.arrayBuffer()).toString('latin1')).toMatch(/^%PDF-/)
  })

  it('can be stopped, one runs at a time, and none while a session is open', async () => {
    const { call, ask } = await startWithDrill()
    await call('drill.start', {})
    expect(await ask('drill.start', {})).toMatchObject({ error: { code: 'conflict' } })
    await call('drill.stop', {})
    await until(async () => (await call('drill.status', {})).state === 'idle')
    await call('session.open', {})
    expect(await ask('drill.start', {})).toMatchObject({ error: { code: 'conflict' } })
  })

  it('that cannot be rehearsed says why', async () => {
    const file = join(temporaryFolder(), 'no folder')
    writeFileSync(file, '')
    const { call } = await startStation(null, { drill: (tell, signal) => drillInProcess(file, tell, signal) })
    await call('drill.start', {})
    await until(async () => (await call('drill.status', {})).state === 'failed')
    expect((await call('drill.status', {})).message).toContain('nothing can be rehearsed there')
  })

  it('is not offered where the host cannot start one', async () => {
    const { call, ask } = await startStation(null)
    expect(await call('drill.status', {})).toMatchObject({ state: 'unavailable' })
    expect(await ask('drill.start', {})).toMatchObject({ error: { code: 'conflict' } })
  })
})
