import { statSync, type Stats } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createDispatch } from '#contract/dispatch.ts'
import { isSafeBackendAddress } from '#contract/backend-address.ts'
import { readCredential, writeCredential } from '#contract/credential.ts'
import type { Clock, Ids, Log } from '#contract/ports.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import type { PhotoOutcome } from '#contract/station/capture.ts'
import type { ScanAnswer } from '#contract/station/control.ts'
import type { DeviceDetails } from '#contract/station/device.ts'
import type { PhotoRole } from '#contract/station/camera-settings.ts'
import { maxPhotoBytes } from '#contract/station/http.ts'
import { procedures, type ProcedureParsed } from '#contract/station/procedures.ts'
import type { Member } from '#contract/station/staff.ts'
import type { UpdateStatus } from '#contract/station/update.ts'
import type { About } from '#contract/station/upkeep.ts'
import type { Session, SessionSummary } from '#contract/station/session.ts'
import type { EnrolmentStatus } from '#contract/station/enrolment.ts'
import type { Settings } from '#contract/station/settings.ts'
import type { StationStatus } from '#contract/station/status.ts'
import type { Transport } from '#contract/transport.ts'
import { createAlarms } from '#station/alarms.ts'
import { createCameraRequests } from '#station/device/camera-requests.ts'
import { correctingHandlers } from '#station/correcting.ts'
import { createReads } from '#station/reads.ts'
import { staffingHandlers } from '#station/staffing.ts'
import { keyFor, recoveryKeyOf } from '#sealing/index.ts'
import { createTopics } from '#station/topics.ts'
import { watchDisk } from '#station/upkeep/disk.ts'
import { planStoreCheck } from '#station/upkeep/store-check.ts'
import { upkeepHandlers } from '#station/upkeep/handlers.ts'
import { createCapturing } from '#station/capture/capture.ts'
import { takePhoto } from '#station/capture/photo.ts'
import { createPhotoFiles, type PhotoFileOutcome } from '#station/capture/photo-file.ts'
import { describeDevices } from '#station/device/details.ts'
import type { DeviceDriver, DriverDetails } from '#station/device/driver.ts'
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
import { openStationKey, type StationKey } from '#station/store/station-key.ts'
import { openStore } from '#station/store/store.ts'
import { createAskedSupport } from '#station/asked-support.ts'
import { healthOf, startCheckIn } from '#station/check-in.ts'
import type { HeldDataKey } from '#station/data-key.ts'
import { createDrillService, type RunDrill } from '#station/drill.ts'
import { createKeyDeposit } from '#station/key-deposit.ts'
import { createSiteClient } from '#station/remote/site-client.ts'
import { openSettings } from '#station/settings.ts'
import { createServing, type PhotoOf } from '#station/serving.ts'
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
import { wipeOldPhotos, wipeOldRows } from '#station/upkeep/retention.ts'
import { sealOldPhotos } from '#station/upkeep/seal-photos.ts'
import { gatherSupport } from '#station/upkeep/support.ts'

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
export { isEncrypted } from '#station/store/seal.ts'
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
  /** What the data folder is encrypted with; without one the data lie there as they are. */
  readonly dataKey?: HeldDataKey | null
  readonly spawnImaging: SpawnImaging
  readonly clock?: Clock
  readonly ids?: Ids
  readonly random?: () => number
  /** From which size on a sound store is checked behind the start instead of before it, and how long after; see `openStore`. */
  readonly checkStoreLater?: { readonly fromBytes: number; readonly afterMs: number }
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
  /** Where they lie: in the system's key store, or in files that their owner alone may read; files unless said. */
  place?(): Promise<'key_store' | 'file'>
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

export { findDataKey, newRecoveryKey, readKeyFile } from '#station/data-key.ts'
export { openStationSettings, openStationSite, settingsOf } from '#station/stopped.ts'
export { systemClock, timeOrderedIds } from '#station/system-clock.ts'

