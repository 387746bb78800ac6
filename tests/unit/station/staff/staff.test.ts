import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isAtLeast, purposes, purposeSchema, roleSchema, type Purpose, type Unlocked } from '#contract/station/staff.ts'
import { procedures } from '#contract/station/procedures.ts'
import { newDataKey, recoveryKeyOf } from '#sealing/index.ts'
import { checkLedgerOf, openStaffFile, openStoreForReading, type StationPorts } from '#station/index.ts'
import { pinFault } from '#station/staff/staff-file.ts'
import { entriesOf } from '#station/store/ledger-carry.ts'
import { openDatabase } from '#station/store/database.ts'
import { createClock, createIds, temporaryFolder, valueOf } from '../parts.ts'
import { startStation, type StartedStation } from '../start-station.ts'

const pins = { administrator: '739184', supervisor: '502716', operator: '8305' } as const

/** Weaker than what the station makes itself: a file keeps the work factors that it was begun with. */
const weak = { format: 1, generation: 'one', salt: 'c2FsdA==', cost: { N: 2, r: 1, p: 1 }, members: [] }

/** A station with one member of each role, on a clock of the test's own. */
async function startProtected(dataDir = temporaryFolder(), dataKey: StationPorts['dataKey'] = null) {
  writeFileSync(join(dataDir, 'staff.json'), JSON.stringify(weak))
  const file = openStaffFile(dataDir)
  for (const role of ['administrator', 'supervisor', 'operator'] as const)
    valueOf(await file.save({ id: null, name: role, role, pin: pins[role] }))
  const clock = createClock()
  const started = await startStation(null, { dataDir, clock, dataKey })
  const unlock = (purpose: Purpose, pin: string) => started.call('staff.unlock', { purpose, pin })
  const grantFor = async (purpose: Purpose, role: keyof typeof pins = 'administrator'): Promise<string> => {
    const unlocked = await unlock(purpose, pins[role])
    if (unlocked.outcome !== 'granted') throw new Error(unlocked.reason)
    return unlocked.grant
  }
  return { ...started, dataDir, file, clock, unlock, grantFor }
}

const rename = (name: string, grant?: string) => ({ stationName: name, ...(grant === undefined ? {} : { grant }) })
const reasonOf = (unlocked: Unlocked) => (unlocked.outcome === 'refused' ? unlocked.reason : unlocked.outcome)
const locked = (purpose: Purpose) => ({
  ok: false,
  error: { code: 'locked', details: [{ field: 'purpose', message: purpose }] },
})

/** The kinds and members of the ledger's entries about staff. */
function ledgerOf({ dataDir }: { dataDir: string }) {
  const database = openDatabase(join(dataDir, 'station.sqlite'), { readOnly: true })
  try {
    return [...entriesOf(database)]
      .map((row) => JSON.parse(String(row['entry'])) as { kind: string; [name: string]: unknown })
      .filter(({ kind }) => kind.startsWith('staff.'))
  } finally {
    database.close()
  }
}

describe('a station without staff', () => {
  it('lets everybody do everything, and says so', async () => {
    const { call } = await startStation(null)
    expect((await call('station.status', {})).staff).toEqual({ isProtected: false })
    expect(await call('settings.change', rename('Dock'))).toMatchObject({ stationName: 'Dock' })
    expect(reasonOf(await call('staff.unlock', { purpose: 'settings', pin: '123456' }))).toBe('unprotected')
  })

  it('is protected from the moment the first administrator is there, who is set only once', async () => {
    const { call, ask } = await startStation(null)
    expect(await ask('staff.begin', { name: 'Kim', pin: '4' })).toMatchObject({ error: { code: 'invalid_input' } })
    expect(await call('staff.begin', { name: 'Kim', pin: pins.administrator })).toMatchObject({
      role: 'administrator',
      hasPin: true,
      hasBadge: false,
    })
    expect((await call('station.status', {})).staff).toEqual({ isProtected: true })
    expect(await ask('staff.begin', { name: 'Eve', pin: '918273' })).toMatchObject({ error: { code: 'conflict' } })
    expect(await ask('settings.change', rename('taken over'))).toMatchObject(locked('settings'))
  })
})

