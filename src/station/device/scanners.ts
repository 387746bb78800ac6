import type { Log } from '#contract/ports.ts'
import { fail } from '#contract/result.ts'
import {
  scannerSettingsSchema,
  type ScannerSettings,
  type ScannersSettings,
} from '#contract/station/scanner-settings.ts'
import type { DeviceDriver, DeviceReport, DriverDetails, Emit } from './driver.ts'
import { createScanner, defaultDelays, type Delays, type FoundScanner, type Scanner } from './scanner.ts'

/** Looks for scanners on one road: the USB bus, HID, serial ports. */
export interface Finder {
  /** Everything that is there now. */
  find(): Promise<readonly FoundScanner[]>
  /** Calls `hint` when something may have changed; answers how to stop. */
  watch(hint: () => void): () => void
}

/** All scanners that need no window: finds them, reads them, and keeps finding them. */
export interface ScannersDriver extends DeviceDriver {
  /** Takes new settings; scanners that they concern are opened again. */
  configure(settings: ScannersSettings): void
  details(): ReadonlyMap<string, DriverDetails>
}

export interface ScannersOptions {
  readonly settings: ScannersSettings
  readonly log: Log
  readonly finders: readonly ((settings: ScannersSettings) => Finder)[]
  readonly delays?: Partial<Delays>
}

const switchedOff = 'It is switched off in the settings.'

/** Creates the driver. Events of the bus are only hints: what counts is what is there when one looks. */
export function createScanners({ log, finders: create, delays: given, ...options }: ScannersOptions): ScannersDriver {
  const delays: Delays = { ...defaultDelays, ...given }
  const scanners = new Map<string, Scanner>()
  const used = new Map<string, string>()
  let settings = options.settings
  let finders: readonly Finder[] = []
  let stops: readonly (() => void)[] = []
  let start: { readonly emit: Emit; readonly report: (report: DeviceReport) => void } | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let looking: Promise<void> = Promise.resolve()
  let isClosed = false

  const settingsOf = (id: string): ScannerSettings => settings.byId[id] ?? scannerSettingsSchema.parse({})

  const look = async (): Promise<void> => {
    const found = new Map<string, FoundScanner>()
    for (const finder of finders) {
      const seen = await finder.find().catch((error: unknown) => {
        log.warn({ error: String(error) }, 'scanners could not be looked for')
        return null
      })
      // What cannot be seen is not gone: nothing is detached on the word of a finder that failed.
      if (seen === null) return
      for (const one of seen) if (settingsOf(one.id).enabled) found.set(one.id, one)
    }
    if (isClosed || !start) return
    for (const [id, scanner] of scanners) {
      if (found.has(id)) continue
      scanner.detach(settings.enabled && settingsOf(id).enabled ? undefined : switchedOff)
    }
    for (const [id, one] of found) {
      let scanner = scanners.get(id)
      if (!scanner) {
        scanner = createScanner(id, { settings: settingsOf(id), delays, log, ...start })
        used.set(id, JSON.stringify(settingsOf(id)))
        scanners.set(id, scanner)
      }
      scanner.attach(one)
    }
  }
  const plan = (waitMs: number): void => {
    if (isClosed) return
    clearTimeout(timer)
    timer = setTimeout(() => {
      looking = looking.then(look).finally(() => plan(delays.sweepMs))
    }, waitMs)
  }
  const open = (): void => {
    finders = settings.enabled ? create.map((finder) => finder(settings)) : []
    stops = finders.map((finder) => finder.watch(() => plan(delays.settleMs)))
    plan(0)
  }
  const stop = (): void => {
    for (const each of stops) each()
    stops = []
  }

  return {
    start(emit, report) {
      start = { emit, report }
      open()
    },
    configure(next) {
      settings = next
      for (const [id, scanner] of scanners) {
        const text = JSON.stringify(settingsOf(id))
        if (used.get(id) === text) continue
        used.set(id, text)
        scanner.configure(settingsOf(id))
      }
      if (!start || isClosed) return
      stop()
      open()
    },
    async feedback(deviceId, signal) {
      const scanner = scanners.get(deviceId)
      return scanner ? scanner.feedback(signal) : fail('not_found', `there is no scanner ${deviceId}`)
    },
    details: () => new Map([...scanners].map(([id, scanner]) => [id, scanner.details()])),
    forget(deviceId) {
      const scanner = scanners.get(deviceId)
      if (!scanner || scanner.isAttached()) return
      scanners.delete(deviceId)
      used.delete(deviceId)
      void scanner.close()
    },
    async close() {
      isClosed = true
      clearTimeout(timer)
      stop()
      await looking
      await Promise.all([...scanners.values()].map((scanner) => scanner.close()))
    },
  }
}
