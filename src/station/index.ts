import { statSync, type Stats } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createDispatch } from '#contract/dispatch.ts'
import { isSafeBackendAddress } from '#contract/backend-address.ts'
import { readCredential, writeCredential } from '#contract/credential.ts'
import type { Clock, Ids, Log } from '#contract/ports.ts'
import { fail, ok, type AppError, type Result } from '#contract/result.ts'
import type { Capture, PhotoOutcome, Scan, ScanOutcome } from '#contract/station/capture.ts'
import type { ScanAnswer } from '#contract/station/control.ts'
import type { DeviceDetails } from '#contract/station/device.ts'
import type { PhotoRole } from '#contract/station/camera-settings.ts'
import { maxPhotoBytes } from '#contract/station/http.ts'
import { procedures, type ProcedureParsed } from '#contract/station/procedures.ts'
import type { Member } from '#contract/station/staff.ts'
import type { UpdateStatus } from '#contract/station/update.ts'
import { logLevelSchema, type About, type LogEntry } from '#contract/station/upkeep.ts'
import { openSessionSchema, type Session, type SessionSummary } from '#contract/station/session.ts'
import type { Shot } from '#contract/station/shoot.ts'
import type { EnrolmentStatus } from '#contract/station/enrolment.ts'
import type { Settings } from '#contract/station/settings.ts'
import { keptDisagreementsSchema, type Disagreement, type StationStatus } from '#contract/station/status.ts'
import type { TopicName, TopicPayload } from '#contract/station/topics.ts'
import type { Transport } from '#contract/transport.ts'
import { createCapturing } from '#station/capture/capture.ts'
import { takePhoto } from '#station/capture/photo.ts'
import { createPhotoFiles, type PhotoFileOutcome } from '#station/capture/photo-file.ts'
import { describeDevices } from '#station/device/details.ts'
import type { DeviceDriver, DriverDetails, ScanEvent } from '#station/device/driver.ts'
import { listRoads } from '#station/device/roads.ts'
import { createDeviceService } from '#station/device/service.ts'
import type { ScannersDriver } from '#station/device/scanners.ts'
import { createDeviceRegistry } from '#station/device/registry.ts'
import { openSerialLine } from '#station/device/serial/line.ts'
import { createGate, type GateRemotes, type GateSecret } from '#station/gate/gate.ts'
import { createGateClient } from '#station/remote/gate-client.ts'
import { createRelayClient, createWalletClient, isWalletSecret } from '#station/remote/wallet-client.ts'
import { createWatchedFolders, type FolderDelays, type FoundFile } from '#station/device/watched-folders.ts'
import { createImaging } from '#station/imaging/imaging.ts'
import type { SpawnImaging } from '#station/imaging/process.ts'
import { createScannerClient, signIn } from '#station/remote/scanner-client.ts'
import { describeStation } from '#station/upkeep/about.ts'
import { readChip } from '#domain/chip.ts'
import { readControlCode } from '#domain/control-code.ts'
import { isGtin } from '#domain/gtin.ts'
import { createMeter } from '#domain/service-level.ts'
import { openStationKey, type StationKey } from '#station/store/station-key.ts'
import { openStore } from '#station/store/store.ts'
import { healthOf, startCheckIn } from '#station/check-in.ts'
import { createDrillService, type RunDrill } from '#station/drill.ts'
import { createSiteClient } from '#station/remote/site-client.ts'
import { openSettings } from '#station/settings.ts'
import { createServing } from '#station/serving.ts'
import { openSiteLink } from '#station/site.ts'
import { elapsedMs, watchClock } from '#station/clock-watch.ts'
import { systemClock, timeOrderedIds } from '#station/system-clock.ts'
import { openStaffFile } from '#station/staff/staff-file.ts'
import { createStaff } from '#station/staff/staff.ts'
import { createProposalFetch } from '#station/sync/proposals.ts'
import { createCataloguing } from '#station/cataloguing.ts'
import { createReviewing } from '#station/reviewing.ts'
import { createShooting } from '#station/shooting.ts'
import { createSync } from '#station/sync/sync.ts'
import { createOnceOnly } from '#station/upkeep/once-only.ts'
import { readLogFile } from '#station/upkeep/log-file.ts'
import { redactLine } from '#station/upkeep/redact.ts'
import { wipeOldPhotos } from '#station/upkeep/retention.ts'
import { measureStorage } from '#station/upkeep/storage.ts'
import { gatherSupport, namesIn } from '#station/upkeep/support.ts'

export { createEmulatedScanner, type EmulatedScanner } from '#station/device/emulated-scanner.ts'
export { createLineDriver } from '#station/device/line-driver.ts'
export { createReplayDriver, createTraceWriter, withTrace } from '#station/device/trace.ts'
export { udevRules, udevRulesPath } from '#station/device/udev.ts'
export type { DeviceDriver } from '#station/device/driver.ts'
export { isWhole, kindOfFile, stemOf } from '#station/device/photo-files.ts'
export { listFiles } from '#station/device/watched-folders.ts'
export type { PhotoFileOutcome } from '#station/capture/photo-file.ts'
export { exportCaptures } from '#station/export/export.ts'
export type { RunDrill } from '#station/drill.ts'
export { exportProducts } from '#station/export/export-products.ts'
export { createImaging } from '#station/imaging/imaging.ts'
export type { ImagingProcess, SpawnImaging } from '#station/imaging/process.ts'
export { forkImaging } from '#station/imaging/spawn-forked.ts'
export { createScannerClient } from '#station/remote/scanner-client.ts'
export { readHeartbeat, startHeartbeat, type Heartbeat } from '#station/heartbeat.ts'
export { openStaffFile, type StaffFile } from '#station/staff/staff-file.ts'
export type { LedgerClaim } from '#station/store/ledger-check.ts'
export { openLogFile } from '#station/upkeep/log-file.ts'
export { describeStation } from '#station/upkeep/about.ts'
export { gatherSupport } from '#station/upkeep/support.ts'
export { checkLedgerOf, checkStore, openStoreForReading } from '#station/store/store.ts'

/** What a host gives the station: everything it touches beyond its data folder. */
export interface StationPorts {
  readonly dataDir: string
  readonly host: StationStatus['host']
  readonly version: string
  readonly log: Log
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>
  /**
   * Null: no backend, captures stay on the station. The secret (contract/credential.ts) is asked for each request and never
   * kept here; `keep` replaces it by one that a person gives in the window, where the host can.
   */
  readonly backend: {
    /** Read for each request; null while a backend of this machine has not started yet. */
    readonly url: string | null
    readonly credential: () => Promise<string | null>
    readonly keep?: (secret: string) => Promise<void>
  } | null
  /**
   * Where further secrets are kept, by name: `station-key` signs certificates, `gate-list` opens the list of passes,
   * `wallet` is the key of The Wallet Crew where the station asks it directly. Without one they are kept until the station is closed, and nothing is signed.
   */
  readonly secrets?: StationSecrets
  readonly spawnImaging: SpawnImaging
  readonly clock?: Clock
  readonly ids?: Ids
  readonly random?: () => number
  /** How patiently watched folders are watched. */
  readonly folderDelays?: Partial<FolderDelays>
  /** How long an answer that was lost may still take effect; 20 s unless given. */
  readonly quietMs?: number
  /** Rehearses what can go wrong; where it is missing the window offers no drill. */
  readonly drill?: RunDrill
  /** Where the host updates itself; without it the window says that something else does. */
  readonly updates?: () => HostUpdates | null
  /** The program before a newer one was put back: takes what the newer one has saved over. */
  readonly takesNewerStore?: boolean
  /** Ends the lock of the screen (`window`), or the program; only a kiosk has either. */
  readonly leaveKiosk?: (to: 'window' | 'end') => void
}

