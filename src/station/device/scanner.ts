import type { Log } from '#contract/ports.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import { scanSchema } from '#contract/station/capture.ts'
import type { ScanAnswer } from '#contract/station/control.ts'
import type { DeviceFacts } from '#contract/station/device.ts'
import type { ScannerSettings } from '#contract/station/scanner-settings.ts'
import { decodeText, type Decoder, type Read } from './decoder.ts'
import type { DeviceReport, DriverDetails, Emit, Signal } from './driver.ts'
import { acknowledgement, type FeedbackPlan } from './feedback.ts'

/** Where a scanner stands. */
export type ScannerState = DeviceReport['state']

/** All waiting in this room, in milliseconds. */
export interface Delays {
  /** The bus is looked at once it has been quiet this long after a change. */
  readonly settleMs: number
  /** It is looked at this often whatever it says: events can be missed. */
  readonly sweepMs: number
  /** Between the end of a connection and the attempt to open it again. */
  readonly reopenMs: number
  /** Between attempts to open what is taken, not permitted or failed. */
  readonly retryMs: number
  /** A USB read cannot be cancelled: it ends this late, and so does closing. */
  readonly pollMs: number
  /** Between reads that end in a protocol error, and how many of them in a row mean that the device is gone. */
  readonly faultMs: number
  readonly faultLimit: number
  /** Closing waits this long for the station's answers to the last scans. */
  readonly answerMs: number
  /** Ends a HID-POS code whose last report wrongly says that more follows. */
  readonly flushMs: number
}

export const defaultDelays: Delays = {
  settleMs: 50,
  sweepMs: 5_000,
  reopenMs: 100,
  retryMs: 2_000,
  pollMs: 250,
  faultMs: 20,
  faultLimit: 5,
  answerMs: 5_000,
  flushMs: 150,
}

/** What an open connection calls. */
export interface LinkEvents {
  /** Bytes, as the device packs them; `timeMs` is monotonic. */
  bytes(bytes: Uint8Array, timeMs: number): void
  /** The connection has ended by itself; called once, and nothing after it. */
  end(reason: string): void
}

/** An open connection to a scanner. */
export interface Link {
  readonly decoder: Decoder
  readonly feedback: FeedbackPlan
  /** The scanner is on a line of bytes, where ACK and NAK mean something. */
  readonly hasAcknowledge: boolean
  write(bytes: Uint8Array): Promise<void>
  /** Gives the device back as it was found; also after `end`. */
  close(): Promise<void>
}

/** Why a scanner could not be opened. */
export interface Refusal {
  readonly state: Extract<ScannerState, 'busy' | 'refused' | 'unplugged' | 'failed'>
  readonly advice: string
  /** Trying again is of no use until it is plugged in again. */
  readonly isFinal?: boolean
}
export type Opening = { readonly link: Link } | Refusal

/** A scanner that is there. */
export interface FoundScanner {
  /** The same after a replug. */
  readonly id: string
  /** The same until it is unplugged. */
  readonly instance: string
  readonly name: string
  /** A keyboard whose `road` is the window types there: it is listed, and never opened. */
  readonly facts: DeviceFacts
  open(settings: ScannerSettings, events: LinkEvents): Promise<Opening>
}

/** One scanner over all its plugs and pulls. */
export interface Scanner {
  /** It is there; `found` replaces what was there before. */
  attach(found: FoundScanner): void
  /** It is not there, or not to be read; `advice` says why when it is not the cable. */
  detach(advice?: string): void
  /** New settings; what is open is opened again with them. */
  configure(settings: ScannerSettings): void
  feedback(signal: Signal): Promise<Result<void>>
  details(): DriverDetails
  isAttached(): boolean
  close(): Promise<void>
}

export interface ScannerPorts {
  readonly settings: ScannerSettings
  readonly delays: Delays
  readonly log: Log
  readonly emit: Emit
  readonly report: (report: DeviceReport) => void
}

const errorLimit = 10
const unpluggedAdvice = 'Plug the scanner in.'

