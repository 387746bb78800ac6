import { describe, expect, it } from 'vitest'
import { ok, type Result } from '#contract/result.ts'
import type { Scan } from '#contract/station/capture.ts'
import type { ScanAnswer } from '#contract/station/control.ts'
import type { DeviceRead } from '#contract/station/device.ts'
import { scannerSettingsSchema, type ScannerSettings } from '#contract/station/scanner-settings.ts'
import type { Disagreement } from '#contract/station/status.ts'
import { writeControlCode } from '#domain/control-code.ts'
import type { DeviceDriver, Emit } from '#station/device/driver.ts'
import { temporaryFolder, until } from './parts.ts'
import { startStation, type StartedStation } from './start-station.ts'

const own = (fields: Partial<ScannerSettings>): ScannerSettings => scannerSettingsSchema.parse(fields)

/** A scanner at the driver's boundary: its reads are pushed by the test. */
function plug({ station }: StartedStation, { id = 'usb:0c2e:1007:S1', name = 'Gun', lostReads = 0 } = {}) {
  let emit: Emit = () => Promise.reject(new Error('not started'))
  let reads = 0
  const signals: string[] = []
  const driver: DeviceDriver = {
    start(given, report) {
      emit = given
      report({ id, kind: 'scanner', name, state: 'ready', advice: '' })
    },
    feedback: async (_id, signal) => {
      signals.push(signal)
      return ok(undefined)
    },
    details: () =>
      new Map([
        [
          id,
          {
            facts: null,
            signals: ['good', 'bad'],
            errors: [{ code: 'ended', detail: 'pulled', timeMs: performance.now() }],
            counts: { reads: reads + lostReads, saved: 0, notSaved: 0, stale: 3, strange: 0, torn: 0, ends: 1 },
          },
        ],
      ]),
    close: () => Promise.resolve(),
  }
  station.drive(driver)
  return {
    id,
    signals,
    read(data: string, fields: Partial<Scan> = {}): Promise<Result<ScanAnswer>> {
      reads += 1
      const scan: Scan = { data, source: 'device', deviceName: name, ...fields }
      return emit(scan, { deviceId: id, bytes: Buffer.from(data, 'latin1'), receivedMs: performance.now() })
    },
  }
}

describe('a scan from a scanner while no session is open', () => {
  it('opens one like the last, and is in it with those behind it, in order', async () => {
    const started = await startStation(null)
    const { call } = started
    const before = await call('session.open', { label: 'Aisle 4', duplicatePolicy: 'reject', captureMode: 'both' })
    await call('session.end', { id: before.id })
    const gun = plug(started)
    const answers = await Promise.all(['A', 'B', 'A', 'C'].map((code) => gun.read(code)))
    expect(answers.map((answer) => answer.ok && answer.value.outcome)).toEqual(['saved', 'saved', 'rejected', 'saved'])
    const session = await call('session.current', {})
    expect(session).toMatchObject({ label: '', duplicatePolicy: 'reject', captureMode: 'both', totals: { scans: 3 } })
    const page = await call('capture.list', { sessionId: session?.id ?? '' })
    expect(page.captures.map(({ raw }) => raw)).toEqual(['C', 'A', 'B', 'A'])
  })

  it('opens one behind the barcode that ends a session too, and none for the sake of a command', async () => {
    const started = await startStation(null)
    const { call } = started
    const gun = plug(started)
    expect(await gun.read(writeControlCode({ kind: 'undo' }))).toMatchObject({ error: { code: 'conflict' } })
    expect(await call('session.current', {})).toBeNull()
    const first = await call('session.open', {})
    const answers = await Promise.all([
      gun.read('A'),
      gun.read(writeControlCode({ kind: 'end' })),
      gun.read('B'),
      gun.read('C'),
    ])
    expect(answers.every((answer) => answer.ok)).toBe(true)
    const second = await call('session.current', {})
    expect(second?.id).not.toBe(first.id)
    expect(second?.totals.scans).toBe(2)
  })

  it('opens none for a window, nor when the setting says so: then it is refused with the alarm', async () => {
    const started = await startStation(null)
    const { call, ask, station } = started
    const refused: unknown[] = []
    station.subscribe('scan.refused', (payload) => refused.push(payload))
    const gun = plug(started)
    expect(await ask('scan.submit', { data: 'A', source: 'wedge' })).toMatchObject({ error: { code: 'conflict' } })
    const { scanners } = await call('settings.get', {})
    await call('settings.change', { scanners: { ...scanners, startsSession: false } })
    expect(await gun.read('A')).toMatchObject({ ok: false, error: { code: 'conflict' } })
    expect(refused).toMatchObject([{ scan: { data: 'A' }, error: { code: 'conflict' } }])
    expect(await call('session.current', {})).toBeNull()
  })
})

