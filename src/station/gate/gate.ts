import { unused, type GatePass } from '#contract/gate/pass.ts'
import { gateRulesSchema, type GateRules } from '#contract/gate/rules.ts'
import { scanDataSchema, type ScanType } from '#contract/gate/scan-api.ts'
import { listKeySchema, type ListKey, type RelayStatus } from '#contract/gate/site.ts'
import type { Judgement } from '#contract/gate/verdict.ts'
import type { Clock, Ids, Log } from '#contract/ports.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import type { Scan } from '#contract/station/capture.ts'
import type { GateSettings, GateStatus, GateVerdict } from '#contract/station/gate.ts'
import { addUse, dayOf, judge } from '#domain/gate/judge.ts'
import { backoffMs } from '#domain/backoff.ts'
import { readScan } from '#domain/scan.ts'
import { toScanType } from '#domain/symbology.ts'
import { createDoor, type Door, type OpenLine } from '#station/gate/door.ts'
import { loadList } from '#station/gate/list-load.ts'
import { openPassList } from '#station/gate/pass-list.ts'
import type { GateClient } from '#station/remote/gate-client.ts'
import type { Fetch, RemoteFailure, RemoteResult } from '#station/remote/requests.ts'
import type { ScanRecorded } from '#station/remote/wallet-client.ts'
import { isStorageError } from '#station/store/database.ts'
import type { Report } from '#station/store/verdicts.ts'
import type { Store } from '#station/store/store.ts'

/** A secret of the station: kept by the host, never beside what it opens. */
export interface GateSecret {
  read(): Promise<string | null>
  /** The empty text forgets it. */
  write(secret: string): Promise<void>
}

/** The roads to whoever is asked; null where the settings or the host give none. */
export interface GateRemotes {
  readonly site: GateClient | null
  /** Records a scan, and says which pass it is of. `id` makes a repeat the same scan where the other end knows it. */
  readonly record:
    | ((
        scan: Report | Pick<Report, 'id' | 'at' | 'data' | 'type' | 'deviceName'>,
        timeoutMs?: number,
      ) => Promise<RemoteResult<ScanRecorded>>)
    | null
  /** Whether a record may be repeated after a lost answer: the relay knows it again, the service does not. */
  readonly isRepeatable: boolean
  /** How the site's queue of records for the service stands; null where there is none on the road. */
  readonly relay: (() => Promise<RemoteResult<RelayStatus | null>>) | null
}

export interface GatePorts {
  readonly store: Store
  readonly clock: Clock
  readonly ids: Ids
  readonly log: Log
  readonly random: () => number
  readonly listPath: string
  readonly listSecret: GateSecret
  readonly fetch: Fetch
  readonly openLine: OpenLine
  readonly remotes: (settings: GateSettings) => GateRemotes
  /** How far the right time is from the machine's clock. */
  readonly clockBounds: () => { readonly leastMs: number; readonly mostMs: number }
  readonly onVerdict: (verdict: GateVerdict) => void
  readonly onChange: () => void
}

/** The venue gate of a station. */
export interface Gate {
  /** Judges a read; resolves once the verdict is durable. Never more than the wait for the site plus a commit. */
  scan(scan: Scan): Promise<Result<GateVerdict>>
  override(id: string, reason: string, by: string): Result<GateVerdict>
  undo(id: string, reason: string): Result<GateVerdict>
  status(): GateStatus
  refresh(): Promise<void>
  wipe(): Promise<void>
  configure(settings: GateSettings): void
  /** The network has changed: the site is asked again at once. */
  hurry(): void
  close(): Promise<void>
}

const reportBatch = 50
/** A site that takes longer is asked again: it knows a repeat. */
const reportMs = 5_000
/** Short: nobody pays for asking, and each second alone is one in which a pass can come in twice. */
const backoff = { baseMs: 500, capMs: 5_000 } as const
const minuteMs = 60_000
/** How often the site is asked for its queue, at least. */
const relayMs = 10_000
/** A server that asks for more is asked again then. */
const longestLeftAloneMs = 300_000
/** A read that waited longer than this, in a window that had lost the station, lets nobody in any more. */
const staleMs = 10_000

