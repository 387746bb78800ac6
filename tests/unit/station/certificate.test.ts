import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { certificateSchema, type Certificate } from '#contract/station/ledger.ts'
import { openDatabase } from '#station/store/database.ts'
import { openStationKey } from '#station/store/station-key.ts'
import { checkLedgerOf } from '#station/store/store.ts'
import { print, scanPage } from '../sheets/printed-page.ts'
import { addCapture, openTestSession, openTestStore, temporaryFolder } from './parts.ts'
import { startBackend, startStation } from './start-station.ts'

async function certify() {
  const backend = await startBackend()
  const dataDir = temporaryFolder()
  const { station, call, scan } = await startStation(backend, { dataDir })
  const session = await call('session.open', { label: 'aisle 4', duplicatePolicy: 'reject' })
  for (const raw of ['A', 'B', 'C', 'D', 'x'.repeat(501), 'A']) await scan(raw)
  await call('capture.undoLast', { sessionId: session.id })
  await station.drained()
  await call('session.end', { id: session.id })
  await station.drained()
  const get = (format: string) =>
    station.handle(new Request(`http://station/exports/${session.id}.certificate.${format}`))
  const answer = await get('json')
  const certificate = certificateSchema.parse(await answer.json())
  return { dataDir, station, call, scan, get, certificate }
}

