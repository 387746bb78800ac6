import { cpus, freemem, release, totalmem } from 'node:os'
import { z } from 'zod'
import { zipSync, strToU8 } from 'fflate'
import { deviceListSchema, type DeviceDetails } from '#contract/station/device.ts'
import { roleSchema, type Member } from '#contract/station/staff.ts'
import { settingsSchema, type Settings } from '#contract/station/settings.ts'
import { stationStatusSchema, type StationStatus } from '#contract/station/status.ts'
import {
  supportFileSchema,
  type About,
  type Storage,
  type SupportBundle,
  type SupportFile,
} from '#contract/station/upkeep.ts'
import { checkStore, type Store } from '#station/store/store.ts'
import { readLogFile } from '#station/upkeep/log-file.ts'
import { measureStorage } from '#station/upkeep/storage.ts'
import { redactLine, redactText, redactValue, takenOut } from '#station/upkeep/redact.ts'

/** What is known when support is asked for; of a station that does not run, or is damaged, less. */
export interface SupportParts {
  readonly about: About
  readonly settings: Settings | null
  readonly status: StationStatus | null
  readonly devices: readonly DeviceDetails[]
  readonly staff: readonly Member[]
  /** Rows by table, refusals by code, the ledger's end: numbers only. A store that cannot be read says why. */
  readonly store: { readonly counts: Readonly<Record<string, number>>; readonly complaints: readonly string[] }
  readonly storage: Pick<Storage, 'kinds' | 'freeBytes' | 'totalBytes'>
  readonly log: readonly string[]
  /** What people have called things, which is taken out of the log wherever it is; null where nobody can know. */
  readonly names: readonly string[] | null
}

/**
 * Gathers what a data folder tells: beside a running station, of one that does not run, or of one whose store cannot be read
 * (`store` is the reason then).
 */
export async function gatherSupport(from: {
  readonly dataDir: string
  readonly store: Store | string
  readonly about: About
  readonly settings: Settings | null
  readonly status: StationStatus | null
  readonly devices: readonly DeviceDetails[]
  readonly staff: readonly Member[]
  /** The largest that it may be: the oldest lines of the log are left out for it. */
  readonly mostBytes?: number
}): Promise<Support> {
  const { dataDir, store, settings, status, devices, staff, mostBytes = Number.POSITIVE_INFINITY } = from
  const labels = typeof store === 'string' ? [] : store.sessions.list(200).map(({ label }) => label)
  const parts = {
    ...from,
    store:
      typeof store === 'string'
        ? { counts: {}, complaints: [store, ...checkStore(dataDir).slice(0, 20)] }
        : { counts: store.counts(), complaints: [] },
    storage: await measureStorage(dataDir),
    log: readLogFile(dataDir),
    names: typeof store === 'string' ? null : namesIn([staff, settings, status, devices, labels]),
  }
  let made = createSupport(parts)
  for (let { log } = parts; made.zip.length > mostBytes && log.length > 0;) {
    log = log.slice(Math.ceil(log.length / 2))
    made = createSupport({ ...parts, log })
  }
  return made
}

/** Every text that somebody has given something here, the longest first: none of them is told, wherever it stands. */
export function namesIn(given: unknown): string[] {
  const found = new Set<string>()
  const look = (value: unknown): void => {
    if (typeof value === 'string') {
      if (value.length > 1 && !words.has(value) && !isFigure.test(value)) found.add(value)
    } else if (typeof value === 'object' && value !== null) {
      for (const [name, one] of Object.entries(value)) {
        // The names of a record are data, such as the ids of devices; those of a contract are plain.
        if (!isPlainName.test(name)) found.add(name)
        look(one)
      }
    }
  }
  look(given)
  return [...found].toSorted((a, b) => b.length - a.length)
}
const isPlainName = /^(?:[a-z][A-Za-z]*|\d+)$/
/** An instant, a number or a version. */
const isFigure = /^(?:\d{4}-\d\d-\d\dT[\d:.]+Z|\d+(?:\.\d+)*)$/

/** A bundle: its files as they are named in it, and the file that holds them. */
export interface Support {
  readonly files: SupportBundle['files']
  readonly zip: Uint8Array
}

/** The words of our own that settings and a status are made of; any other text in them may be anything. */
const words: ReadonlySet<string> = new Set([
  ...ownWords(z.toJSONSchema(settingsSchema, { unrepresentable: 'any' })),
  ...ownWords(z.toJSONSchema(stationStatusSchema, { unrepresentable: 'any' })),
  ...ownWords(z.toJSONSchema(deviceListSchema, { unrepresentable: 'any' })),
  ...roleSchema.options,
])

function ownWords(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  return Object.entries(schema).flatMap(([name, value]) => {
    if (name === 'const' && typeof value === 'string') return [value]
    if (name === 'enum' && Array.isArray(value)) return value.filter((one) => typeof one === 'string')
    return ownWords(value)
  })
}

/**
 * What support needs to know of a station, as one zip: no keys, no codes, no photos, nobody's name. What could hold one is not
 * in it, or is told by its length, state or number; no file of the data folder is in it as it is.
 */
export function createSupport(parts: SupportParts): Support {
  const { about, settings, status, devices, staff, store, storage, log, names } = parts
  const contents: Record<SupportFile, unknown> = {
    'about.json': {
      ...about,
      dataDir: takenOut,
      processors: cpus().length,
      memoryBytes: totalmem(),
      freeMemoryBytes: freemem(),
      release: release(),
    },
    'status.json': status === null ? null : redactStatus(status),
    'settings.json': settings === null ? null : redactValue(settings, words),
    'devices.json': devices.map(({ kind, state }, index) => ({ device: index + 1, kind, state })),
    'store.json': {
      counts: store.counts,
      complaints: store.complaints.map((complaint) => redactText(complaint, names ?? [])),
      staff: Object.fromEntries(
        roleSchema.options.map((role) => [role, staff.filter((one) => one.role === role).length]),
      ),
    },
    'storage.json': storage,
    'log.ndjson': log.flatMap((line) => redactLine(line, names) ?? []),
  }
  const zipped: Record<string, Uint8Array> = {}
  for (const name of supportFileSchema.options) {
    const content = contents[name]
    zipped[name] = strToU8(
      name === 'log.ndjson'
        ? (content as unknown[]).map((line) => `${JSON.stringify(line)}\n`).join('')
        : `${JSON.stringify(content, null, 2)}\n`,
    )
  }
  return {
    files: supportFileSchema.options.map((name) => ({ name, bytes: zipped[name]?.length ?? 0 })),
    zip: zipSync(zipped, { level: 9 }),
  }
}

/** Times stay: how long something has waited is what support asks first. */
function redactStatus({ backend, queue, clock, storage, ...rest }: StationStatus): unknown {
  return {
    ...(redactValue(rest, words) as object),
    stationId: rest.stationId,
    version: rest.version,
    now: rest.now,
    backend: { state: backend.state, lastContactAt: backend.lastContactAt, hasAddress: backend.url !== null },
    queue: { ...queue, uploads: queue.uploads.length },
    devices: rest.devices.length,
    disagreements: rest.disagreements.length,
    clock,
    storage: {
      ...storage,
      recovered: storage.recovered && { at: storage.recovered.at, captures: storage.recovered.captures },
    },
  }
}