describe('what is only for staff', () => {
  it.each([
    ['settings.change', { stationName: 'x' }, 'settings'],
    ['settings.reset', { paths: ['theme'] }, 'settings'],
    ['device.configure', { id: 'usb:1', settings: {} }, 'settings'],
    ['device.forget', { id: 'usb:1' }, 'settings'],
    ['backend.signIn', { kind: 'key', key: 'k' }, 'credentials'],
    ['enrolment.enrol', { code: null, fingerprint: '' }, 'credentials'],
    ['enrolment.leave', {}, 'credentials'],
    ['gate.override', { id: '00000000-0000-7000-8000-000000000001', reason: 'r' }, 'gate_override'],
    ['gate.undo', { id: '00000000-0000-7000-8000-000000000001', reason: 'r' }, 'gate_override'],
    ['gate.close', {}, 'leave_gate'],
    ['gate.key', { secret: 'k' }, 'credentials'],
    ['gate.wipe', {}, 'wipe'],
    ['drill.start', {}, 'drill'],
    ['drill.stop', {}, 'drill'],
    ['staff.list', {}, 'staff'],
    ['staff.save', { id: null, name: 'Eve', role: 'administrator', pin: '918273' }, 'staff'],
    ['staff.remove', { id: '00000000-0000-7000-8000-000000000001' }, 'staff'],
    ['staff.giveBadge', { id: '00000000-0000-7000-8000-000000000001' }, 'staff'],
    ['update.check', {}, 'settings'],
    ['update.install', {}, 'settings'],
    ['log.list', {}, 'settings'],
    ['support.make', {}, 'support_bundle'],
    ['recoveryKey.show', {}, 'recovery_key'],
    ['kiosk.leave', { to: 'end' }, 'quit'],
  ] as const)(
    '%s is refused without a grant, with a wrong one and with one of too low a role',
    async (name, input, purpose) => {
      const { ask, grantFor, station } = await startProtected()
      const lower = await grantFor('leave_gate', 'operator')
      const wrong = [
        undefined,
        '',
        'A'.repeat(43),
        7,
        null,
        { toString: 1 },
        ...(purpose === 'leave_gate' ? [] : [lower]),
      ]
      for (const grant of wrong)
        expect(await station.call(name, grant === undefined ? input : { ...input, grant })).toMatchObject(
          locked(purpose),
        )
      const grant = await grantFor(purpose)
      const answer = await ask(name, { ...input, grant })
      expect(answer).not.toMatchObject({ error: { code: 'locked' } })
      expect(answer).not.toMatchObject({ error: { message: expect.stringContaining('grant') } })
    },
  )

  it('is named in the contract: each guarded procedure has its purpose, and this list has each of them', () => {
    const guarded = Object.entries(procedures).flatMap(([name, definition]) => ('purpose' in definition ? [name] : []))
    expect(guarded.toSorted()).toEqual(
      [
        'settings.change',
        'settings.reset',
        'device.configure',
        'device.forget',
        'backend.signIn',
        'enrolment.enrol',
        'enrolment.leave',
        'gate.override',
        'gate.undo',
        'gate.close',
        'gate.key',
        'gate.wipe',
        'drill.start',
        'drill.stop',
        'staff.list',
        'staff.save',
        'staff.remove',
        'staff.giveBadge',
        'update.check',
        'update.install',
        'log.list',
        'support.make',
        'recoveryKey.show',
        'kiosk.leave',
      ].toSorted(),
    )
  })

  it('does not include how the screen looks and sounds', async () => {
    const { ask } = await startProtected()
    expect(await ask('settings.change', { theme: 'dark', language: 'fr' })).toMatchObject({ ok: true })
    expect(await ask('settings.change', { theme: 'dark', stationName: 'x' })).toMatchObject(locked('settings'))
  })

  it.each(roleSchema.options)('is open to the role %s as far as the table of purposes says', async (role) => {
    const { unlock } = await startProtected()
    for (const purpose of purposeSchema.options) {
      expect([purpose, reasonOf(await unlock(purpose, pins[role]))]).toEqual([
        purpose,
        isAtLeast(role, purposes[purpose].role) ? 'granted' : 'role',
      ])
    }
  })
})