/** Creates the machine of the scanner with that id; it does nothing before `attach`. */
export function createScanner(id: string, ports: ScannerPorts): Scanner {
  const { delays, emit } = ports
  const log = ports.log.child({ device: id })
  let settings = ports.settings
  let target: FoundScanner | null = null
  let absence = unpluggedAdvice
  let productName = id
  let facts: DeviceFacts | null = null
  const errors: DriverDetails['errors'][number][] = []
  let link: Link | null = null
  let isClosing = false
  let told = ''
  /** Counts changes of target, settings and closing, so that no change is missed between two looks. */
  let version = 0
  let wake: () => void = () => undefined
  let life: Promise<void> | null = null
  let writing: Promise<void> = Promise.resolve()
  const emitting = new Set<Promise<void>>()
  const counts = { reads: 0, saved: 0, notSaved: 0, stale: 0, strange: 0, torn: 0, ends: 0 }

  const nameOf = () => settings.name || productName

  const keepError = (code: (typeof errors)[number]['code'], detail: string): void => {
    errors.push({ code, detail: detail.slice(0, 500), timeMs: performance.now() })
    if (errors.length > errorLimit) errors.shift()
  }
  const set = (state: ScannerState, advice = ''): void => {
    const words = `${state} ${advice} ${nameOf()}`
    if (words === told) return
    told = words
    log.info({ state, advice }, 'scanner state')
    ports.report({ id, kind: 'scanner', name: nameOf().slice(0, 200), state, advice: advice.slice(0, 500) })
    if (state === 'busy' || state === 'refused' || state === 'failed') keepError(state, advice)
  }

  const changed = (): void => {
    version += 1
    wake()
  }
  /** Resolves at the next change after `seen`, or after `waitMs`. */
  const changeSince = async (seen: number, waitMs?: number): Promise<void> => {
    if (version !== seen) return
    await new Promise<void>((resolve) => {
      const timer = waitMs === undefined ? undefined : setTimeout(resolve, waitMs)
      wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  const send = (to: Link, bytes: Uint8Array): Promise<void> => {
    // One transfer at a time: a second one on the same endpoint is refused.
    const sent = writing.then(() => to.write(bytes))
    writing = sent.catch((error: unknown) => log.warn({ error: String(error) }, 'scanner was not told'))
    return sent
  }

  const answer = async (to: Link, result: Result<ScanAnswer>): Promise<void> => {
    if (to !== link) return
    const signal: Signal = result.ok && isGood(result.value) ? 'good' : 'bad'
    const bytes =
      settings.acknowledge && to.hasAcknowledge
        ? acknowledgement[signal]
        : settings.feedback
          ? to.feedback[signal]
          : undefined
    if (bytes) await send(to, bytes).catch(() => undefined)
  }

  const take = (from: Link, read: Read): void => {
    counts.reads += 1
    const { isHalf = false } = read
    if (isHalf) {
      counts.torn += 1
      keepError('torn', 'without its end, or the rest of one')
      log.warn({ length: read.bytes.length }, 'the scanner ends its codes, and this is half of one')
    }
    const scan = scanSchema.safeParse({
      data: read.text ?? decodeText(read.bytes),
      ...(read.aim === undefined ? {} : { aim: read.aim }),
      source: 'device',
      deviceName: nameOf().slice(0, 200),
    })
    if (!scan.success) {
      counts.strange += 1
      keepError('strange', `${read.bytes.length} bytes`)
      log.warn({ length: read.bytes.length }, 'scanner sent what is no scan')
      void answer(from, fail('invalid_input', 'what the scanner sent is no scan'))
      return
    }
    const keep = async () => emit(scan.data, { deviceId: id, bytes: read.bytes, receivedMs: read.timeMs, isHalf })
    const done = keep()
      .catch((error: unknown): Result<never> => {
        log.error({ error: String(error) }, 'a scan was not kept')
        return fail('internal', String(error))
      })
      .then((result) => {
        if (result.ok) counts.saved += 1
        else counts.notSaved += 1
        return answer(from, result)
      })
      .finally(() => emitting.delete(done))
    emitting.add(done)
  }

  /** One connection, from opening to its end; answers how long to wait before the next. */
  const connect = async (found: FoundScanner, seen: number): Promise<number | undefined> => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let silence: NodeJS.Immediate | undefined
    let isOver = false
    let endReason = ''
    let openedMs = Number.POSITIVE_INFINITY
    /** When the code that is under way began. */
    let begunMs = 0
    let own: Link | null = null
    const early: { readonly bytes: Uint8Array; readonly timeMs: number }[] = []

    const arm = (): void => {
      clearTimeout(timer)
      clearImmediate(silence)
      const deadline = own?.decoder.deadlineMs()
      if (deadline === undefined || isOver) return
      const tick = (): void => {
        if (own && !isOver) for (const read of own.decoder.tick(performance.now())) keep(own, read)
        arm()
      }
      timer = setTimeout(
        // What has come while the process was busy is heard first: a late timer is no silence.
        () => {
          silence = setImmediate(tick)
        },
        Math.max(1, Math.ceil(deadline - performance.now())),
      )
    }
    /** A code is as old as its first byte: the rest of an old one must not pass for a short new one. */
    const keep = (to: Link, read: Read): void => {
      if (begunMs < openedMs + settings.staleMs && !to.hasAcknowledge) counts.stale += 1
      else take(to, read)
    }
    const accept = (to: Link, bytes: Uint8Array, timeMs: number): void => {
      if (to.decoder.deadlineMs() === undefined) begunMs = timeMs
      for (const read of to.decoder.push(bytes, timeMs)) {
        keep(to, read)
        begunMs = timeMs
      }
      arm()
    }
    const events: LinkEvents = {
      bytes(bytes, timeMs) {
        if (isOver) return
        if (own) accept(own, bytes, timeMs)
        else early.push({ bytes, timeMs })
      },
      end(reason) {
        if (isOver) return
        isOver = true
        endReason = reason
        wake()
      },
    }

    const opening = await found.open(settings, events).catch((error: unknown): Refusal => {
      log.error({ error: String(error) }, 'scanner could not be opened')
      return { state: 'failed', advice: `It could not be opened: ${String(error)}` }
    })
    if (!('link' in opening)) {
      set(opening.state, opening.advice)
      return opening.isFinal ? undefined : delays.retryMs
    }
    own = opening.link
    link = own
    openedMs = performance.now()
    set('ready')
    for (const { bytes, timeMs } of early) accept(own, bytes, timeMs)

    while (!isOver && version === seen) await changeSince(seen)

    isOver = true
    clearTimeout(timer)
    clearImmediate(silence)
    if (endReason !== '') {
      counts.ends += 1
      keepError('ended', endReason)
      log.info({ reason: endReason }, 'scanner connection ended')
    }
    if (own.decoder.deadlineMs() !== undefined) {
      counts.torn += 1
      keepError('torn', '')
      log.warn({}, 'a code was under way when the scanner went')
    }
    // Who is closed in order still hears what became of the last scans.
    if (endReason === '') await settledWithin(emitting, delays.answerMs)
    link = null
    await writing
    await own.close().catch((error: unknown) => log.warn({ error: String(error) }, 'scanner was not given back'))
    return delays.reopenMs
  }

  const live = async (): Promise<void> => {
    while (!isClosing) {
      const seen = version
      const found = target
      if (!found) {
        set('unplugged', absence)
        await changeSince(seen)
        continue
      }
      if (found.facts.road === 'window') {
        set('ready')
        await changeSince(seen)
        continue
      }
      set('opening')
      const waitMs = await connect(found, seen)
      if (!isClosing) await changeSince(seen, waitMs)
    }
  }

  return {
    attach(found) {
      // The same one may be read on another road: a keyboard that was claimed, or is not any more.
      if (isClosing || (target?.instance === found.instance && target.facts.road === found.facts.road)) return
      target = found
      productName = found.name
      facts = found.facts
      if (!life) {
        set('detected')
        life = live()
      } else changed()
    },
    detach(advice = unpluggedAdvice) {
      if (!target && absence === advice) return
      target = null
      absence = advice
      changed()
    },
    configure(next) {
      settings = next
      changed()
    },
    async feedback(signal) {
      const bytes = link?.feedback[signal]
      if (!link || !bytes) return fail('device_unavailable', `${nameOf()} cannot be told "${signal}"`)
      return send(link, bytes).then(
        () => ok(undefined),
        (error: unknown) => fail('device_unavailable', String(error)),
      )
    },
    details: () => ({
      facts,
      signals: (['good', 'bad'] as const).filter((signal) => link?.feedback[signal] !== undefined),
      counts: { ...counts },
      errors: [...errors],
    }),
    isAttached: () => target !== null,
    async close() {
      isClosing = true
      changed()
      await life
    },
  }
}

async function settledWithin(promises: Iterable<Promise<unknown>>, waitMs: number): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, waitMs)
  })
  await Promise.race([Promise.allSettled(promises), late])
  clearTimeout(timer)
}

/** Whether a scanner is to say "good": what it read counts, did what it asked for, or would have counted. */
function isGood(answer: ScanAnswer): boolean {
  if (answer.outcome === 'checked') return answer.isSound
  return answer.outcome === 'control' || answer.capture.disposition === 'counted'
}