/** How long the end of a headless run waits for the backend to settle what it has. */
const settleMs = 15_000
/** How long the end of the station waits for requests in flight. */
const closeGraceMs = 3_000
/** How often photos whose time is over are looked for; also whenever that time is set. */
const wipeEveryMs = 60 * 60_000
/** Who has scanned nothing for so long waits for nothing at the moment. */
const pauseMs = 3_000
/** A gate at which nothing was read for so long waits for nobody. */
const quietGateMs = 10 * 60_000
/** Settings of devices that came and went: more than this is nobody's station. */
const keptDeviceLimit = 500
/** A batch of photos is read by a process a core, up to so many: each may hold half a gigabyte. */
const maxImagingProcesses = 4
/** So long a session that is ended waits for the photos that are being read. */
const photoPatienceMs = 15_000
const noRemotes: GateRemotes = { site: null, record: null, isRepeatable: false, relay: null }
const noUpdates: UpdateStatus = {
  state: 'unavailable',
  version: null,
  waitsFor: null,
  message: null,
  checkedAt: null,
  failed: [],
}

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
  const opened = openStore({
    dataDir,
    clock,
    ids,
    log: log.child({ room: 'store' }),
    takesNewerStore,
    dataKey: ports.dataKey?.key ?? null,
    ...(ports.checkStoreLater && { checkLaterFromBytes: ports.checkStoreLater.fromBytes }),
  })
  if (!opened.ok) return opened
  const store = opened.value

  const { stationId } = store
  const ownSettings = openSettings(store, log)
  let settings: Settings = ownSettings.current()
  let scanners: ScannersDriver | null = null
  let stationKey: StationKey | null = null

  // --- Topics -------------------------------------------------------------------------------------

  const topics = createTopics({
    session: (id) => store.sessions.get(id),
    captures: (ids) => store.captures.getMany(ids),
    devices: () => describe(),
    status: () => status(),
    gate: () => gate.status(),
    desk: () => shooting.desk(),
  })
  const { publish, isHeard, sessionChanged, capturesChanged, deskChanged, statusChanged, deviceSeen } = topics

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
    support: askedSupport.last(),
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
  const devices = createDeviceRegistry(clock, topics.deviceChanged, deviceSeen)
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
    mediaKey: ports.dataKey ? keyFor('media', ports.dataKey.key) : null,
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
      disk.took()
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
    opened: () => imaging.warm(),
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
      onChange: topics.gateChanged,
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
  const reads = createReads({
    store,
    clock,
    log,
    capturing,
    devices,
    service,
    settings: () => settings,
    shooting,
    gate,
    takeSecret: (data) => staff.takeBadge(data) ?? takeCode(data),
    topics,
    onSession(id) {
      sync?.wake()
      sessionChanged(id)
    },
    onFull: () => disk.refused(),
  })
  /** An enrolment code is no capture: it waits for somebody to confirm its site. */
  const takeCode = (data: string): Promise<Result<ScanAnswer>> | null => {
    const inspected = site.inspect(data)
    if (inspected.outcome === 'refused' && inspected.reason === 'unreadable') return null
    scannedCode = data
    enrolmentChanged()
    return Promise.resolve(ok({ outcome: 'checked', isSound: inspected.outcome === 'code' }))
  }

  // --- Events and answers -------------------------------------------------------------------------

  const alarms = createAlarms({
    store,
    clock,
    ids,
    log,
    audit: () => devices.audit(driverDetails(), performance.now()),
    onChange: statusChanged,
  })
  const storeCheck = planStoreCheck({ store, afterMs: ports.checkStoreLater?.afterMs, onDamage: statusChanged })
  const disk = watchDisk({ dataDir, store, settings: () => settings.photo, onChange: statusChanged })
  const sinceMs = (at: string | null | undefined): number =>
    typeof at === 'string' ? Math.abs(clock.now().getTime() - Date.parse(at)) : Number.POSITIVE_INFINITY
  const sinceGateReadMs = (): number => sinceMs(settings.gate.isOn ? store.verdicts.list(1, false)[0]?.at : null)
  const isQuiet = (): boolean => store.sessions.current() === null && sinceGateReadMs() > quietGateMs
  let wiping: Promise<unknown> = Promise.resolve()
  const wipeOld = (): void => {
    const ports = { store, clock, log: log.child({ room: 'upkeep' }) }
    const { photo, retention } = settings
    wiping = wiping
      .then(() => wipeOldPhotos({ ...ports, keepDays: photo.keepDays }))
      .then(() => wipeOldRows({ ...ports, ...retention, isQuiet }))
      .catch((error: unknown) => log.error({ error: (error as Error).message }, 'what is old could not be wiped'))
  }
  const wipeTimer = setInterval(wipeOld, wipeEveryMs)
  wipeTimer.unref()
  const isBusy = (): boolean =>
    photosUnderWay.size > 0 || Math.min(sinceMs(store.captures.lastAt()), sinceGateReadMs()) < pauseMs
  const sealing = ports.dataKey ? sealOldPhotos({ store, isBusy, log: log.child({ room: 'upkeep' }) }) : null

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
        saving: reads.saving(),
        nextAttemptAt:
          nextAttemptMs === null ? null : new Date(Math.max(nextAttemptMs, sync?.pausedUntilMs ?? 0)).toISOString(),
      },
      devices: devices.list(),
      staff: { isProtected: staff.isProtected() },
      ...service.mode(),
      disagreements: alarms.list(),
      clock: clockWatch.status,
      storage: { ...disk.status(), isDamaged: storeCheck.isDamaged(), recovered: store.recovered },
    }
  }

  // --- Procedures ---------------------------------------------------------------------------------

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
    if (JSON.stringify(before.photo) !== JSON.stringify(settings.photo)) void disk.hasRoomForPhotos()
    if (JSON.stringify([before.photo, before.retention]) !== JSON.stringify([settings.photo, settings.retention]))
      wipeOld()
    publish('settings.changed', settings)
    statusChanged()
  }
  const updateStatus = (): UpdateStatus => ports.updates?.()?.status() ?? noUpdates
  const siteClient = createSiteClient({
    fetch: clockWatch.watching(ports.fetch),
    ...backend,
    now: () => clock.now(),
    signal: stopping.signal,
  })
  const makeSupport = async (mostBytes = Number.POSITIVE_INFINITY) =>
    gatherSupport({
      dataDir: ports.dataDir,
      store,
      about: await about(),
      settings,
      status: status(),
      devices: describe(),
      staff: staffMembers(),
      mostBytes,
    })
  const askedSupport = createAskedSupport({
    store,
    client: siteClient,
    make: makeSupport,
    onSent: enrolmentChanged,
    clock,
    log: log.child({ room: 'site' }),
  })
  const keyDeposit = createKeyDeposit({
    key: ports.dataKey?.key ?? null,
    site: () => site.current()?.fingerprint ?? null,
    client: siteClient,
    store,
    log: log.child({ room: 'site' }),
  })
  const checkIn = startCheckIn({
    client: siteClient,
    isEnrolled: () => site.current() !== null,
    health: () => healthOf(status(), ownSettings.layers(), store.captures.lastAt(), updateStatus()),
    onRefused: (words) => sync?.keyAnswered(words),
    onAnswer(answer) {
      sync?.keyAnswered(null)
      site.relabel(answer.label, answer.group)
      if (ownSettings.adopt(answer)) settingsChanged()
      askedSupport.asked(answer.support)
      keyDeposit.siteHas(answer.recoveryKeys)
      enrolmentChanged()
    },
    now: () => clock.now(),
    random: ports.random ?? Math.random,
    log: log.child({ room: 'site' }),
  })
  const cameras = createCameraRequests(ids, (id) => {
    publish('camera.shoot', { id })
    return isHeard('camera.shoot')
  })
  const summary = (session: Session): SessionSummary => ({
    session,
    ...store.captures.timeline(session.id),
    topItems: store.captures.topItems(session.id, 10),
  })

  const staffMembers = (): readonly Member[] => {
    const members = staffFile.members()
    return members.ok ? members.value : []
  }
  const once = createOnceOnly()
  const about = async (): Promise<About> =>
    describeStation({
      version: ports.version,
      host: ports.host,
      stationId,
      dataDir: ports.dataDir,
      secrets: (await secrets.place?.()) ?? 'file',
      dataKey: store.isEncrypted ? (ports.dataKey?.from ?? null) : null,
    })
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
        alarms.raise([{ deviceId: id, deviceName, events, answers }])
        return ok({})
      },
      'device.acknowledge': ({ id }) => {
        alarms.acknowledge(id)
        return ok(status())
      },
      'camera.shoot': () => cameras.shoot(),
      'camera.shot': ({ id, shots }) => {
        cameras.answer(id, shots)
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
      'scan.submit': (scan) => reads.take(scan, reads.eventOf(scan)),
      ...correctingHandlers({ store, capturing, wakeSync: () => sync?.wake(), capturesChanged, sessionChanged }),
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
      ...staffingHandlers({ staff, file: staffFile, once }),
      'update.status': () => ok(updateStatus()),
      'update.check': async () => ok((await ports.updates?.()?.check()) ?? noUpdates),
      'update.install': () => ok(ports.updates?.()?.install() ?? noUpdates),
      ...upkeepHandlers({
        dataDir,
        clock,
        once,
        about,
        recoveryKey: () => (ports.dataKey ? recoveryKeyOf(ports.dataKey.key) : null),
        named: () => [staffMembers(), settings, describe()],
        make: () => makeSupport(),
      }),
      'kiosk.leave': ({ to }) => {
        if (!ports.leaveKiosk) return fail('conflict', 'this host has no lock to leave: close its window')
        ports.leaveKiosk(to)
        return ok({})
      },
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
    of: PhotoOf = { session: null, item: null, replaces: null },
    turn: Promise<unknown> = Promise.resolve(),
  ): Promise<Result<PhotoOutcome>> => {
    const hasRoom = await disk.hasRoomForPhotos()
    const session = store.sessions.current()
    if (!session) return fail('conflict', 'no session is active: the photo was not saved')
    if (of.session !== null && of.session !== session.id) {
      await bytes.cancel()
      return fail('conflict', 'the session that it was taken in has ended: the photo was not saved')
    }
    if (!hasRoom) {
      await bytes.cancel()
      return fail('photos_full', 'the room for photos is used up: the photo was not saved')
    }
    const item = shooting.photo(role, of.replaces)
    if (of.item !== null && item?.itemId !== of.item) {
      item?.done(null)
      return fail('conflict', 'another product is open than the one that was photographed: the photo was not saved')
    }
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
    if (!result.ok && result.error.code === 'storage_full') disk.refused()
    if (result.ok) devices.count(deviceName)
    // The window need not find out by a photo that is refused.
    void disk.hasRoomForPhotos()
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
    takePhotoFile(file, (bytes) => savePhoto(bytes, deviceName, role, undefined, turn))
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
      const event = { deviceId, bytes: raw?.bytes ?? null, receivedMs, place: reads.placeOf(deviceId) }
      if (raw?.isHalf) return reads.refuseHalf(scan, event)
      const result = await reads.take(scan, event)
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
  await Promise.all([disk.measure(), openKey()])

  return ok({
    call: dispatch,
    subscribe: topics.subscribe,
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
      topics.subscribe('enrolment.changed', startIfSo)
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
        alarms.close()
        disk.close()
        storeCheck.close()
        clearInterval(wipeTimer)
        await wiping
        await sealing?.close()
        clockWatch.close()
        // What is in flight may end; what hangs is cut off and sent again with the same key after the next start.
        const cutOff = setTimeout(() => stopping.abort(), closeGraceMs)
        await checkIn.close()
        await askedSupport.close()
        await keyDeposit.close()
        await proposals?.close()
        await sync?.close()
        await gate.close()
        clearTimeout(cutOff)
        imaging.close()
        // Only now: what was in flight has changed something to the end.
        topics.close()
        store.close()
      })()
      return closing
    },
  })
}