describe('what is kept of a reading', () => {
  it('is its bytes, its device and its times, after a restart too, and in exports', async () => {
    const dataDir = temporaryFolder()
    const started = await startStation(null, { dataDir })
    const gun = plug(started)
    const bytes = '\u001d4006381333931\u00e4'
    const answer = await gun.read(bytes)
    if (!answer.ok || answer.value.outcome !== 'saved') throw new Error('not saved')
    const { id, sessionId } = answer.value.capture
    const hex = Buffer.from(bytes, 'latin1').toString('hex')
    expect((await started.call('capture.get', { id })).read).toMatchObject({
      deviceId: gun.id,
      bytes: hex,
      commitMs: null,
    })
    await started.station.close()

    const again = await startStation(null, { dataDir })
    const { read } = await again.call('capture.get', { id })
    expect(read).toMatchObject({ deviceId: gun.id, bytes: hex })
    expect(read?.receivedMs).toBeGreaterThan(0)
    expect(read?.commitMs).toBeGreaterThan(0)
    const response = await again.station.handle(new Request(`http://station/exports/${sessionId}.ndjson`))
    expect(JSON.parse(await response.text())).toMatchObject({ deviceId: gun.id, bytes: hex, commitMs: read?.commitMs })
  })

  it('is what the keys of a calibrated keyboard scanner typed, and nothing for what is typed by hand', async () => {
    const { call, scan, ask } = await startStation(null)
    await call('session.open', {})
    const answer = await ask('scan.submit', { data: 'zy', typed: 'yz', source: 'wedge', deviceId: 'wedge', ageMs: 12 })
    if (!answer.ok || answer.value.outcome !== 'saved') throw new Error('not saved')
    const { read } = await call('capture.get', { id: answer.value.capture.id })
    expect(read).toMatchObject({ deviceId: 'wedge', bytes: Buffer.from('yz').toString('hex') })
    const plain = await scan('A')
    expect((await call('capture.get', { id: plain.capture.id })).read?.bytes ?? null).toBeNull()
    const typed = await ask('scan.submit', { data: 'B', source: 'manual' })
    if (!typed.ok || typed.value.outcome !== 'saved') throw new Error('not saved')
    expect((await call('capture.get', { id: typed.value.capture.id })).read).toBeNull()
  })
})

describe('the devices of a station', () => {
  it('are listed with what they read, what went wrong, and how each class is read here', async () => {
    const started = await startStation(null)
    const gun = plug(started)
    await gun.read('4006381333931', { aim: ']E0' })
    const { devices, roads, platform } = await started.call('device.list', {})
    expect(platform).toBe(process.platform)
    expect(roads).toContainEqual({ platform: 'win32', class: 'hid-keyboard', road: 'window' })
    expect(devices).toMatchObject([
      {
        id: gun.id,
        isKept: false,
        facts: { maker: 'Honeywell', serial: 'S1' },
        counts: { reads: 1, saved: 1, notSaved: 0, stale: 3, ends: 1 },
        last: { text: '4006381333931', aim: ']E0', outcome: 'saved', byteCount: 13 },
        latency: { reads: 1 },
        signals: ['good', 'bad'],
        errors: [{ code: 'ended', detail: 'pulled' }],
        permission: null,
      },
    ])
    expect(await started.ask('device.feedback', { id: gun.id, signal: 'bad' })).toMatchObject({ ok: true })
    expect(gun.signals).toEqual(['bad'])
    expect(await started.ask('device.feedback', { id: 'nobody', signal: 'bad' })).toMatchObject({ ok: false })
  })

  it('stay listed while they are unplugged, as long as they have settings', async () => {
    const { call } = await startStation(null)
    const id = 'usb:0c2e:1007@1-2'
    await call('device.configure', { id, settings: own({ name: 'Dock 3', place: 'Dock', role: 'gate' }) })
    expect((await call('device.list', {})).devices).toMatchObject([
      { id, name: 'Dock 3', state: 'unplugged', role: 'gate', place: 'Dock', isKept: true, facts: { port: '1-2' } },
    ])
    expect((await call('settings.get', {})).scanners.byId[id]).toMatchObject({ name: 'Dock 3' })
    await call('device.forget', { id })
    expect((await call('device.list', {})).devices).toEqual([])
  })

  it('give what they capture their place, until a location barcode says another', async () => {
    const started = await startStation(null)
    const gun = plug(started)
    await started.call('device.configure', { id: gun.id, settings: own({ place: 'Gate B' }) })
    const locationOf = async (data: string) => {
      const answer = await gun.read(data)
      return answer.ok && answer.value.outcome === 'saved' ? answer.value.capture.location : undefined
    }
    expect(await locationOf('A')).toBe('Gate B')
    await gun.read(writeControlCode({ kind: 'location', location: 'A-01' }))
    expect(await locationOf('B')).toBe('A-01')
    await gun.read(writeControlCode({ kind: 'location', location: null }))
    expect(await locationOf('C')).toBe('Gate B')
  })

  it('ask for a photo of what they read when that is their role', async () => {
    const started = await startStation(null)
    const gun = plug(started)
    const asked: unknown[] = []
    started.station.subscribe('control.taken', (payload) => asked.push(payload))
    await gun.read('A')
    await started.call('device.configure', { id: gun.id, settings: own({ role: 'shoot' }) })
    await gun.read('B')
    expect(asked).toMatchObject([{ command: { kind: 'shoot' }, deviceName: 'Gun', capture: { raw: 'B' } }])
  })
})