describe('the certificate of a session', () => {
  it('accounts for every scan, and is what the ledger of a copy of the station is checked against', async () => {
    const { dataDir, certificate, station, get, call, scan } = await certify()
    expect(certificate).toMatchObject({
      session: { label: 'aisle 4', endedAt: expect.any(String) as string },
      counts: { scanned: 6, saved: 6, accepted: 4, refused: 0, pending: 0, undecided: 0, discarded: 0, notCounted: 2 },
      // The backend of the test runs on this machine: its clock is ours.
      clock: { leastMs: expect.any(Number) as number, mostMs: expect.any(Number) as number },
    })
    expect(certificate.clock?.leastMs).toBeLessThanOrEqual(0)
    expect(certificate.clock?.mostMs).toBeGreaterThanOrEqual(0)

    const pdf = new Uint8Array(await (await get('pdf')).arrayBuffer())
    const codes = (await Promise.all(print(pdf).map(scanPage))).flat()
    expect(codes).toMatchObject([
      { text: `capstan:${certificate.station.id}:${certificate.ledger.sequence}:${certificate.ledger.hash}` },
    ])
    expect((await get('exe')).status).toBe(404)

    // The ledger goes on; the certificate stays true.
    await call('session.open', {})
    await scan('NEXT')
    await station.close()
    expect(checkLedgerOf(dataDir, certificate)).toMatchObject({ ok: true, value: { problem: null } })
  })

  it("is signed with the station's key, which it keeps, and nobody else can change it", async () => {
    const kept = new Map<string, string>()
    const secrets = {
      read: (name: string) => Promise.resolve(kept.get(name) ?? null),
      write: (name: string, secret: string) => Promise.resolve(void kept.set(name, secret)),
    }
    const dataDir = temporaryFolder()
    const certifyWith = async (folder: string, given: typeof secrets) => {
      const { station, call, scan } = await startStation(null, { dataDir: folder, secrets: given })
      const session = await call('session.open', {})
      await scan('A')
      await call('session.end', { id: session.id })
      const path = `http://station/exports/${session.id}.certificate.json`
      const certificate = certificateSchema.parse(await (await station.handle(new Request(path))).json())
      await station.close()
      return certificate
    }
    const first = await certifyWith(dataDir, secrets)
    const second = await certifyWith(dataDir, secrets)
    expect(second.signature?.publicKey).toBe(first.signature?.publicKey)
    expect(first.signature?.publicKey).toMatch(/^[\w-]{43}$/)
    expect(JSON.stringify(first)).not.toContain(kept.get('station-key'))
    const check = (claim: Certificate) => {
      const checked = checkLedgerOf(dataDir, claim)
      return checked.ok ? checked.value.problem : null
    }
    expect([check(first), check(second)]).toEqual([null, null])
    // What no ledger tells: the name of the station, and when it was issued.
    for (const forged of [
      { ...first, station: { ...first.station, name: 'Another' } },
      { ...first, issuedAt: '2026-01-01T00:00:00.000Z' },
      { ...first, signature: second.signature },
    ])
      expect(check(forged)?.message).toBe('the certificate was changed after it was signed')
    // Signed well, with a key that this station never had.
    const other = await certifyWith(temporaryFolder(), { ...secrets, read: () => Promise.resolve(null) })
    expect(check(other)?.message).toContain('another station')
    const thief = openTestStore({ dataDir: temporaryFolder() })
    const stolen = await openStationKey(thief, { read: () => Promise.resolve(null), write: () => Promise.resolve() })
    expect(check(stolen.sign({ ...first, signature: null }))?.message).toContain("is not the station's key")
    const replaced = await certifyWith(dataDir, { ...secrets, read: () => Promise.resolve('lost') })
    expect(replaced.signature?.publicKey).not.toBe(first.signature?.publicKey)
    expect([check(first), check(replaced)]).toEqual([null, null])
  })

  it('accounts for what people decide about refused captures: given up, moved into another session', () => {
    const dataDir = temporaryFolder()
    const store = openTestStore({ dataDir })
    const first = openTestSession(store)
    const ids = ['A', 'B', 'C'].map((raw) => addCapture(store, first.id, { raw }))
    const items = store.outbox.lease(9)
    store.transaction(() => {
      store.sessions.linkRemote(first.id, 'S1')
      for (const { id } of items) store.outbox.done(id)
    })
    const refusal = { code: 'no', message: 'no' }
    for (const { id } of store.outbox.lease(9)) store.transaction(() => store.outbox.park(id, refusal, true))
    store.sessions.end(first.id)
    const second = openTestSession(store)
    expect(store.captures.discard(ids[0] ?? '', 'broken', null)).toBe(true)
    expect(store.captures.move(ids[1] ?? '', second.id)).toBe(true)
    const certify = (id: string) => {
      const session = store.sessions.get(id)
      if (!session) throw new Error('no such session')
      return store.certificate(session, { name: 'Station', clock: null })
    }
    const none = { accepted: 0, refused: 0, pending: 0, undecided: 0, discarded: 0, notCounted: 0 }
    expect(certify(first.id).counts).toEqual({ ...none, scanned: 2, saved: 2, refused: 1, discarded: 1 })
    expect(certify(second.id).counts).toEqual({ ...none, scanned: 1, saved: 1, pending: 1 })
    const certificates = [certify(first.id), certify(second.id)]
    store.close()
    for (const certificate of certificates)
      expect(checkLedgerOf(dataDir, certificate)).toMatchObject({ ok: true, value: { problem: null } })
  })

  it('finds the end that somebody cut off, an older copy, another station, and other figures', async () => {
    const { dataDir, station, certificate } = await certify()
    await station.close()
    const check = (claim: Certificate) => {
      const checked = checkLedgerOf(dataDir, claim)
      return checked.ok ? checked.value.problem : null
    }
    expect(check(certificate)).toBeNull()
    const { counts, ledger } = certificate
    expect(check({ ...certificate, counts: { ...counts, accepted: 5, notCounted: 1 } })).toMatchObject({
      kind: 'certificate',
      message: 'the certificate says accepted 5, the ledger says 4',
    })
    expect(check({ ...certificate, station: { id: 'other', name: '' } })?.message).toContain('another station')
    expect(check({ ...certificate, ledger: { ...ledger, hash: 'f'.repeat(64) } })?.message).toContain('not the one')

    // Cut off with everything that would show it: the entries, the counter, and what they told of the rows.
    const database = openDatabase(join(dataDir, 'station.sqlite'))
    const cut = Number(
      database.get(`SELECT min(sequence) AS cut FROM ledger WHERE entry ->> 'kind' = 'session.ended'`)?.['cut'],
    )
    database.exec(`
      DROP TRIGGER ledger_entry_kept; DELETE FROM ledger WHERE sequence >= ${cut};
      UPDATE sqlite_sequence SET seq = ${cut - 1} WHERE name = 'ledger'; UPDATE sessions SET state = 'ACTIVE'`)
    database.close()
    expect(checkLedgerOf(dataDir)).toMatchObject({ value: { problem: null } })
    expect(check(certificate)).toMatchObject({
      kind: 'certificate',
      message: expect.stringContaining('is missing') as string,
    })
  })
})