/** Creates the gate; nothing runs until the settings say that it is on. */
export async function createGate(ports: GatePorts, given: GateSettings): Promise<Gate> {
  const { store, clock, ids, log } = ports
  let settings = given
  let remotes: GateRemotes = { site: null, record: null, isRepeatable: false, relay: null }
  let door: Door | null = null
  let doorState: GateStatus['door'] = 'none'
  let site: GateStatus['site'] = 'unconfigured'
  let listState: NonNullable<GateStatus['list']>['state'] = 'none'
  /** As the site counted when it last answered. */
  let siteInside: number | null = null
  let rules: GateRules = given.rules
  let relay: RelayStatus | null = null
  const stopping = new AbortController()
  let timer: NodeJS.Timeout | null = null
  let working: Promise<void> | null = null
  let failures = 0
  let nextListMs = 0
  let nextRelayMs = 0
  /** Until then whoever is asked wants to be left alone (Retry-After). */
  let leftAloneUntilMs = 0
  /** What is decided is decided one after the other: two reads of one pass must not both be the first. */
  let queue: Promise<unknown> = Promise.resolve()

  const key = await readKey()
  const list = openPassList({ path: ports.listPath, key, log })

  async function readKey(): Promise<ListKey | null> {
    const secret = await ports.listSecret.read().catch(() => null)
    if (secret === null || secret === '') return null
    try {
      return listKeySchema.parse(JSON.parse(secret))
    } catch {
      return null
    }
  }
  let hasKey = key !== null

  const now = (): string => clock.now().toISOString()
  const fetchedAt = (): string | null => store.facts.get('gate_list_fetched_at')
  const dataAgeMs = (): number | null => {
    const at = fetchedAt()
    if (at === null || list.state === null || list.state.asOf === null) return null
    return Math.max(0, clock.now().getTime() - Date.parse(at))
  }

  // --- The site, in the background ----------------------------------------------------------------

  const seen = (failure: RemoteFailure | null): void => {
    const before = site
    site = failure === null ? 'online' : failure.kind === 'unauthorised' ? 'unauthorised' : 'offline'
    // What a site refuses it has still answered.
    if (failure?.kind === 'refused') site = 'online'
    failures = site === 'online' ? 0 : failures + 1
    leftAloneUntilMs = clock.monotonicMs() + Math.min(failure?.retryAfterMs ?? 0, longestLeftAloneMs)
    if (before !== site) {
      log.info({ site }, 'the site of the gate')
      ports.onChange()
    }
  }

  const isLeftAlone = (): boolean => clock.monotonicMs() < leftAloneUntilMs
  const later = (ms: number): void => {
    if (timer) clearTimeout(timer)
    if (!settings.isOn || stopping.signal.aborted) return
    timer = setTimeout(() => void work(), Math.max(ms, leftAloneUntilMs - clock.monotonicMs()))
    timer.unref()
  }
  const work = (): Promise<void> => {
    working ??= (async () => {
      try {
        await report()
        if (!isLeftAlone()) await refreshList(false)
        if (!isLeftAlone()) await askRelay()
      } catch (error) {
        log.error({ error: (error as Error).stack }, 'the gate could not talk to the site')
      } finally {
        working = null
        wipeOld()
        const idleMs = store.verdicts.waiting() > 0 ? 200 : Math.min(settings.refreshMs, 5_000)
        later(site === 'online' ? idleMs : backoffMs(failures, ports.random(), backoff) + 200)
      }
    })()
    return working
  }

  /** Tells the site what was decided without it, oldest first. A failure that may pass stops; what is refused is kept. */
  const report = async (): Promise<void> => {
    for (;;) {
      const reports = store.verdicts.nextReports(reportBatch)
      if (reports.length === 0) return
      for (const one of reports) {
        if (stopping.signal.aborted) return
        if (!(await reportOne(one, reportMs))) return
      }
    }
  }

  /** Whether the next one may follow. */
  const reportOne = async (one: Report, timeoutMs?: number): Promise<boolean> => {
    if (one.isDue && !(await reportVerdict(one, timeoutMs))) return false
    if (one.undo === null || remotes.site === null) return true
    const answer = await remotes.site.undo(one.id, one.undo, timeoutMs)
    seen(answer.ok ? null : answer.failure)
    if (!answer.ok && answer.failure.kind !== 'refused') return false
    store.verdicts.undoSettled(one.id)
    tell(one.id)
    return true
  }

  const reportVerdict = async (one: Report, timeoutMs?: number): Promise<boolean> => {
    const { site: client, record, isRepeatable } = remotes
    if (client) {
      const answer = await client.verdict(
        {
          client_scan_id: one.id,
          device_id: one.deviceName,
          gate: one.gate,
          data: one.data,
          type: one.type,
          scanned_at: one.at,
          offline: { code: one.code, counts_entry: one.countsEntry },
          override: one.override,
        },
        timeoutMs,
      )
      seen(answer.ok ? null : answer.failure)
      if (answer.ok) {
        const { judgement, agrees, doubles, inside, change } = answer.value
        siteInside = inside
        // What the staff has let in is no difference: the rules were known to say otherwise.
        const compared = { code: judgement.code, agrees: agrees ?? true, doubles }
        store.verdicts.settle(one.id, 'sent', compared, change)
        tell(one.id)
        return true
      }
      if (answer.failure.kind !== 'refused') return false
      store.verdicts.settle(one.id, 'refused', null, null)
    } else if (record) {
      const answer = await record(one)
      seen(answer.ok ? null : answer.failure)
      if (!answer.ok && answer.failure.kind !== 'refused') {
        // The service makes a new scan of each call: one that may have arrived is never sent again.
        if (answer.failure.taken === 'no' || isRepeatable) return false
        store.verdicts.settle(one.id, 'doubtful', null, null)
      } else store.verdicts.settle(one.id, answer.ok ? 'sent' : 'refused', null, null)
    } else return false
    tell(one.id)
    return true
  }

  const refreshList = async (isForced: boolean): Promise<void> => {
    const { site: client } = remotes
    if (client === null || (!isForced && clock.monotonicMs() < nextListMs)) return
    nextListMs = clock.monotonicMs() + settings.refreshMs
    const learnt = await client.rules(settings.name)
    seen(learnt.ok ? null : learnt.failure)
    if (learnt.ok) {
      rules = learnt.value
      store.facts.set('gate_rules', JSON.stringify(rules))
    } else if (learnt.failure.kind !== 'refused') {
      nextListMs = 0
      return
    }
    const askedAt = now()
    listState = list.state === null ? 'loading' : listState
    const loaded = await loadList({
      client,
      list,
      log,
      signal: stopping.signal,
      key: async () => {
        const answer = await client.listKey()
        if (!answer.ok) return answer.failure
        await ports.listSecret.write(JSON.stringify(answer.value))
        hasKey = true
        list.useKey(answer.value)
        return answer.value
      },
      onProgress(head) {
        if (head.left > 0) listState = 'loading'
        ports.onChange()
      },
    })
    if (loaded.outcome === 'current') {
      listState = 'current'
      store.facts.set('gate_list_fetched_at', askedAt)
      store.facts.set('gate_site_inside', String(siteInside ?? ''))
    } else if (loaded.outcome === 'failed') {
      listState = 'failed'
      log.warn({ error: loaded.error.message }, 'the list of passes could not be brought up to date')
    }
    ports.onChange()
  }

  /** Records that wait at the site are nobody's loss, but a key that is refused needs a person. */
  const askRelay = async (): Promise<void> => {
    const { site: client, relay: ask } = remotes
    if (ask === null || (client !== null && site !== 'online') || clock.monotonicMs() < nextRelayMs) return
    nextRelayMs = clock.monotonicMs() + Math.min(settings.refreshMs, relayMs)
    const answer = await ask()
    // Where the site is asked for nothing else, this tells whether it is there before the first read.
    if (client === null) seen(answer.ok ? null : answer.failure)
    if (!answer.ok || JSON.stringify(answer.value) === JSON.stringify(relay)) return
    relay = answer.value
    ports.onChange()
  }

  const wipeOld = (): void => {
    const age = dataAgeMs()
    if (age === null || age < settings.keepListMs) return
    log.warn({}, 'the list of passes has not been confirmed for too long and is wiped')
    void forgetList()
  }
  const forgetList = async (): Promise<void> => {
    // Without its key the file says nothing, however well it was removed.
    await ports.listSecret.write('')
    hasKey = false
    list.useKey(null)
    listState = 'none'
    ports.onChange()
  }

  // --- Verdicts -----------------------------------------------------------------------------------

  interface Read {
    readonly id: string
    readonly at: string
    readonly data: string
    readonly type: ScanType
    readonly deviceName: string
    readonly startedMs: number
  }

  interface Decided {
    readonly judgement: Judgement
    readonly pass: GatePass | null
    readonly passId: string | null
    readonly report: GateVerdict['report']
    readonly change?: number
  }

  const decide = async (read: Read): Promise<Decided> => {
    if (!scanDataSchema.safeParse(read.data).success) {
      // No pass can have it, and nobody could be asked.
      return { judgement: judgeBy(null, read, 'online', null), pass: null, passId: null, report: 'none' }
    }
    return settings.road === 'site' ? await decideWithSite(read) : await decideHere(read)
  }

  const decideWithSite = async (read: Read): Promise<Decided> => {
    const untilMs = clock.monotonicMs() + settings.waitMs
    const leftMs = (): number => Math.max(1, Math.ceil(untilMs - clock.monotonicMs()))
    const found = list.find(read.data)
    const isAsked = remotes.site !== null && (site === 'online' || site === 'unconfigured')
    if (remotes.site !== null && isAsked && (await tellOf(found?.pass.passId ?? null, read.data, leftMs))) {
      const answer = await remotes.site.verdict(
        {
          client_scan_id: read.id,
          device_id: read.deviceName,
          gate: settings.name,
          data: read.data,
          type: read.type,
          scanned_at: read.at,
        },
        leftMs(),
      )
      seen(answer.ok ? null : answer.failure)
      if (answer.ok) {
        const { judgement, inside, change } = answer.value
        siteInside = inside
        return { judgement, pass: null, passId: judgement.inputs.passId, report: 'sent', change }
      }
    }
    if (isAsked) later(0)
    const judgement = judgeBy(
      found?.pass ?? null,
      read,
      'offline',
      list.state === null || list.state.asOf === null ? null : dataAgeMs(),
      found?.use,
    )
    return {
      judgement,
      pass: found?.pass ?? null,
      passId: found?.pass.passId ?? null,
      report: remotes.site ? 'waiting' : 'none',
    }
  }

  /**
   * Tells the site what it has not heard of one pass, before it is asked about it: else it would let in a second time whom
   * this gate has let in alone. Whether it knows everything now.
   */
  const tellOf = async (passId: string | null, data: string, leftMs: () => number): Promise<boolean> => {
    for (const one of store.verdicts.reportsOf({ passId, data })) {
      if (!(await reportOne(one, leftMs()))) return false
    }
    return true
  }

  /** The service says only which pass it is; what the pass may is for the rules of this station. */
  const decideHere = async (read: Read): Promise<Decided> => {
    const known = list.find(read.data)?.pass
    if (remotes.record !== null && (site === 'online' || site === 'unconfigured')) {
      const answer = await remotes.record(read, settings.waitMs)
      seen(answer.ok ? null : answer.failure)
      if (answer.ok && 'passId' in answer.value) {
        const { passId } = answer.value
        const pass = passId === null ? null : (known ?? plainPass(passId))
        return { judgement: judgeBy(pass, read, 'online', null), pass, passId, report: 'sent' }
      }
      if (!answer.ok) later(0)
      const isTaken = answer.ok || (answer.failure.taken !== 'no' && !remotes.isRepeatable)
      const report = answer.ok
        ? 'sent'
        : isTaken
          ? 'doubtful'
          : answer.failure.kind === 'refused'
            ? 'refused'
            : 'waiting'
      return {
        judgement: judgeBy(known ?? null, read, 'offline', null),
        pass: known ?? null,
        passId: known?.passId ?? null,
        report,
      }
    }
    const report = remotes.record ? 'waiting' : 'none'
    return {
      judgement: judgeBy(known ?? null, read, 'offline', null),
      pass: known ?? null,
      passId: known?.passId ?? null,
      report,
    }
  }

  const judgeBy = (
    pass: GatePass | null,
    read: Read,
    mode: 'online' | 'offline',
    ageMs: number | null,
    siteUse = unused,
  ): Judgement => {
    const listed = settings.road === 'site' ? (list.state?.at ?? 0) : null
    const own = store.verdicts.useOf({ passId: pass?.passId ?? null, data: read.data }, rules.event, listed)
    return judge({
      rules: { ...rules, gate: settings.name },
      pass,
      use: addUse(siteUse, own),
      inside: inside(),
      now: new Date(read.at),
      clock: ports.clockBounds(),
      mode,
      dataAgeMs: ageMs,
    })
  }

  const keptInside = (): number | null => {
    const kept = store.facts.get('gate_site_inside')
    return kept === null || kept === '' ? null : Number(kept)
  }
  const inside = (): number | null =>
    settings.road === 'site' ? (siteInside ?? keptInside()) : store.verdicts.inside(rules.event)

  const commit = (
    read: Read,
    decided: Decided,
    override: { id: string; reason: string; by: string } | null,
  ): Result<GateVerdict> => {
    const { judgement, pass, passId, report, change = null } = decided
    try {
      store.verdicts.add({
        id: read.id,
        at: read.at,
        data: read.data,
        type: read.type,
        deviceName: read.deviceName,
        passId,
        passType: pass?.passType ?? judgement.inputs.passType,
        judgement,
        tookMs: Math.max(0, clock.monotonicMs() - read.startedMs),
        report,
        change,
        override,
      })
    } catch (error) {
      if (!isStorageError(error)) throw error
      return fail('storage_full', `the verdict could not be kept: ${(error as Error).message}`)
    }
    const verdict = store.verdicts.get(read.id)
    if (verdict === null) return fail('internal', 'the row is gone')
    publish(verdict)
    if (verdict.result === 'admit') void letThrough(verdict)
    if (verdict.report === 'waiting') later(site === 'online' ? 0 : 200)
    return ok(verdict)
  }

  const publish = (verdict: GateVerdict): void => {
    try {
      ports.onVerdict(verdict)
      ports.onChange()
    } catch (error) {
      log.error({ error: (error as Error).stack }, 'a listener failed')
    }
  }
  const tell = (id: string): void => {
    const verdict = store.verdicts.get(id)
    if (verdict) publish(verdict)
  }

  const letThrough = async (verdict: GateVerdict): Promise<void> => {
    if (door === null) return
    doorState = 'open'
    ports.onChange()
    const passage = await door.admit(settings.passMs)
    doorState = passage.ok ? 'closed' : 'fault'
    if (!passage.ok) log.error({ error: passage.error.message }, 'the door does not open')
    // Nobody went through: the entry is given back.
    if (passage.ok && passage.value === 'nobody') takeBack(verdict.id, 'nobody passed')
    ports.onChange()
  }

  const takeBack = (id: string, reason: string): boolean => {
    const verdict = store.verdicts.get(id)
    const isReported = remotes.site !== null && verdict !== null && verdict.report !== 'none'
    if (verdict === null || !store.verdicts.undo(id, reason, isReported)) return false
    tell(id)
    later(0)
    return true
  }

  // --- Life ---------------------------------------------------------------------------------------

  const configure = (next: GateSettings): void => {
    const isDoorNew = JSON.stringify(next.door) !== JSON.stringify(settings.door)
    settings = next
    remotes = ports.remotes(settings)
    site = 'unconfigured'
    failures = 0
    nextListMs = 0
    nextRelayMs = 0
    leftAloneUntilMs = 0
    relay = null
    rules = keptRules() ?? settings.rules
    if (isDoorNew || (door === null && settings.door.kind !== 'none')) {
      void door?.close()
      door = settings.isOn ? createDoor(settings.door, ports) : null
      doorState = door === null ? 'none' : 'closed'
    }
    if (settings.isOn) later(0)
    else if (timer) clearTimeout(timer)
    ports.onChange()
  }
  /** The site's own rules, as it last told them. */
  const keptRules = (): GateRules | null =>
    settings.road === 'site' ? store.facts.read('gate_rules', gateRulesSchema) : null
  configure(given)

  return {
    scan(scan) {
      if ((scan.ageMs ?? 0) > staleMs) {
        return Promise.resolve(fail('conflict', 'it was read too long ago: whoever showed it may have gone'))
      }
      const startedMs = clock.monotonicMs()
      const { raw, symbology } = readScan(scan, { now: clock.now() })
      const type: ScanType = scan.source === 'manual' ? 'manual' : toScanType(symbology)
      const read: Read = { id: ids.next(), at: now(), data: raw, type, deviceName: scan.deviceName, startedMs }
      const answered = queue.then(async () =>
        settings.isOn ? commit(read, await decide(read), null) : fail('conflict', 'this station is no gate'),
      )
      queue = answered.catch(() => undefined)
      return answered
    },
    override(id, reason, by) {
      const verdict = store.verdicts.get(id)
      const scanned = store.verdicts.scanOf(id)
      if (verdict === null || scanned === null) return fail('not_found', 'no such verdict')
      if (verdict.result === 'admit') return fail('conflict', 'it was admitted')
      const read: Read = {
        id: ids.next(),
        at: now(),
        data: scanned.data,
        type: scanned.type,
        deviceName: 'staff',
        startedMs: clock.monotonicMs(),
      }
      const judged = judgeBy(null, read, 'offline', null)
      const judgement: Judgement = {
        ...judged,
        result: 'admit',
        code: 'overridden',
        path: verdict.path,
        countsEntry: verdict.direction === 'entry',
        usedBefore: verdict.usedBefore,
        inputs: { ...judged.inputs, passId: scanned.passId, passType: scanned.passType },
      }
      const isSent = remotes.site !== null && scanDataSchema.safeParse(scanned.data).success
      return commit(
        read,
        { judgement, pass: null, passId: scanned.passId, report: isSent ? 'waiting' : 'none' },
        { id, reason, by },
      )
    },
    undo(id, reason) {
      if (store.verdicts.get(id) === null) return fail('not_found', 'no such verdict')
      if (!takeBack(id, reason)) return fail('conflict', 'there is no admission to take back')
      const undone = store.verdicts.get(id)
      return undone ? ok(undone) : fail('internal', 'the row is gone')
    },
    status() {
      const atMs = clock.now().getTime()
      const day = dayOf(clock.now(), rules)
      // The day began at most so long ago; the rows before it are left out by their own day.
      const dayStart = new Date(atMs - msSinceDayBegan(atMs, rules, day)).toISOString()
      const minutes = store.verdicts.perMinute(new Date(atMs - 60 * minuteMs).toISOString())
      const { state } = list
      return {
        isOn: settings.isOn,
        mode: settings.mode,
        gate: settings.name,
        event: rules.event,
        direction: rules.direction,
        showMs: settings.showMs,
        idleMs: settings.idleMs,
        site: remotes.site === null && remotes.record === null ? 'unconfigured' : site,
        list:
          remotes.site === null && !hasKey
            ? null
            : {
                state:
                  state === null
                    ? listState === 'failed'
                      ? 'failed'
                      : listState === 'loading'
                        ? 'loading'
                        : 'none'
                    : listState === 'none'
                      ? 'current'
                      : listState,
                values: state?.values ?? 0,
                left: state?.left ?? 0,
                bytes: state?.bytes ?? 0,
                ageMs: dataAgeMs(),
              },
        relay,
        inside: inside(),
        capacity: rules.capacity,
        today: store.verdicts.figures(dayStart),
        perMinute: Array.from({ length: 60 }, (_, index) => {
          const at = new Date(Math.floor(atMs / minuteMs) * minuteMs - (59 - index) * minuteMs).toISOString()
          return { at, ...(minutes.get(at.slice(0, 16)) ?? { admitted: 0, denied: 0 }) }
        }),
        waiting: store.verdicts.waiting(),
        differences: store.verdicts.differences(),
        door: doorState,
      }
    },
    async refresh() {
      await working
      await report()
      await refreshList(true)
      nextRelayMs = 0
      await askRelay()
    },
    wipe: forgetList,
    configure,
    hurry() {
      failures = 0
      nextListMs = 0
      if (site === 'offline') site = 'unconfigured'
      later(0)
    },
    async close() {
      stopping.abort()
      if (timer) clearTimeout(timer)
      await queue
      await working
      await door?.close()
      list.close()
    },
  }
}

/** A pass of which nothing is known but its id. */
function plainPass(passId: string): GatePass {
  return {
    passId,
    passType: '',
    passKind: 'unknown',
    status: 'active',
    validFrom: null,
    validUntil: null,
    entries: null,
    lists: [],
    privileges: {},
  }
}

/** How long ago the venue's day began, to the hour: days with a change of the clocks have 23 or 25 of them. */
function msSinceDayBegan(atMs: number, rules: GateRules, day: string): number {
  const hourMs = 3_600_000
  const anHour = Math.floor(atMs / hourMs) * hourMs
  let hours = 0
  while (hours < 25 && dayOf(new Date(anHour - hours * hourMs - 1), rules) === day) hours += 1
  return atMs - (anHour - hours * hourMs)
}
