import { createPublicKey, verify } from 'node:crypto'
import type { Clock, Log } from '#contract/ports.ts'
import type { Result } from '#contract/result.ts'
import { updateMessage, type UpdateFile, type UpdateStatus } from '#contract/station/update.ts'
import type { Session } from '#contract/station/session.ts'
import type { Settings } from '#contract/station/settings.ts'
import type { StationStatus } from '#contract/station/status.ts'
import type { Transport } from '#contract/transport.ts'

/** What a site's server offers to a ring, as its YAML file tells. */
export interface Offer {
  readonly version: string
  readonly files: readonly UpdateFile[]
  /** Ed25519 over `updateMessage`, base64. */
  readonly signature?: unknown
}

/** How a platform gets and installs an update: electron-updater. */
export interface UpdateSource {
  /** A version that is newer than this one and meant for this machine; null for none. */
  check(address: string, ring: string): Promise<Offer | null>
  /** Downloads what was offered last; fails when its bytes are not those that were promised. */
  download(): Promise<void>
  /** Installs what was downloaded and ends the program, which is started again. */
  install(): void
}

export interface Updates {
  status(): UpdateStatus
  /** Looks now, whatever was found last. */
  check(): Promise<UpdateStatus>
  /** Installs what is ready now, if nothing that must not be interrupted is going on. */
  install(): UpdateStatus
  close(): void
}

const firstLookMs = 15_000
const everyMs = 60 * 60_000
const retryMs = 30_000

/**
 * Looks for updates, downloads what the release key has signed, and installs it once nobody works: no session is open, nothing
 * was scanned for a while, no photo is on its way, and the disk has room for a copy of the store.
 */
export function createUpdates(ports: {
  readonly source: UpdateSource
  readonly station: Transport
  readonly settings: () => Settings['update']
  /** The release key's public half, base64 of 32 bytes. */
  readonly publicKey: string
  readonly platform: NodeJS.Platform
  /** Versions that were tried and taken back. */
  readonly failed: readonly string[]
  readonly clock: Clock
  readonly log: Log
  readonly later: (run: () => void, waitMs: number) => () => void
  /** A number from 0 to 1: two hundred machines do not ask at once. */
  readonly random: () => number
}): Updates {
  const { source, station, settings, clock, log, later, failed } = ports
  let status: UpdateStatus = {
    state: 'current',
    version: null,
    waitsFor: null,
    message: null,
    checkedAt: null,
    failed: [...failed],
  }
  let usedMs = clock.monotonicMs()
  const stops = (['scan.taken', 'control.taken', 'gate.verdict'] as const).map((topic) =>
    station.subscribe(topic, () => (usedMs = clock.monotonicMs())),
  )
  let stopTimer = (): void => {}
  let isClosed = false
  const change = (to: Partial<UpdateStatus>): void => {
    status = { ...status, ...to }
  }

  const holds = async (): Promise<UpdateStatus['waitsFor']> => {
    const [session, told] = await Promise.all([
      station.call('session.current', {}) as Promise<Result<Session | null>>,
      station.call('station.status', {}) as Promise<Result<StationStatus>>,
    ])
    if (!session.ok || !told.ok || session.value !== null) return 'session'
    if (clock.monotonicMs() - usedMs < settings().quietMinutes * 60_000) return 'work'
    if (told.value.queue.uploads.length > 0) return 'sending'
    return told.value.storage.state === 'ok' ? null : 'room'
  }
  const tryInstall = async (): Promise<void> => {
    if (status.state !== 'ready') return
    const waitsFor = await holds()
    if (isClosed) return
    if (waitsFor !== status.waitsFor) change({ waitsFor })
    if (waitsFor !== null) return again(retryMs)
    log.info({}, 'an update is installed')
    try {
      source.install()
    } catch (error) {
      log.error({ err: error }, 'an update could not be installed')
      change({ state: 'failed', message: (error as Error).message })
      again(everyMs)
    }
  }
  const again = (waitMs: number): void => {
    stopTimer()
    if (!isClosed) stopTimer = later(() => void (status.state === 'ready' ? tryInstall() : look()), waitMs)
  }
  let looking: Promise<void> | null = null
  const lookNow = async (): Promise<void> => {
    const { address, ring } = settings()
    if (address === '') return change({ state: 'off', version: null, message: null })
    try {
      const offer = await source.check(address, ring)
      change({ checkedAt: clock.now().toISOString(), message: null })
      if (offer === null) return change({ state: 'current', version: null })
      if (failed.includes(offer.version)) return change({ state: 'taken_back', version: offer.version })
      if (!isSigned(offer, { ring, platform: ports.platform, publicKey: ports.publicKey })) {
        log.error({}, 'an update has no valid signature of the release key')
        return change({ state: 'unsigned', version: offer.version })
      }
      change({ state: 'found', version: offer.version })
      await source.download()
      change({ state: 'ready', version: offer.version })
    } catch (error) {
      log.warn({ error: (error as Error).message }, 'no update could be had')
      change({ state: 'failed', message: (error as Error).message.split('\n')[0]?.slice(0, 200) ?? '' })
    }
  }
  const look = async (): Promise<void> => {
    looking ??= lookNow().finally(() => (looking = null))
    await looking
    again(status.state === 'ready' ? 0 : everyMs * (0.5 + ports.random()))
  }
  again(firstLookMs)

  return {
    status: () => status,
    async check() {
      if (status.state !== 'ready') await look()
      return status
    },
    install() {
      // A person has decided: the machine need not have been quiet.
      usedMs = Number.NEGATIVE_INFINITY
      again(0)
      return status
    },
    close() {
      isClosed = true
      stopTimer()
      for (const stop of stops) stop()
    },
  }
}

/** Whether the release key has signed exactly these files as this version for this ring and platform. */
export function isSigned(
  { version, files, signature }: Offer,
  of: { readonly ring: string; readonly platform: NodeJS.Platform; readonly publicKey: string },
): boolean {
  if (typeof signature !== 'string' || files.length === 0) return false
  try {
    // Ed25519 keys as SPKI: a fixed head before the 32 bytes (RFC 8410).
    const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(of.publicKey, 'base64')])
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' })
    const message = updateMessage({ ring: of.ring, platform: of.platform, version, files })
    return verify(null, Buffer.from(message), key, Buffer.from(signature, 'base64'))
  } catch {
    return false
  }
}

/**
 * Watches a version on trial: `confirm` once it was ready to scan and answered for a while, `fail` when that does not come
 * about in time. What ends the process before is counted by the launcher.
 */
export function watchTrial(ports: {
  readonly isReady: () => boolean
  readonly later: (run: () => void, waitMs: number) => () => void
  readonly confirm: () => void
  readonly fail: () => void
}): void {
  let goodSeconds = 0
  let seconds = 0
  const look = (): void => {
    seconds += 1
    goodSeconds = ports.isReady() ? goodSeconds + 1 : 0
    if (goodSeconds >= healthySeconds) ports.confirm()
    else if (seconds >= trialSeconds) ports.fail()
    else ports.later(look, 1_000)
  }
  ports.later(look, 1_000)
}

const healthySeconds = 10
const trialSeconds = 90