describe('the test mode of a station', () => {
  it('shows every read and captures none, with an answer for the scanner, and without a session', async () => {
    const started = await startStation(null)
    const { call, ask, station } = started
    const gun = plug(started)
    const shown: DeviceRead[] = []
    station.subscribe('device.scan', (payload) => shown.push(payload as DeviceRead))
    expect((await call('device.test', { on: true })).test).not.toBeNull()
    expect(await gun.read('4006381333931', { aim: ']E0' })).toMatchObject({
      value: { outcome: 'checked', isSound: true },
    })
    expect(await gun.read('4006381333932', { aim: ']E0' })).toMatchObject({ value: { isSound: false } })
    await ask('scan.submit', { data: 'keys', source: 'wedge', deviceId: 'wedge', deviceName: 'Keyboard' })
    expect(shown).toMatchObject([
      { text: '4006381333931', outcome: 'sound', hex: Buffer.from('4006381333931').toString('hex') },
      { outcome: 'unsound' },
      { text: 'keys', outcome: 'sound', hex: null, deviceId: 'wedge' },
    ])
    expect(await call('session.list', {})).toEqual([])
    expect((await call('device.test', { on: false })).test).toBeNull()
    await gun.read('kept')
    expect((await call('session.current', {}))?.totals.scans).toBe(1)
  })

  it('registers the scanner that reads the code on the screen', async () => {
    const started = await startStation(null)
    const gun = plug(started)
    const { pairing } = await started.call('device.pair', { on: true })
    expect(await gun.read(pairing?.code ?? '')).toMatchObject({ value: { outcome: 'checked', isSound: true } })
    expect((await started.call('station.status', {})).pairing?.found).toEqual({
      deviceId: gun.id,
      deviceName: 'Gun',
      kind: 'scanner',
    })
    expect((await started.call('device.pair', { on: false })).pairing).toBeNull()
    expect(await started.call('session.list', {})).toEqual([])
  })
})

describe('the alarm for events and answers that disagree', () => {
  it('is raised when a driver has read more than was answered, and holds over a restart until it is seen', async () => {
    const dataDir = temporaryFolder()
    const started = await startStation(null, { dataDir })
    const gun = plug(started, { lostReads: 1 })
    await gun.read('A')
    const raised = async (): Promise<readonly Disagreement[]> =>
      (await started.call('station.status', {})).disagreements
    await until(async () => (await raised()).length > 0)
    expect(await raised()).toMatchObject([{ deviceId: gun.id, deviceName: 'Gun', events: 2, answers: 1 }])
    await started.station.close()
    const again = await startStation(null, { dataDir })
    const { disagreements } = await again.call('station.status', {})
    expect(disagreements).toMatchObject([{ deviceId: gun.id }])
    const seen = await again.call('device.acknowledge', { id: disagreements[0]?.id ?? '' })
    expect(seen.disagreements).toEqual([])
  })

  it('is raised by a window whose own count does not add up', async () => {
    const { call } = await startStation(null)
    await call('device.report', { id: 'wedge', kind: 'wedge', name: 'Keyboard', state: 'ready' })
    await call('device.disagree', { id: 'wedge', events: 7, answers: 6 })
    await call('device.disagree', { id: 'wedge', events: 8, answers: 6 })
    expect((await call('station.status', {})).disagreements).toMatchObject([
      { deviceId: 'wedge', deviceName: 'Keyboard', events: 8, answers: 6 },
    ])
  })
})