describe('a grant', () => {
  it('that lasts opens the other lasting ones of its role, and none above', async () => {
    const { ask, grantFor } = await startProtected()
    const grant = await grantFor('settings', 'supervisor')
    expect(await ask('settings.change', rename('one', grant))).toMatchObject({ ok: true })
    expect(await ask('gate.close', { grant })).toMatchObject({ ok: true })
    expect(await ask('staff.list', { grant })).toMatchObject(locked('staff'))
    expect(await ask('gate.override', { id: createIds().next(), reason: 'r', grant })).toMatchObject(
      locked('gate_override'),
    )
  })

  it('for what is asked each time is used up by its first use', async () => {
    const { ask, grantFor } = await startProtected()
    const grant = await grantFor('gate_override', 'supervisor')
    const override = { id: createIds().next(), reason: 'known to the staff', grant }
    expect(await ask('gate.override', override)).not.toMatchObject({ error: { code: 'locked' } })
    expect(await ask('gate.override', override)).toMatchObject(locked('gate_override'))
  })

  it('ends when its person was idle, and lives on while it is used', async () => {
    const { ask, grantFor, clock } = await startProtected()
    const grant = await grantFor('settings')
    for (const name of ['one', 'two', 'three']) {
      clock.advance(179_999)
      expect(await ask('settings.change', rename(name, grant))).toMatchObject({ ok: true })
    }
    clock.advance(180_000)
    expect(await ask('settings.change', rename('four', grant))).toMatchObject(locked('settings'))
  })

  it('is not ended, nor prolonged, by setting the clock', async () => {
    const { ask, grantFor, clock } = await startProtected()
    const grant = await grantFor('settings')
    clock.set('2031-01-01T00:00:00.000Z')
    expect(await ask('settings.change', rename('one', grant))).toMatchObject({ ok: true })
    clock.set('2001-01-01T00:00:00.000Z')
    clock.advance(180_000)
    expect(await ask('settings.change', rename('two', grant))).toMatchObject(locked('settings'))
  })

  it('ends with its person leaving, being removed or getting another role, and with the station', async () => {
    const { ask, call, grantFor, file, dataDir, station } = await startProtected()
    const supervisor = valueOf(file.members()).find(({ role }) => role === 'supervisor')
    const [left, removed, kept] = [
      await grantFor('settings'),
      await grantFor('settings', 'supervisor'),
      await grantFor('settings'),
    ]
    await call('staff.end', { grant: left })
    expect(await ask('settings.change', rename('x', left))).toMatchObject(locked('settings'))
    valueOf(file.remove(String(supervisor?.id)))
    expect(await ask('settings.change', rename('x', removed))).toMatchObject(locked('settings'))
    await station.close()
    const again = await startStation(null, { dataDir })
    expect(await again.ask('settings.change', rename('x', kept))).toMatchObject(locked('settings'))
  })
})

describe('wrong PINs', () => {
  it('lock everybody out after the fifth, also whoever knows the right one, and over a restart', async () => {
    const { unlock, station, dataDir, clock } = await startProtected()
    const told = []
    for (const pin of ['111222', '111223', '111224', '111225', '111226', pins.administrator])
      told.push(reasonOf(await unlock('settings', pin)))
    expect(told).toEqual(['wrong', 'wrong', 'wrong', 'wrong', 'wrong', 'waiting'])
    await station.close()
    const again = await startStation(null, { dataDir, clock })
    expect(await again.call('staff.unlock', { purpose: 'settings', pin: pins.administrator })).toMatchObject({
      reason: 'waiting',
      waitMs: 30_000,
      needs: 'supervisor',
    })
    clock.advance(30_000)
    expect(reasonOf(await again.call('staff.unlock', { purpose: 'settings', pin: pins.administrator }))).toBe('granted')
  })

  it('are counted one by one when a hundred come at once', async () => {
    const { unlock } = await startProtected()
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => unlock('quit', String(200_000 + index))),
    )
    expect(answers.filter((answer) => reasonOf(answer) === 'wrong')).toHaveLength(5)
  })

  it('are not forgiven by a right one of a lower role between them', async () => {
    const { unlock } = await startProtected()
    for (let time = 0; time < 4; time += 1) await unlock('quit', '111222')
    expect(reasonOf(await unlock('leave_gate', pins.operator))).toBe('granted')
    await unlock('quit', '111222')
    expect(reasonOf(await unlock('leave_gate', pins.operator))).toBe('waiting')
  })

  it('are forgiven by the command', async () => {
    const { unlock, file } = await startProtected()
    for (let time = 0; time < 5; time += 1) await unlock('quit', '111222')
    expect(reasonOf(await unlock('quit', pins.administrator))).toBe('waiting')
    valueOf(file.renew())
    expect(reasonOf(await unlock('quit', pins.administrator))).toBe('granted')
  })
})

