import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openDatabase } from '#station/store/database.ts'
import { checkLedgerOf } from '#station/store/store.ts'
import { temporaryFolder } from '../parts.ts'
import { startScriptedBackend } from './scripted-backend.ts'
import { startSync } from './start-sync.ts'

/** What a site's person finds with the session at the server, as `capstan verify --certificate` takes it. */
function readAnchor(text: string) {
  const [, station, sequence, hash] = /^capstan:([^:]+):(\d+):([0-9a-f]{64})$/.exec(text) ?? []
  return { station: { id: station ?? '' }, ledger: { sequence: Number(sequence), hash: hash ?? '' } }
}

describe("the ledger's last entry", () => {
  it('is left with the backend at the end of a session, and finds there what is cut off later', async () => {
    const backend = await startScriptedBackend()
    const dataDir = temporaryFolder()
    const { store, session, sync, drained } = startSync(backend.url, { dataDir, raws: ['A', 'B'] })
    store.sessions.end(session.id)
    expect(await drained()).toBe('empty')
    await sync.close()
    store.close()
    const anchor = readAnchor(backend.sessions.get('S1')?.metadata?.['ledger'] ?? '')
    expect(checkLedgerOf(dataDir, anchor)).toMatchObject({ ok: true, value: { problem: null } })

    const database = openDatabase(join(dataDir, 'station.sqlite'))
    const told = database.get(`SELECT entry FROM ledger WHERE entry ->> 'kind' = 'ledger.anchored'`)
    const { sequence, hash } = anchor.ledger
    const receipt = { status: 200, date: expect.any(String) as string }
    expect(JSON.parse(String(told?.['entry']))).toMatchObject({ upTo: sequence, digest: hash, receipt })
    // The end of the session, and everything that would show that it was there.
    const cut = Number(
      database.get(`SELECT sequence FROM ledger WHERE entry ->> 'kind' = 'session.ended'`)?.['sequence'],
    )
    database.exec(`
      DROP TRIGGER ledger_entry_kept; DELETE FROM ledger WHERE sequence >= ${cut};
      UPDATE sqlite_sequence SET seq = ${cut - 1} WHERE name = 'ledger'; UPDATE sessions SET state = 'ACTIVE';
      UPDATE captures SET sync = 'waiting', remote_id = NULL`)
    database.close()
    expect(checkLedgerOf(dataDir)).toMatchObject({ value: { problem: null } })
    expect(checkLedgerOf(dataDir, anchor)).toMatchObject({
      value: {
        problem: { kind: 'certificate', message: `entry ${sequence}, which the certificate names, is missing` },
      },
    })
  })

  it('is left there every ten minutes while a session goes on, when there is something new', async () => {
    const backend = await startScriptedBackend()
    const { clock, scan, drained, pass } = startSync(backend.url, { raws: ['A'] })
    const anchors = () => backend.requests.filter(({ method }) => method === 'PATCH').length
    expect(await drained()).toBe('empty')
    expect(anchors()).toBe(0)
    clock.advance(600_000)
    await pass(() => anchors() === 1)
    clock.advance(1_200_000)
    scan('B')
    await pass(() => anchors() === 2)
    const probes = () => backend.requests.filter(({ path }) => path.includes('api-catalog')).length
    const before = probes()
    clock.advance(600_000)
    await pass(() => probes() > before + 3, 10_000)
    expect(anchors()).toBe(2)
  })

  it('holds no session up at a backend that does not let it be changed', async () => {
    const backend = await startScriptedBackend({ isFixed: true })
    const { store, session, drained } = startSync(backend.url, { raws: ['A'] })
    store.sessions.end(session.id)
    expect(await drained()).toBe('empty')
    expect(backend.sessions.get('S1')).toMatchObject({ status: 'COMPLETED' })
    expect(store.outbox.figures()).toMatchObject({ parked: 0, waiting: 0 })
  })
})
