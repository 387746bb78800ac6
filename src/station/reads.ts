import type { Clock, Log } from '#contract/ports.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import type { Scan, ScanOutcome } from '#contract/station/capture.ts'
import type { ScanAnswer } from '#contract/station/control.ts'
import { openSessionSchema } from '#contract/station/session.ts'
import type { Settings } from '#contract/station/settings.ts'
import type { StationStatus } from '#contract/station/status.ts'
import { readChip } from '#domain/chip.ts'
import { readControlCode } from '#domain/control-code.ts'
import { createMeter } from '#domain/service-level.ts'
import type { Capturing } from '#station/capture/capture.ts'
import { isChipReader } from '#station/device/chip-readers.ts'
import type { ScanEvent } from '#station/device/driver.ts'
import type { DeviceRegistry } from '#station/device/registry.ts'
import type { DeviceService } from '#station/device/service.ts'
import type { Gate } from '#station/gate/gate.ts'
import type { Shooting } from '#station/shooting.ts'
import type { Store } from '#station/store/store.ts'
import type { Topics } from '#station/topics.ts'

/** The way of every read through the station, whoever read it. */
export interface Reads {
  /** Counted at its beginning and at its end; checked, judged or captured between. */
  take(scan: Scan, event: ScanEvent): Promise<Result<ScanAnswer>>
  /** Half a code is counted like any other read, and is nothing else; what it was is told to nobody. */
  refuseHalf(scan: Scan, event: ScanEvent): Result<never>
  /** The event of a window's read: the window says when it came by its age, for their clocks have different beginnings. */
  eventOf(scan: Scan): ScanEvent
  /** Where the settings say that a device is. */
  placeOf(deviceId: string): string
  /** How long it takes from a scan's arrival to its durable row. */
  saving(): StationStatus['queue']['saving']
}

/** What stands in the place of a badge's text, or of an enrolment code's. */
const secretShown = 'secret'
/** In the place of half a code. */
const halfShown = '…'