describe('the staff file', () => {
  it('holds no PIN and no badge, and is its owner alone to read', async () => {
    const { dataDir, file } = await startProtected()
    const badge = valueOf(await file.giveBadge(String(valueOf(file.members())[0]?.id)))
    const text = readFileSync(join(dataDir, 'staff.json'), 'utf8')
    for (const secret of [...Object.values(pins), badge, badge.slice(11, 27)]) expect(text).not.toContain(secret)
    if (process.platform !== 'win32') expect(statSync(join(dataDir, 'staff.json')).mode & 0o777).toBe(0o600)
  })

  it('is derived with at least the work that OWASP asks for', async () => {
    const dataDir = temporaryFolder()
    valueOf(await openStaffFile(dataDir).save({ id: null, name: 'Kim', role: 'administrator', pin: '739184' }))
    const { cost, salt } = JSON.parse(readFileSync(join(dataDir, 'staff.json'), 'utf8')) as typeof weak
    expect(cost.N * cost.r * cost.p).toBeGreaterThanOrEqual(2 ** 15 * 8 * 3)
    expect(Buffer.from(salt, 'base64')).toHaveLength(16)
  })

  it('that is damaged lets nobody in, and leaves nothing open', async () => {
    const { dataDir, ask, unlock } = await startProtected()
    writeFileSync(join(dataDir, 'staff.json'), '{"format": 1, "members": [')
    expect(reasonOf(await unlock('settings', pins.administrator))).toBe('damaged')
    expect(await ask('settings.change', rename('x'))).toMatchObject(locked('settings'))
    expect(await ask('staff.begin', { name: 'Eve', pin: '918273' })).toMatchObject({ error: { code: 'conflict' } })
  })

  it('takes no PIN twice, no name twice, and never loses its last administrator', async () => {
    const { file } = await startProtected()
    const [administrator] = valueOf(file.members())
    const save = (change: Partial<Parameters<typeof file.save>[0]>) =>
      file.save({ id: null, name: 'Kim', role: 'supervisor', pin: '615243', ...change })
    expect(await save({ pin: pins.operator + '11' })).toMatchObject({ ok: true })
    expect(await save({ name: 'Lee', pin: pins.supervisor })).toMatchObject({ error: { code: 'conflict' } })
    expect(await save({ name: 'operator' })).toMatchObject({ error: { code: 'conflict' } })
    expect(file.remove(String(administrator?.id))).toMatchObject({ error: { code: 'conflict' } })
    expect(await save({ id: String(administrator?.id), name: 'Kai', pin: null })).toMatchObject({
      error: { code: 'conflict' },
    })
  })

  it('wants a new PIN with a higher role: the old one may be too short', async () => {
    const { file } = await startProtected()
    const operator = valueOf(file.members()).find(({ role }) => role === 'operator')
    const raise = { id: String(operator?.id), name: 'operator', role: 'supervisor' } as const
    expect(await file.save({ ...raise, pin: null })).toMatchObject({ error: { code: 'invalid_input' } })
    expect(await file.save({ ...raise, pin: '618305' })).toMatchObject({ ok: true })
  })

  it.each([
    ['8305', 'operator', true],
    ['830', 'operator', false],
    ['83051', 'supervisor', false],
    ['830514', 'administrator', true],
    ['777777', 'administrator', false],
    ['345678', 'administrator', false],
    ['987654', 'supervisor', false],
  ] as const)('takes %s of an %s: %s', (pin, role, isTaken) => {
    expect(pinFault(pin, role) === null).toBe(isTaken)
  })
})

describe('the recovery key', () => {
  it('is shown to an administrator, each time by a PIN, and is written nowhere', async () => {
    const key = newDataKey()
    const { ask, call, grantFor, station, log } = await startProtected(temporaryFolder(), { key, from: 'file' })
    expect(await call('about.get', {})).toMatchObject({ dataKey: 'file' })
    const grant = await grantFor('recovery_key')
    const recoveryKey = recoveryKeyOf(key)
    expect(await ask('recoveryKey.show', { grant })).toEqual({ ok: true, value: { recoveryKey } })
    expect(await ask('recoveryKey.show', { grant })).toMatchObject(locked('recovery_key'))
    await station.close()
    expect(log.text()).not.toContain(recoveryKey.slice(0, 9))
  })

  it('is none where the data folder is not encrypted', async () => {
    const { ask, call } = await startStation(null)
    expect(await call('about.get', {})).toMatchObject({ dataKey: null })
    expect(await ask('recoveryKey.show', {})).toMatchObject({ ok: false, error: { code: 'not_found' } })
  })
})