/** The host's own updates. */
export interface HostUpdates {
  status(): UpdateStatus
  check(): Promise<UpdateStatus>
  install(): UpdateStatus
}

/** Secrets by name; the empty text forgets one. */
export interface StationSecrets {
  read(name: string): Promise<string | null>
  write(name: string, secret: string): Promise<void>
}

/** A running station: a Transport for windows, a request handler for bytes, and an end. */
export interface Station extends Transport {
  /** Serves `/media/...` and `/exports/...` (contract/station/http.ts); hosts check who asks before. */
  handle(request: Request): Promise<Response>
  /** Starts a device that needs no window; the station closes it when it closes. */
  drive(driver: DeviceDriver): void
  /**
   * Reads the USB and serial scanners of this machine, as the settings say, until it is closed. `wrap` may put
   * something between them and the station, such as a trace.
   */
  readScanners(wrap?: (scanners: DeviceDriver) => DeviceDriver): Promise<void>
  /** Takes the new photos of the folders that the settings name, until it is closed. */
  watchFolders(): void
  /**
   * Takes a photo from a file into the active session, once for its content. Several may be read at once, as many as
   * `photosAtOnce`; each is captured after its `turn`, which may wait for files that were given before it, never after.
   */
  takePhotoFile(path: string, role: PhotoRole | null, turn?: Promise<unknown>): Promise<Result<PhotoFileOutcome>>
  /** How many photos are read side by side. */
  readonly photosAtOnce: number
  /** Whether it sends to the site that it was enrolled at, and not to the backend that the host has given it. */
  isEnrolled(): boolean
  /** Calls `start` unless it is enrolled, and again whenever it has left its site: the host's own backend is needed then. */
  whenOnItsOwn(start: () => void): void
  /** Resolves when the outbox is empty and what was sent has been settled, or the backend refuses the key, or it is closed. */
  drained(): Promise<'empty' | 'unauthorised' | 'closed'>
  /** Stops devices, sync and imaging, in this order, and closes the store. */
  close(): Promise<void>
}

export { openStationSettings, openStationSite, settingsOf } from '#station/stopped.ts'
export { systemClock, timeOrderedIds } from '#station/system-clock.ts'

/** How long the end of a headless run waits for the backend to settle what it has. */
const settleMs = 15_000
/** A still camera may take seconds for a picture, and the saving of it some more. */
const shootMs = 30_000
/** How long the end of the station waits for requests in flight. */
const closeGraceMs = 3_000
/** How often events and answers of devices are compared. */
const auditMs = 1_000
const disagreementLimit = 20
/** How often photos whose time is over are looked for; also whenever that time is set. */
const wipeEveryMs = 60 * 60_000
/** Settings of devices that came and went: more than this is nobody's station. */
const keptDeviceLimit = 500
/** A batch of photos is read by a process a core, up to so many: each may hold half a gigabyte. */
const maxImagingProcesses = 4
/** So long a session that is ended waits for the photos that are being read. */
const photoPatienceMs = 15_000
/** Topics that sum up many changes are sent at most this often. */
const summaryMs = 100
const noRemotes: GateRemotes = { site: null, record: null, isRepeatable: false, relay: null }
const notRefused: AppError = { code: 'conflict', message: 'the backend has not refused it, or may have taken it' }
const noUpdates: UpdateStatus = {
  state: 'unavailable',
  version: null,
  waitsFor: null,
  message: null,
  checkedAt: null,
  failed: [],
}
/** What stands in the place of a badge's text, or of an enrolment code's. */
const secretShown = 'secret'
/** Below this the station says that the disk is nearly full. */
const lowDiskBytes = 500 * 1024 * 1024

/**
 * Opens the store of `dataDir` and starts devices and sync.
 *
 * Fails with `conflict` while another station uses the folder, and `storage_full` when it cannot be written.
 */