/** Creates it over the rooms that a read may be for. `takeSecret` takes what is no capture and is told to nobody. */
export function createReads(ports: {
  readonly store: Pick<Store, 'sessions'>
  readonly clock: Clock
  readonly log: Log
  readonly capturing: Pick<Capturing, 'scan'>
  readonly devices: Pick<DeviceRegistry, 'follow'>
  readonly service: Pick<DeviceService, 'take'>
  readonly settings: () => Settings
  readonly shooting: Pick<Shooting, 'take' | 'isItem'>
  readonly gate: Pick<Gate, 'scan'>
  readonly takeSecret: (data: string) => Promise<Result<ScanAnswer>> | null
  readonly topics: Pick<Topics, 'publish' | 'isHeard'>
  /** A session was opened for a scan. */
  readonly onSession: (id: string) => void
  /** The disk has refused a scan. */
  readonly onFull: () => void
}): Reads {
  const { store, clock, log, capturing, devices, service, settings, shooting, gate, topics } = ports
  const saving = createMeter()

  const submit = async (scan: Scan, event: ScanEvent): Promise<Result<ScanAnswer>> => {
    // What is typed, or read from a file, has no event of a device.
    const isDevices = scan.source !== 'manual' && scan.source !== 'stdin'
    const startedMs = clock.monotonicMs()
    const result = await capturing.scan(scan, isDevices ? event : undefined)
    if (result.ok) saving.add(clock.monotonicMs() - startedMs)
    if (!result.ok && result.error.code === 'storage_full') ports.onFull()
    return result
  }
  /**
   * A scanner without a window asks nobody for a session: its scan opens one like the last. Those behind it come here in
   * their order, so that the first opens it and all go into it.
   */
  const submitOpening = async (scan: Scan, event: ScanEvent): Promise<Result<ScanAnswer>> => {
    const result = await submit(scan, event)
    if (result.ok || result.error.code !== 'conflict' || scan.source !== 'device') return result
    if (!settings().scanners.startsSession || readControlCode(scan.data).kind !== 'none') return result
    if (!store.sessions.current() && !openLikeLast()) return result
    return await submit(scan, event)
  }
  const openLikeLast = (): boolean => {
    // A product's photos are no way to count stock.
    const last = store.sessions.list(20).find((session) => !shooting.isItem(session))
    const { captureMode, duplicatePolicy, duplicateWindowMs, marksWindowMs, formats } =
      last ?? openSessionSchema.parse({})
    try {
      const session = store.sessions.open({
        label: '',
        captureMode,
        duplicatePolicy,
        duplicateWindowMs,
        marksWindowMs,
        formats,
      })
      if (!session) return false
      ports.onSession(session.id)
      return true
    } catch (error) {
      log.error({ error: (error as Error).message }, 'a session could not be opened for a scan')
      return false
    }
  }
  /** A read at the gate: its device is told whether the person is let in. */
  const judge = async (scan: Scan): Promise<Result<ScanAnswer>> => {
    const verdict = await gate.scan(scan)
    return verdict.ok ? ok({ outcome: 'checked', isSound: verdict.value.result === 'admit' }) : verdict
  }
  /** A read of a chip, as its reader's settings say what it sends; any other read is left as it is. */
  const chipOf = (scan: Scan, { deviceId }: ScanEvent): Result<Scan> => {
    const set = settings().scanners.byId[deviceId]?.chips ?? null
    // What comes from such a reader is hex, whatever else is said.
    const sends = set === null || set.sends === 'text' ? 'uid_hex' : set.sends
    const chips = isChipReader(deviceId) ? { sends, prefix: '' } : set
    if (chips === null || scan.source === 'manual') return ok(scan)
    const read = readChip(scan.data, chips)
    if (read.kind === 'unreadable') return fail('invalid_input', read.reason)
    if (read.kind === 'code') return ok(scan)
    const { aim: _, ...sent } = scan
    return ok({ ...sent, data: read.value, symbology: 'nfc', typed: scan.typed ?? scan.data })
  }
  /** A scanner whose role it is asks for a photo of each item that it reads. */
  const shootFor = (deviceId: string, { outcome, capture }: ScanOutcome): void => {
    // The item's first code has asked for it.
    if (outcome === 'joined') return
    if (settings().scanners.byId[deviceId]?.role !== 'shoot') return
    const { sessionId, deviceName } = capture
    topics.publish('control.taken', { outcome: 'control', command: { kind: 'shoot' }, sessionId, deviceName, capture })
  }

  const placeOf = (deviceId: string): string => settings().scanners.byId[deviceId]?.place ?? ''
  return {
    async take(sent, occurred) {
      const chip = chipOf(sent, occurred)
      const scan = chip.ok ? chip.value : sent
      const event =
        scan.typed === sent.typed ? occurred : { ...occurred, bytes: occurred.bytes ?? Buffer.from(sent.data) }
      const secret = ports.takeSecret(scan.data)
      // It is counted like any other read, and nothing of it is told to anybody.
      if (secret) {
        const answered = devices.follow({ ...scan, data: secretShown, typed: secretShown }, { ...event, bytes: null })
        const result = await secret
        answered(result)
        return result
      }
      const answered = devices.follow(scan, event)
      const result = !chip.ok
        ? chip
        : (service.take(scan, event.deviceId) ??
          (await (settings().gate.isOn
            ? judge(scan)
            : (shooting.take(scan, () => submit(scan, event)) ?? submitOpening(scan, event)))))
      const read = answered(result)
      if (topics.isHeard('device.scan')) topics.publish('device.scan', read)
      if (result.ok && result.value.outcome !== 'control' && result.value.outcome !== 'checked')
        shootFor(event.deviceId, result.value)
      return result
    },
    refuseHalf(scan, event) {
      const refused = fail('invalid_input', 'half a code')
      const read = devices.follow({ ...scan, data: halfShown, typed: halfShown }, { ...event, bytes: null })(refused)
      if (topics.isHeard('device.scan')) topics.publish('device.scan', read)
      topics.publish('scan.torn', { deviceName: scan.deviceName, length: [...scan.data].length })
      return refused
    },
    eventOf: ({ deviceId = '', ageMs = 0, typed }) => ({
      deviceId,
      bytes: typed === undefined ? null : Buffer.from(typed, 'utf8'),
      receivedMs: performance.now() - ageMs,
      place: placeOf(deviceId),
    }),
    placeOf,
    saving: () => saving.level(),
  }
}