describe('a badge', () => {
  const withBadge = async () => {
    const started = await startProtected()
    const supervisor = valueOf(started.file.members()).find(({ role }) => role === 'supervisor')
    const badge = valueOf(await started.file.giveBadge(String(supervisor?.id)))
    return { ...started, badge }
  }
  const scan = ({ ask }: Pick<StartedStation, 'ask'>, data: string) =>
    ask('scan.submit', { data, source: 'wedge', deviceName: 'gun', deviceId: 'wedge' })

  it('is as good as a PIN: by its text, and by a scan at whatever scanner while somebody is asked', async () => {
    const started = await withBadge()
    const { call, badge } = started
    expect(await call('staff.unlock', { purpose: 'settings', code: badge })).toMatchObject({ role: 'supervisor' })
    const waiting = call('staff.badge', { purpose: 'settings' })
    expect(await scan(started, badge)).toEqual({ ok: true, value: { outcome: 'checked', isSound: true } })
    expect(await waiting).toMatchObject({ outcome: 'granted', name: 'supervisor', purpose: 'settings' })
  })

  it('that nobody asked for opens nothing; one that was replaced is wrong', async () => {
    const started = await withBadge()
    const { call, file, badge } = started
    expect(await scan(started, badge)).toEqual({ ok: true, value: { outcome: 'checked', isSound: false } })
    const supervisor = valueOf(file.members()).find(({ role }) => role === 'supervisor')
    valueOf(await file.giveBadge(String(supervisor?.id)))
    expect(reasonOf(await call('staff.unlock', { purpose: 'settings', code: badge }))).toBe('wrong')
  })

  it('is never captured, told of or written anywhere, also while a session, a test or a gate is open', async () => {
    const started = await withBadge()
    const { call, badge, station, dataDir, log, grantFor } = started
    const told: unknown[] = []
    for (const topic of [
      'scan.taken',
      'scan.refused',
      'control.taken',
      'device.scan',
      'gate.verdict',
      'device.changed',
    ])
      station.subscribe(topic, (payload) => told.push([topic, payload]))
    await call('device.report', { id: 'wedge', kind: 'wedge', name: 'gun', state: 'ready' })
    const session = await call('session.open', {})
    await scan(started, badge)
    await call('device.test', { on: true })
    await scan(started, badge)
    await call('device.test', { on: false })
    const gate = { ...(await call('settings.get', {})).gate, isOn: true }
    await started.ask('settings.change', { gate, grant: await grantFor('settings') })
    await scan(started, badge)
    const devices = await call('device.list', {})
    expect((await call('capture.list', { sessionId: session.id })).captures).toEqual([])
    await station.close()
    const secret = badge.slice(11, 27)
    const stored = readFileSync(join(dataDir, 'station.sqlite'), 'latin1')
    for (const text of [JSON.stringify([told, devices]), stored, log.text()]) expect(text).not.toContain(secret)
  })
})

describe('the ledger', () => {
  it('tells who was let in for what, who was refused, what was done and who the staff is', async () => {
    const started = await startProtected()
    const { unlock, grantFor, ask, file, station, dataDir } = started
    await unlock('quit', '111222')
    await unlock('quit', pins.operator)
    await ask('settings.change', rename('Dock', await grantFor('settings', 'supervisor')))
    const grant = await grantFor('staff')
    await ask('staff.save', { id: null, name: 'Kim', role: 'operator', pin: '4711', grant })
    await ask('recoveryKey.show', { grant: await grantFor('recovery_key') })
    const id = (role: string) => String(valueOf(file.members()).find((member) => member.role === role)?.id)
    await station.close()
    expect(ledgerOf(started)).toMatchObject([
      {
        kind: 'staff.changed',
        by: null,
        members: [{ role: 'administrator' }, { role: 'supervisor' }, { role: 'operator' }],
      },
      { kind: 'staff.refused', purpose: 'quit', reason: 'wrong', member: null, failures: 1 },
      { kind: 'staff.refused', purpose: 'quit', reason: 'role', member: id('operator') },
      { kind: 'staff.unlocked', purpose: 'settings', member: id('supervisor'), role: 'supervisor' },
      { kind: 'staff.acted', purpose: 'settings', member: id('supervisor'), procedure: 'settings.change' },
      { kind: 'staff.unlocked', purpose: 'staff', member: id('administrator') },
      { kind: 'staff.acted', purpose: 'staff', procedure: 'staff.save' },
      { kind: 'staff.changed', by: id('administrator'), members: { length: 4 } },
      { kind: 'staff.unlocked', purpose: 'recovery_key', member: id('administrator') },
      { kind: 'staff.acted', purpose: 'recovery_key', member: id('administrator'), procedure: 'recoveryKey.show' },
    ])
    expect(valueOf(checkLedgerOf(dataDir)).problem).toBeNull()
    valueOf(openStoreForReading(dataDir, { clock: createClock(), ids: createIds() })).close()
  })
})