export async function createStation(ports: StationPorts): Promise<Result<Station>> {
  const clock = ports.clock ?? systemClock
  const ids = ports.ids ?? timeOrderedIds
  const log = ports.log.child({ room: 'station' })
  const { dataDir, takesNewerStore = false } = ports
  const opened = openStore({ dataDir, clock, ids, log: log.child({ room: 'store' }), takesNewerStore })
  if (!opened.ok) return opened
  const store = opened.value

  const { stationId } = store
  const ownSettings = openSettings(store, log)
  let settings: Settings = ownSettings.current()
  let scanners: ScannersDriver | null = null
  let freeBytes: number | null = null
  /** From a scan's arrival to its durable row. */
  const saving = createMeter()
  let isDiskFull = false
  let stationKey: StationKey | null = null

  // --- Topics -------------------------------------------------------------------------------------

  const listeners = new Map<string, Set<(payload: unknown) => void>>()
  const publish = <T extends TopicName>(topic: T, payload: TopicPayload<T>): void => {
    for (const listener of listeners.get(topic) ?? []) listener(payload)
  }

  const isHeard = (topic: TopicName): boolean => (listeners.get(topic)?.size ?? 0) > 0
  const changedSessions = new Set<string>()
  const changedDevices = new Set<string>()
  let isStatusChanged = false
  let isGateChanged = false
  let isDeskChanged = false
  let summaryTimer: NodeJS.Timeout | null = null
  const summarise = (): void => {
    summaryTimer ??= setTimeout(() => {
      summaryTimer = null
      for (const id of changedSessions) {
        const session = store.sessions.get(id)
        if (session) publish('session.changed', session)
      }
      changedSessions.clear()
      if (changedDevices.size > 0 && isHeard('device.changed'))
        for (const device of describe()) if (changedDevices.has(device.id)) publish('device.changed', device)
      changedDevices.clear()
      if (isStatusChanged) publish('status.changed', status())
      isStatusChanged = false
      if (isGateChanged && isHeard('gate.changed')) publish('gate.changed', gate.status())
      isGateChanged = false
      if (isDeskChanged && isHeard('item.changed')) publish('item.changed', shooting.desk())
      isDeskChanged = false
    }, summaryMs)
  }
  const sessionChanged = (id: string): void => {
    changedSessions.add(id)
    summarise()
  }
  const deskChanged = (): void => {
    isDeskChanged = true
    summarise()
  }
  const statusChanged = (): void => {
    isStatusChanged = true
    summarise()
  }
  const deviceSeen = (id: string): void => {
    changedDevices.add(id)
    summarise()
  }
  const deviceChanged = (id: string): void => {
    deviceSeen(id)
    statusChanged()
  }
  const capturesChanged = (changed: readonly string[]): void => {
    for (let from = 0; from < changed.length; from += 500) {
      const captures = store.captures.getMany(changed.slice(from, from + 500))
      if (captures.length > 0) publish('capture.changed', { captures })
      for (const capture of captures) sessionChanged(capture.sessionId)
    }
    deskChanged()
    statusChanged()
  }

  const kept = new Map<string, string>()
  const secrets: StationSecrets = ports.secrets ?? {
    read: (name) => Promise.resolve(kept.get(name) ?? null),
    write: (name, secret) => Promise.resolve(void kept.set(name, secret)),
  }
  const site = await openSiteLink({
    dataDir: ports.dataDir,
    store,
    secrets: ports.secrets,
    hostUrl: () => ports.backend?.url ?? null,
    fetch: ports.fetch,
    clock,
    log: log.child({ room: 'site' }),
    version: ports.version,
    stationName: () => settings.stationName,
  })
  /** The site that the station is enrolled at goes before the backend that the host was started with. */
  const backend = {
    url: (): string | null => site.current()?.url ?? ports.backend?.url ?? null,
    credential: (): Promise<string | null> =>
      site.current() === null ? (ports.backend?.credential() ?? Promise.resolve(null)) : site.key(),
  }
  const hasBackend = ports.backend !== null || site.current() !== null
  if (site.current() !== null && ports.backend !== null) {
    log.info(
      { site: site.current()?.url },
      'the site that the station is enrolled at goes before the backend of the host',
    )
  }
  /** The code that a scanner has read last. */
  let scannedCode: string | null = null
  const enrolment = (): EnrolmentStatus => ({
    site: site.current(),
    scanned: scannedCode === null ? null : site.inspect(scannedCode),
    toldAt: checkIn.toldAt,
  })
  const enrolmentChanged = (): void => publish('enrolment.changed', enrolment())
  /** Whom the gate asks, by the road that its settings name. */
  const gateRemotes = ({ road, wallet }: Settings['gate']): GateRemotes => {
    const common = { fetch: clockWatch.watching(ports.fetch), now: () => clock.now(), signal: stopping.signal }
    if (road === 'direct') {
      if (wallet.tenantId === '' || !isSafeBackendAddress(wallet.url)) return noRemotes
      const client = createWalletClient({ ...common, ...wallet, secret: () => secrets.read('wallet') })
      return { ...noRemotes, record: ({ data, type }, ms) => client.recordScan({ data, type }, ms) }
    }
    if (!hasBackend) return noRemotes
    const { url, credential } = backend
    const relay = createRelayClient({ ...common, url, credential })
    const shared = { isRepeatable: true, relay: () => relay.status() }
    if (road === 'site') return { ...shared, site: createGateClient({ ...common, url, credential }), record: null }
    return {
      ...shared,
      site: null,
      record: ({ id, at, data, type, deviceName }, ms) =>
        relay.recordScan({ data, type, scanned_at: at, device_id: deviceName, client_scan_id: id }, ms),
    }
  }

  // --- Rooms --------------------------------------------------------------------------------------

  const stopping = new AbortController()
  const devices = createDeviceRegistry(clock, deviceChanged, deviceSeen)
  const service = createDeviceService({ clock, random: ports.random ?? Math.random, onChange: statusChanged })
  const drivers: DeviceDriver[] = []
  const driverDetails = (): ReadonlyMap<string, DriverDetails> =>
    new Map(drivers.flatMap((driver) => [...(driver.details?.() ?? [])]))
  const describe = (): DeviceDetails[] =>
    describeDevices({
      seen: devices.seen(),
      drivers: driverDetails(),
      settings: settings.scanners,
      platform: process.platform,
      now: clock.now(),
      nowMs: performance.now(),
    })
  const clockWatch = watchClock({
    clock,
    elapsedMs: ports.clock ? () => clock.monotonicMs() : elapsedMs,
    log: log.child({ room: 'clock' }),
    onJump(byMs) {
      try {
        store.transaction(() => store.ledger.append({ kind: 'clock.jumped', byMs }))
      } catch (error) {
        // A full disk; the status strip tells both.
        log.warn({ error: (error as Error).message }, 'the jump of the clock was not recorded')
      }
      // Waits were measured by the clock as it was.
      sync?.hurry()
    },
    onChange: statusChanged,
  })
  const photosAtOnce = Math.min(maxImagingProcesses, availableParallelism())
  const imaging = createImaging({
    spawn: ports.spawnImaging,
    log: log.child({ room: 'imaging' }),
    processes: photosAtOnce,
  })
  const remote = hasBackend
    ? createScannerClient({
        fetch: clockWatch.watching(ports.fetch),
        ...backend,
        userAgent: `Capstan/${ports.version}`,
        signal: stopping.signal,
        now: () => clock.now(),
      })
    : null
  const reviewing = createReviewing({
    store,
    clock,
    fetch: () => proposals,
    remote: () => remote,
    stationName: () => settings.stationName,
    probeShare: () => settings.review.probeShare,
    random: ports.random ?? Math.random,
    wakeSync: () => {
      sync?.wake()
      statusChanged()
    },
    publish: (payload) => publish('review.changed', payload),
  })
  const productsChanged = (gtins: readonly string[]): void => {
    publish('product.changed', { gtins: [...gtins] })
    statusChanged()
  }
  const cataloguing = createCataloguing({
    store,
    remote: () => remote,
    wakeSync: () => sync?.wake(),
    onChange: productsChanged,
  })
  const sync = remote
    ? createSync({
        store,
        remote,
        clock,
        random: ports.random ?? Math.random,
        log: log.child({ room: 'sync' }),
        stationId,
        stationKey: () => stationKey?.publicKey ?? null,
        onCaptures: capturesChanged,
        onSession: sessionChanged,
        onReviews: (captureIds) => {
          reviewing.changed(captureIds)
          statusChanged()
        },
        onBackend() {
          shooting.lookUpAgain()
          statusChanged()
        },
        onProducts: productsChanged,
        onProgress: statusChanged,
        ...(ports.quietMs === undefined ? {} : { quietMs: ports.quietMs }),
      })
    : null
  const proposals = remote
    ? createProposalFetch({
        store,
        remote,
        clock,
        log: log.child({ room: 'sync' }),
        isPaused: () => (sync?.pausedUntilMs ?? 0) > 0,
        onChange: reviewing.changed,
      })
    : null
  const capturing = createCapturing({
    store,
    clock,
    ids,
    log: log.child({ room: 'capture' }),
    onSaved(outcome) {
      isDiskFull = false
      publish('scan.taken', outcome)
      sessionChanged(outcome.capture.sessionId)
      statusChanged()
      sync?.wake()
    },
    onControl(outcome) {
      publish('control.taken', outcome)
      sessionChanged(outcome.sessionId)
      if (outcome.capture) capturesChanged([outcome.capture.id])
      statusChanged()
      sync?.wake()
    },
  })
  const shooting = createShooting({
    store,
    capturing,
    clock,
    log: log.child({ room: 'shooting' }),
    settings: () => settings.shoot,
    rememberList: (list) => changeSettings({ shoot: { ...settings.shoot, list } }),
    findProduct: remote && ((gtin) => remote.findProduct(gtin)),
    changed: deskChanged,
    seen: () => isHeard('item.changed') && publish('item.changed', shooting.desk()),
    sessionChanged(id) {
      sync?.wake()
      sessionChanged(id)
      statusChanged()
      folders.look()
    },
    capturesChanged(changed) {
      sync?.wake()
      capturesChanged(changed)
    },
  })
  const secretOf = (name: string): GateSecret => ({
    read: () => secrets.read(name),
    write: (secret) => secrets.write(name, secret),
  })
  const gate = await createGate(
    {
      store,
      clock,
      ids,
      log: log.child({ room: 'gate' }),
      random: ports.random ?? Math.random,
      listPath: join(ports.dataDir, 'passes.sqlite'),
      listSecret: secretOf('gate-list'),
      fetch: ports.fetch,
      openLine: openSerialLine,
      remotes: (of) => gateRemotes(of),
      clockBounds: () => clockWatch.reading() ?? { leastMs: 0, mostMs: 0 },
      onVerdict: (verdict) => publish('gate.verdict', verdict),
      onChange() {
        isGateChanged = true
        summarise()
      },
    },
    settings.gate,
  )
  const staffFile = openStaffFile(ports.dataDir)
  const staff = createStaff({
    file: staffFile,
    store,
    clock,
    log: log.child({ room: 'staff' }),
    idleMs: () => settings.staff.idleMs,
    onChange: statusChanged,
  })
  const submit = async (scan: Scan, event: ScanEvent): Promise<Result<ScanAnswer>> => {
    // What is typed, or read from a file, has no event of a device.
    const isDevices = scan.source !== 'manual' && scan.source !== 'stdin'
    const startedMs = clock.monotonicMs()
    const result = await capturing.scan(scan, isDevices ? event : undefined)
    if (result.ok) saving.add(clock.monotonicMs() - startedMs)
    if (!result.ok && result.error.code === 'storage_full') {
      isDiskFull = true
      statusChanged()
    }
    return result
  }
  /**
   * A scanner without a window asks nobody for a session: its scan opens one like the last. Those behind it come here in
   * their order, so that the first opens it and all go into it.
   */
  const submitOpening = async (scan: Scan, event: ScanEvent): Promise<Result<ScanAnswer>> => {
    const result = await submit(scan, event)
    if (result.ok || result.error.code !== 'conflict' || scan.source !== 'device') return result
    if (!settings.scanners.startsSession || readControlCode(scan.data).kind !== 'none') return result
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
      sync?.wake()
      sessionChanged(session.id)
      return true
    } catch (error) {
      log.error({ error: (error as Error).message }, 'a session could not be opened for a scan')
      return false
    }
  }
  /** A read at the gate: its device is told whether the person is let in. */
  const judged = async (scan: Scan): Promise<Result<ScanAnswer>> => {
    const verdict = await gate.scan(scan)
    return verdict.ok ? ok({ outcome: 'checked', isSound: verdict.value.result === 'admit' }) : verdict
  }
  /** An enrolment code is no capture: it waits for somebody to confirm its site. */
  const takeCode = (data: string): Promise<Result<ScanAnswer>> | null => {
    const inspected = site.inspect(data)
    if (inspected.outcome === 'refused' && inspected.reason === 'unreadable') return null
    scannedCode = data
    enrolmentChanged()
    return Promise.resolve(ok({ outcome: 'checked', isSound: inspected.outcome === 'code' }))
  }
  /** A read of a chip, as its reader's settings say what it sends; any other read is left as it is. */
  const chipOf = (scan: Scan, { deviceId }: ScanEvent): Result<Scan> => {
    const chips = settings.scanners.byId[deviceId]?.chips ?? null
    if (chips === null || scan.source === 'manual') return ok(scan)
    const read = readChip(scan.data, chips)
    if (read.kind === 'unreadable') return fail('invalid_input', read.reason)
    if (read.kind === 'code') return ok(scan)
    const { aim: _, ...sent } = scan
    return ok({ ...sent, data: read.value, symbology: 'nfc', typed: scan.typed ?? scan.data })
  }
  /** The way of every read, whoever read it: counted at its beginning and at its end, checked or captured between. */
  const take = async (sent: Scan, occurred: ScanEvent): Promise<Result<ScanAnswer>> => {
    const chip = chipOf(sent, occurred)
    const scan = chip.ok ? chip.value : sent
    const event =
      scan.typed === sent.typed ? occurred : { ...occurred, bytes: occurred.bytes ?? Buffer.from(sent.data) }
    const secret = staff.takeBadge(scan.data) ?? takeCode(scan.data)
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
        (await (settings.gate.isOn
          ? judged(scan)
          : (shooting.take(scan, () => submit(scan, event)) ?? submitOpening(scan, event)))))
    const read = answered(result)
    if (isHeard('device.scan')) publish('device.scan', read)
    if (result.ok && result.value.outcome !== 'control' && result.value.outcome !== 'checked')
      shootFor(event.deviceId, result.value)
    return result
  }
  /** A scanner whose role it is asks for a photo of each item that it reads. */
  const shootFor = (deviceId: string, { outcome, capture }: ScanOutcome): void => {
    // The item's first code has asked for it.
    if (outcome === 'joined') return
    if (settings.scanners.byId[deviceId]?.role !== 'shoot') return
    const { sessionId, deviceName } = capture
    publish('control.taken', { outcome: 'control', command: { kind: 'shoot' }, sessionId, deviceName, capture })
  }
  const placeOf = (deviceId: string): string => settings.scanners.byId[deviceId]?.place ?? ''

  // --- Events and answers -------------------------------------------------------------------------

  let disagreements: readonly Disagreement[] = (
    store.facts.read('disagreements', keptDisagreementsSchema) ?? []
  ).filter((one) => one !== null)
  const keepDisagreements = (changed: readonly Disagreement[]): void => {
    disagreements = changed.slice(-disagreementLimit)
    try {
      store.facts.set('disagreements', JSON.stringify(disagreements))
    } catch (error) {
      log.error({ error: (error as Error).message }, 'an alarm could not be kept')
    }
    statusChanged()
  }
  const disagree = (found: readonly Omit<Disagreement, 'id' | 'at'>[]): void => {
    if (found.length === 0) return
    for (const one of found) log.error({ ...one }, 'device events and answers disagree')
    const ofOthers = disagreements.filter(({ deviceId }) => !found.some((one) => one.deviceId === deviceId))
    keepDisagreements([...ofOthers, ...found.map((one) => ({ id: ids.next(), at: clock.now().toISOString(), ...one }))])
  }
  const auditTimer = setInterval(() => disagree(devices.audit(driverDetails(), performance.now())), auditMs)
  auditTimer.unref()

  const measureDisk = async (): Promise<void> => {
    const before = freeBytes === null ? null : freeBytes < lowDiskBytes
    freeBytes = await statfs(ports.dataDir).then(
      (disk) => disk.bavail * disk.bsize,
      () => null,
    )
    if (freeBytes !== null && before !== freeBytes < lowDiskBytes) statusChanged()
  }
  let arePhotosStopped = false
  /** Photos stop before the disk is full, so that there is room for scans, which need little. */
  const hasRoomForPhotos = async (): Promise<boolean> => {
    await measureDisk()
    const { reserveMegabytes, quotaMegabytes } = settings.photo
    const isLow = freeBytes !== null && freeBytes < reserveMegabytes * 1_000_000
    const isUsedUp = quotaMegabytes > 0 && (await store.media.usedBytes()) >= quotaMegabytes * 1_000_000
    if (arePhotosStopped !== (isLow || isUsedUp)) statusChanged()
    arePhotosStopped = isLow || isUsedUp
    return !arePhotosStopped
  }
  let wiping: Promise<unknown> = Promise.resolve()
  const wipeOld = (): void => {
    const ports = { store, clock, log: log.child({ room: 'upkeep' }), keepDays: settings.photo.keepDays }
    wiping = wiping
      .then(() => wipeOldPhotos(ports))
      .catch((error: unknown) => log.error({ error: (error as Error).message }, 'old photos could not be wiped'))
  }
  const wipeTimer = setInterval(wipeOld, wipeEveryMs)
  wipeTimer.unref()
  const diskTimer = setInterval(() => void hasRoomForPhotos(), 30_000)
  diskTimer.unref()

  const status = (): StationStatus => {
    const { nextAttemptMs, ...queue } = store.outbox.figures()
    return {
      stationId,
      stationName: settings.stationName,
      version: ports.version,
      host: ports.host,
      now: clock.now().toISOString(),
      backend: {
        url: backend.url(),
        ...(sync?.backend ?? { state: 'unconfigured' as const, lastContactAt: null, message: null }),
      },
      queue: {
        ...queue,
        parked: queue.parked + store.reviews.refusedCount() + store.catalogue.refusedCount(),
        ...(sync?.progress ?? { ratePerSecond: 0, sending: null, uploads: [] }),
        saving: saving.level(),
        nextAttemptAt:
          nextAttemptMs === null ? null : new Date(Math.max(nextAttemptMs, sync?.pausedUntilMs ?? 0)).toISOString(),
      },
      devices: devices.list(),
      staff: { isProtected: staff.isProtected() },
      ...service.mode(),
      disagreements: [...disagreements],
      clock: clockWatch.status,
      storage: {
        state: isDiskFull ? 'full' : freeBytes !== null && freeBytes < lowDiskBytes ? 'low' : 'ok',
        freeBytes,
        arePhotosStopped,
        recovered: store.recovered,
      },
    }
  }

  // --- Procedures ---------------------------------------------------------------------------------

  const changeCapture = (id: string, change: (capture: Capture) => AppError | null): Result<Capture> => {
    const capture = store.captures.get(id)
    if (!capture) return fail('not_found', 'no such capture')
    const refusal = change(capture)
    if (refusal) return { ok: false, error: refusal }
    sync?.wake()
    capturesChanged([id])
    return ok(store.captures.get(id) ?? capture)
  }
  const changeSettings = (change: ProcedureParsed<'settings.change'>): void => {
    ownSettings.change(change)
    settingsChanged()
  }
  /** Whoever changed them: the station, or its site. */
  const settingsChanged = (): void => {
    const before = settings
    settings = ownSettings.current()
    scanners?.configure(settings.scanners)
    folders.configure(settings.folders)
    deskChanged()
    if (JSON.stringify(before.gate) !== JSON.stringify(settings.gate)) gate.configure(settings.gate)
    if (JSON.stringify(before.photo) !== JSON.stringify(settings.photo)) {
      void hasRoomForPhotos()
      wipeOld()
    }
    publish('settings.changed', settings)
    statusChanged()
  }
  const checkIn = startCheckIn({
    client: createSiteClient({
      fetch: clockWatch.watching(ports.fetch),
      ...backend,
      now: () => clock.now(),
      signal: stopping.signal,
    }),
    isEnrolled: () => site.current() !== null,
    health: () => healthOf(status(), ownSettings.layers(), store.captures.lastAt()),
    onRefused: (words) => sync?.keyAnswered(words),
    onAnswer(answer) {
      sync?.keyAnswered(null)
      site.relabel(answer.label, answer.group)
      if (ownSettings.adopt(answer)) settingsChanged()
      enrolmentChanged()
    },
    now: () => clock.now(),
    random: ports.random ?? Math.random,
    log: log.child({ room: 'site' }),
  })
  /** A window's read: the window says when it came by its age, for their clocks have different beginnings. */
  const eventOf = ({ deviceId = '', ageMs = 0, typed }: Scan): ScanEvent => ({
    deviceId,
    bytes: typed === undefined ? null : Buffer.from(typed, 'utf8'),
    receivedMs: performance.now() - ageMs,
    place: placeOf(deviceId),
  })
  const waitingShots = new Map<string, (shots: Shot[]) => void>()
  /** The first window that has cameras open answers for all; one without them opens them and stays silent. */
  const shoot = async (): Promise<Result<Shot[]>> => {
    const unavailable = fail('device_unavailable', 'no window with open cameras has answered')
    if (!isHeard('camera.shoot')) return unavailable
    const id = ids.next()
    let timer: NodeJS.Timeout | undefined
    const answer = await new Promise<Shot[] | null>((resolve) => {
      waitingShots.set(id, resolve)
      timer = setTimeout(() => resolve(null), shootMs)
      publish('camera.shoot', { id })
    })
    clearTimeout(timer)
    waitingShots.delete(id)
    return answer === null || answer.length === 0 ? unavailable : ok(answer)
  }
  const undo = (id: string): Result<Capture> =>
    changeCapture(id, (capture) => {
      if (capture.disposition !== 'counted') return { code: 'conflict', message: 'it does not count already' }
      if (store.sessions.get(capture.sessionId)?.state !== 'ACTIVE')
        return { code: 'conflict', message: 'its session has ended' }
      store.captures.undo(id)
      return null
    })
  const summary = (session: Session): SessionSummary => ({
    session,
    ...store.captures.timeline(session.id),
    topItems: store.captures.topItems(session.id, 10),
  })

  const changedStaff = <T>(result: Result<T>): Result<T> => {
    if (result.ok) staff.changed()
    return result
  }
  const staffMembers = (): readonly Member[] => {
    const members = staffFile.members()
    return members.ok ? members.value : []
  }
  const namesHere = (): string[] => namesIn([staffMembers(), settings, describe()])
  const once = createOnceOnly()
  const about = (): About =>
    describeStation({ version: ports.version, host: ports.host, stationId, dataDir: ports.dataDir })
  const drill = createDrillService(ports.drill, () => publish('drill.changed', drill.status))

  const dispatch = createDispatch(
    procedures,
    {
      'station.status': () => ok(status()),
      'station.syncNow': () => {
        sync?.hurry()
        return ok(status())
      },
      'drill.status': () => ok(drill.status),
      'drill.start': () => {
        // It keeps the machine busy: nobody who scans is to wait for it.
        if (store.sessions.current()) return fail('conflict', 'a session is open: end it first')
        const refusal = drill.start()
        return refusal ? { ok: false, error: refusal } : ok(drill.status)
      },
      'drill.stop': () => {
        drill.stop()
        return ok(drill.status)
      },
      'settings.get': () => ok(settings),
      'settings.change': (change) => {
        changeSettings(change)
        return ok(settings)
      },
      'settings.explain': () => ok(ownSettings.explain()),
      'settings.reset': ({ paths }) => {
        const reset = ownSettings.set(Object.fromEntries(paths.map((path) => [path, null])))
        if (!reset.ok) return reset
        settingsChanged()
        return ok(settings)
      },
      'device.report': (device) => {
        devices.report(device)
        return ok({})
      },
      'device.list': () => ok({ devices: describe(), platform: process.platform, roads: listRoads() }),
      'device.configure': ({ id, settings: own }) => {
        const byId = { ...settings.scanners.byId, [id]: own }
        if (Object.keys(byId).length > keptDeviceLimit) return fail('conflict', 'forget devices that are gone first')
        changeSettings({ scanners: { ...settings.scanners, byId } })
        deviceSeen(id)
        return ok(settings.scanners)
      },
      'device.forget': ({ id }) => {
        const { [id]: _, ...byId } = settings.scanners.byId
        changeSettings({ scanners: { ...settings.scanners, byId } })
        for (const driver of drivers) driver.forget?.(id)
        if (devices.list().some((device) => device.id === id && device.state === 'unplugged')) devices.forget(id)
        statusChanged()
        return ok({})
      },
      'device.feedback': async ({ id, signal }) => {
        const driver = drivers.find((one) => one.details?.().has(id))
        const result = await (driver?.feedback?.(id, signal) ?? fail('not_found', 'no such device has a beeper'))
        return result.ok ? ok({}) : result
      },
      'device.test': ({ on }) => {
        service.test(on)
        return ok(status())
      },
      'device.pair': ({ on }) => {
        service.pair(on)
        return ok(status())
      },
      'device.disagree': ({ id, events, answers }) => {
        const deviceName = devices.list().find((device) => device.id === id)?.name ?? id
        disagree([{ deviceId: id, deviceName, events, answers }])
        return ok({})
      },
      'device.acknowledge': ({ id }) => {
        keepDisagreements(disagreements.filter((one) => one.id !== id))
        return ok(status())
      },
      'camera.shoot': () => shoot(),
      'camera.shot': ({ id, shots }) => {
        waitingShots.get(id)?.(shots)
        return ok({})
      },
      'folder.list': () => ok([...folders.list()]),
      'session.open': (options) => {
        const session = store.sessions.open(options)
        if (!session) return fail('conflict', 'another session is active; end it first')
        sync?.wake()
        sessionChanged(session.id)
        folders.look()
        return ok(session)
      },
      'session.current': () => ok(store.sessions.current()),
      'session.list': ({ limit }) => ok(store.sessions.list(limit)),
      'session.end': async ({ id }) => {
        // Scans and photos that are on their way belong to this session; a photo that never arrives holds up nobody.
        await Promise.race([Promise.allSettled(photosUnderWay), delay(photoPatienceMs, undefined, { ref: false })])
        await capturing.idle()
        const session = store.sessions.end(id)
        if (!session) return fail('not_found', 'no such session')
        sync?.wake()
        sessionChanged(id)
        return ok(summary(session))
      },
      'session.summary': ({ id }) => {
        const session = store.sessions.get(id)
        return session ? ok(summary(session)) : fail('not_found', 'no such session')
      },
      'scan.submit': (scan) => take(scan, eventOf(scan)),
      'capture.list': (query) =>
        store.sessions.get(query.sessionId) ? ok(store.captures.list(query)) : fail('not_found', 'no such session'),
      'capture.get': ({ id }) => {
        const capture = store.captures.detail(id)
        return capture ? ok(capture) : fail('not_found', 'no such capture')
      },
      'capture.setQuantity': ({ id, quantity }) =>
        changeCapture(id, (capture) => {
          if (capture.disposition !== 'counted') return { code: 'conflict', message: 'it does not count' }
          if (capture.quantity !== quantity) store.captures.setQuantity(id, quantity)
          return null
        }),
      'capture.undo': ({ id }) => undo(id),
      'capture.undoLast': ({ sessionId }) => {
        const newest = store.captures.newestCounted(sessionId)
        return newest ? undo(newest.id) : fail('not_found', 'nothing is left to undo')
      },
      'capture.retry': ({ id }) =>
        changeCapture(id, () =>
          store.captures.retry(id) ? null : { code: 'conflict', message: 'there is nothing to retry' },
        ),
      'capture.discard': ({ id, reason }) =>
        changeCapture(id, () => (store.captures.discard(id, reason, null) ? null : notRefused)),
      'capture.correct': ({ id, raw }) => {
        const refused = store.captures.get(id)
        if (!refused) return fail('not_found', 'no such capture')
        if (refused.type === 'IMAGE') return fail('conflict', 'a photo has no value to correct')
        const corrected = capturing.correct(refused, raw)
        if (corrected.ok) capturesChanged([id, corrected.value.id])
        sync?.wake()
        return corrected
      },
      'capture.move': ({ id, sessionId }) => {
        if (!store.sessions.get(sessionId)) return fail('not_found', 'no such session')
        const from = store.captures.get(id)?.sessionId
        const moved = changeCapture(id, () => (store.captures.move(id, sessionId) ? null : notRefused))
        if (from !== undefined) sessionChanged(from)
        return moved
      },
      'capture.candidates': ({ id }) => {
        const found = store.outbox.candidates(id)
        if (!found) return fail('conflict', 'it is not undecided')
        return ok({ sentAt: new Date(found.sentMs).toISOString(), candidates: found.candidates })
      },
      'capture.decide': ({ id, remoteId }) =>
        changeCapture(id, () =>
          store.captures.decide(id, remoteId) ? null : { code: 'conflict', message: 'it is not undecided' },
        ),
      'backend.signIn': async (given) => {
        const keep = site.current() === null ? ports.backend?.keep : site.keepKey
        const url = backend.url()
        if (url === null || !keep) return fail('conflict', 'this host keeps no credential: give it at the start')
        const credential =
          given.kind === 'key' ? readCredential(given.key) : await signIn({ fetch: ports.fetch, url, ...given })
        if (credential === null) return fail('invalid_input', 'the key holds characters that no header can hold')
        if ('ok' in credential && !credential.ok) {
          const { kind, message } = credential.failure
          return fail(kind === 'unreachable' ? 'offline' : 'unauthorised', message)
        }
        await keep(writeCredential('ok' in credential ? credential.value : credential))
        sync?.hurry()
        return ok({})
      },
      'enrolment.status': () => ok(enrolment()),
      'enrolment.refresh': () => {
        checkIn.hurry()
        return ok({})
      },
      'enrolment.inspect': ({ code }) => ok(site.inspect(code)),
      'enrolment.enrol': async ({ code, fingerprint }) => {
        const text = code ?? scannedCode
        if (text === null) return ok({ outcome: 'refused', reason: 'unreadable', detail: 'no code was scanned' })
        const outcome = await site.enrol(text, fingerprint)
        if (outcome.outcome === 'enrolled' || outcome.reason === 'used') scannedCode = null
        if (outcome.outcome === 'enrolled') {
          sync?.hurry()
          gate.configure(settings.gate)
          checkIn.hurry()
        }
        enrolmentChanged()
        statusChanged()
        return ok(outcome)
      },
      'enrolment.leave': async () => {
        const left = await site.leave()
        if (!left.ok) return left
        if (ownSettings.adopt(null)) settingsChanged()
        sync?.hurry()
        enrolmentChanged()
        statusChanged()
        return ok(enrolment())
      },
      'network.changed': () => {
        sync?.networkChanged()
        gate.hurry()
        return ok({})
      },
      ...reviewing.handlers,
      ...shooting.handlers,
      ...cataloguing.handlers,
      'gate.status': () => ok(gate.status()),
      'gate.scan': (scan) => gate.scan(scan),
      'gate.failed': () => {
        if (!settings.gate.isOn) return fail('conflict', 'this station is no gate')
        publish('gate.failed', {})
        return ok({})
      },
      'gate.list': ({ limit, isDifferent }) => ok(store.verdicts.list(limit, isDifferent)),
      'gate.override': ({ id, reason, by }) => gate.override(id, reason, by),
      'gate.undo': ({ id, reason }) => gate.undo(id, reason),
      'gate.close': () => {
        changeSettings({ gate: { ...settings.gate, isOn: false } })
        return ok(settings)
      },
      'gate.key': async ({ secret }) => {
        const key = secret.trim()
        if (key !== '' && !isWalletSecret(key)) {
          return fail('invalid_input', 'this is neither an API key nor an OAuth client')
        }
        await secrets.write('wallet', key)
        gate.hurry()
        return ok({})
      },
      'gate.refresh': async () => {
        await gate.refresh()
        return ok(gate.status())
      },
      'gate.wipe': async () => {
        await gate.wipe()
        return ok(gate.status())
      },
      'staff.unlock': async ({ purpose, ...given }) =>
        ok(
          await ('pin' in given
            ? staff.unlock(purpose, { kind: 'pin', text: given.pin })
            : staff.unlockByCode(purpose, given.code)),
        ),
      'staff.badge': ({ purpose }) => staff.awaitBadge(purpose),
      'staff.end': ({ grant }) => {
        staff.end(grant)
        return ok({})
      },
      'staff.begin': async ({ name, pin }) => {
        if (staff.isProtected()) return fail('conflict', 'there is staff already')
        return changedStaff(await staffFile.save({ id: null, name, role: 'administrator', pin }))
      },
      'staff.list': () => {
        const members = staffFile.members()
        return members.ok ? ok([...members.value]) : members
      },
      'staff.save': async (change) => changedStaff(await staffFile.save(change)),
      'staff.remove': ({ id }) => {
        const removed = changedStaff(staffFile.remove(id))
        return removed.ok ? ok({}) : removed
      },
      'staff.giveBadge': async ({ id }) => {
        const members = staffFile.members()
        if (!members.ok) return members
        const member = members.value.find((one) => one.id === id)
        if (!member) return fail('not_found', 'no such member of the staff')
        const badge = changedStaff(await staffFile.giveBadge(id))
        if (!badge.ok) return badge
        // Loaded only here: it is large, and most runs of a station print nothing.
        const { writeBadgeSheet } = await import('#sheets/index.ts')
        const card = await writeBadgeSheet(member, badge.value)
        return ok({ path: once.keep({ name: 'capstan-badge.pdf', type: 'application/pdf', bytes: card }) })
      },
      'update.status': () => ok(ports.updates?.()?.status() ?? noUpdates),
      'update.check': async () => ok((await ports.updates?.()?.check()) ?? noUpdates),
      'update.install': () => ok(ports.updates?.()?.install() ?? noUpdates),
      'about.get': () => ok(about()),
      'storage.measure': async () => ok(await measureStorage(ports.dataDir)),
      'log.list': ({ least, words, limit }) => {
        const wanted = words.toLowerCase().split(/\s+/).filter(Boolean)
        const levels = logLevelSchema.options.slice(logLevelSchema.options.indexOf(least))
        const lines = readLogFile(ports.dataDir).toReversed()
        const names = namesHere()
        const found: LogEntry[] = []
        for (const line of lines) {
          const entry = redactLine(line, names)
          if (entry === null || !levels.includes(entry.level)) continue
          // In what is shown, not in what was taken out of it.
          const text = `${entry.room} ${entry.message} ${Object.entries(entry.facts).flat().join(' ')}`.toLowerCase()
          if (wanted.every((word) => text.includes(word)) && found.push(entry) >= limit) break
        }
        return ok(found)
      },
      'support.make': async () => {
        const { files, zip } = await gatherSupport({
          dataDir: ports.dataDir,
          store,
          about: about(),
          settings,
          status: status(),
          devices: describe(),
          staff: staffMembers(),
        })
        const name = `capstan-support-${clock.now().toISOString().slice(0, 19).replaceAll(':', '-')}.zip`
        return ok({ path: once.keep({ name, type: 'application/zip', bytes: zip }), bytes: zip.length, files })
      },
      'kiosk.leave': ({ to }) => {
        if (!ports.leaveKiosk) return fail('conflict', 'this host has no lock to leave: close its window')
        ports.leaveKiosk(to)
        return ok({})
      },
      'product.create': (product) =>
        changeCapture(product.captureId, (capture) => {
          const { captureId, ...payload } = product
          const gtin = product.gtin.padStart(14, '0')
          if (!isGtin(product.gtin)) return { code: 'invalid_input', message: 'the check digit of the GTIN is wrong' }
          store.transaction(() => {
            // Known on this station at once; the backend's record replaces it when it is there.
            store.captures.rememberProduct({
              id: captureId,
              gtin,
              name: payload.name,
              brand: payload.brand,
              netContent: payload.netContent,
            })
            store.outbox.add({ kind: 'product.create', sessionId: capture.sessionId, captureId, payload })
          })
          return null
        }),
    },
    (name, error) =>
      log.error({ name, error: error instanceof Error ? error.stack : String(error) }, 'a procedure failed'),
    staff.authorise,
  )

  // --- Photos and what is served ------------------------------------------------------------------

  /** Photos that are being saved. */
  const photosUnderWay = new Set<Promise<unknown>>()
  const savePhoto = (...photo: Parameters<typeof saveOne>): Promise<Result<PhotoOutcome>> => {
    const saving = saveOne(...photo)
    photosUnderWay.add(saving)
    return saving.finally(() => photosUnderWay.delete(saving))
  }
  const saveOne = async (
    bytes: ReadableStream<Uint8Array>,
    deviceName: string,
    role: PhotoRole | null,
    replaces: string | null = null,
    turn: Promise<unknown> = Promise.resolve(),
  ): Promise<Result<PhotoOutcome>> => {
    const session = store.sessions.current()
    if (!session) return fail('conflict', 'no session is active: the photo was not saved')
    if (!(await hasRoomForPhotos())) {
      await bytes.cancel()
      return fail('photos_full', 'the room for photos is used up: the photo was not saved')
    }
    const item = shooting.photo(role, replaces)
    let captureId: string | null = null
    let result: Result<PhotoOutcome>
    try {
      result = await takePhoto({
        store,
        imaging,
        capturing,
        bytes,
        maxBytes: maxPhotoBytes,
        session,
        deviceName,
        role,
        item,
        uploadFormat: settings.photo.uploadFormat,
        turn,
        clock,
      })
      if (result.ok) captureId = result.value.outcomes[0]?.capture.id ?? null
    } finally {
      item?.done(captureId)
    }
    if (!result.ok && result.error.code === 'storage_full') {
      isDiskFull = true
      statusChanged()
    }
    if (result.ok) devices.count(deviceName)
    // The window need not find out by a photo that is refused.
    void hasRoomForPhotos()
    return result
  }

  const handle = createServing({
    store,
    imaging,
    savePhoto,
    once,
    cataloguing,
    drillReport: () => drill.status.report,
    certify: (session) => {
      const unsigned = store.certificate(session, { name: settings.stationName, clock: clockWatch.reading() })
      return stationKey?.sign(unsigned) ?? unsigned
    },
    clock,
    log,
  })
  const takePhotoFile = createPhotoFiles(store)
  const takeFile = (file: FoundFile, deviceName: string, role: PhotoRole | null, turn?: Promise<unknown>) =>
    takePhotoFile(file, (bytes) => savePhoto(bytes, deviceName, role, null, turn))
  const folders = createWatchedFolders({
    folders: settings.folders,
    isKnown: (file) => store.photoFiles.isKnown(file),
    isNew: (path) => store.facts.get(`folder:${path}`) === null,
    begin(path, files) {
      store.transaction(() => {
        for (const file of files) store.photoFiles.remember(file, null)
        store.facts.set(`folder:${path}`, clock.now().toISOString())
      })
    },
    take: (file, { path, role }) => takeFile(file, basename(path), role),
    report: devices.report,
    clock,
    log: log.child({ room: 'device' }),
    ...(ports.folderDelays === undefined ? {} : { delays: ports.folderDelays }),
  })

  // --- Life ---------------------------------------------------------------------------------------

  const drive = (driver: DeviceDriver): void => {
    drivers.push(driver)
    driver.start(async (scan, raw) => {
      const deviceId = raw?.deviceId ?? scan.deviceName
      const receivedMs = raw?.receivedMs ?? performance.now()
      const event = { deviceId, bytes: raw?.bytes ?? null, receivedMs, place: placeOf(deviceId) }
      const result = await take(scan, event)
      if (!result.ok) publish('scan.refused', { scan, error: result.error })
      return result
    }, devices.report)
  }
  let closing: Promise<void> | null = null
  const openKey = async (): Promise<void> => {
    // Kept nowhere, it would be another one at each start.
    if (ports.secrets === undefined) return
    try {
      stationKey = await openStationKey(store, secretOf('station-key'))
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'no key of the station: its certificates are not signed')
    }
  }

  // Last: while they are waited for, sync and timers already run, and need everything above.
  await Promise.all([measureDisk(), openKey()])

  const subscribe: Station['subscribe'] = (topic, listener) => {
    const set = listeners.get(topic) ?? new Set()
    listeners.set(topic, set)
    set.add(listener)
    return () => void set.delete(listener)
  }

  return ok({
    call: dispatch,
    subscribe,
    handle,
    drive,
    async readScanners(wrap = (driver) => driver) {
      // Loaded only here: a command that reads no scanner needs none of the native modules.
      const [{ createScanners }, { findersFor }] = await Promise.all([
        import('#station/device/scanners.ts'),
        import('#station/device/finders.ts'),
      ])
      scanners = createScanners({
        settings: settings.scanners,
        log: log.child({ room: 'device' }),
        finders: findersFor(process.platform),
      })
      drive(wrap(scanners))
    },
    watchFolders: () => folders.start(),
    isEnrolled: () => site.current() !== null,
    whenOnItsOwn(start) {
      const startIfSo = (): void => {
        if (site.current() === null) start()
      }
      startIfSo()
      subscribe('enrolment.changed', startIfSo)
    },
    photosAtOnce,
    async takePhotoFile(path, role, turn) {
      let found: Stats
      try {
        // Not to be waited for: of two files alike, the one that was given later would be looked at first.
        found = statSync(path)
      } catch (error) {
        return fail('not_found', `the file cannot be read: ${(error as Error).message}`)
      }
      const file = { path, sizeBytes: found.size, modifiedMs: Math.trunc(found.mtimeMs) }
      return takeFile(file, basename(dirname(path)), role, turn)
    },
    drained: () => sync?.drained(settleMs) ?? Promise.resolve('empty'),
    close() {
      closing ??= (async () => {
        drill.stop()
        staff.close()
        for (const driver of drivers) await driver.close()
        await folders.close()
        await capturing.close()
        service.close()
        clearInterval(auditTimer)
        clearInterval(diskTimer)
        clearInterval(wipeTimer)
        await wiping
        clockWatch.close()
        // What is in flight may end; what hangs is cut off and sent again with the same key after the next start.
        const cutOff = setTimeout(() => stopping.abort(), closeGraceMs)
        await checkIn.close()
        await proposals?.close()
        await sync?.close()
        await gate.close()
        clearTimeout(cutOff)
        imaging.close()
        // Only now: what was in flight has changed something to the end.
        if (summaryTimer) clearTimeout(summaryTimer)
        listeners.clear()
        store.close()
      })()
      return closing
    },
  })
}
