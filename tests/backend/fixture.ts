import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, inject } from 'vitest'
import { openDatabase, type Database } from '#backend/db/database.ts'
import {
  createBackend,
  openAdministration,
  type Administration,
  type Backend,
  type BackendOptions,
} from '#backend/index.ts'
import { silentLog } from '#backend/log.ts'
import type { Health } from '#contract/backend/fleet.ts'
import { problemSchema } from '#contract/backend/problem.ts'
import { copyDatabase, dropDatabase } from './postgres.ts'

export const marker = '04006381333931'
export const scanner = '/scanner/api/v1'
export const products = '/products/api/v1/products'

export interface Reply {
  readonly status: number
  readonly headers: Headers
  // Tests say what they expect of a body; a wrong guess fails them.
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any
}

export interface Site extends Backend {
  readonly dataDir: string
  /** The server's clock; moves on by itself unless it was set. */
  readonly clock: { at: Date | undefined }
  readonly call: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Reply>
  readonly openSession: (body?: unknown) => Promise<string>
  readonly submit: (
    session: string,
    rawValue: string,
    more?: object,
    headers?: Record<string, string>,
  ) => Promise<Reply>
  /** Polls a capture until it has reached an end state. */
  readonly settled: (id: string) => Promise<Reply['body']>
}

const cleanUp: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const undo of cleanUp.splice(0).toReversed()) await undo()
})

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'capstan-backend-'))
  cleanUp.push(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Given in the project `postgres` only. */
const postgres = inject('postgres')

/** The engine that this run of the tests is about. */
export const engine: Database['engine'] = postgres === undefined ? 'sqlite' : 'postgres'

const urls = new Map<string, Promise<string>>()

/** The PostgreSQL database that goes with a data folder, made when it is first asked for; undefined on SQLite. */
export async function databaseUrl(dataDir: string): Promise<string | undefined> {
  if (postgres === undefined || 'missing' in postgres) return undefined
  const { template } = postgres
  const known = urls.get(dataDir)
  if (known !== undefined) return known
  const made = copyDatabase(template)
  urls.set(dataDir, made)
  cleanUp.push(async () => {
    urls.delete(dataDir)
    await dropDatabase(await made)
  })
  return made
}

/** Opens the database of a data folder, beside its backend or without one; it is closed after the test. */
export async function databaseOf(dataDir: string): Promise<Database> {
  const database = await openDatabase((await databaseUrl(dataDir)) ?? join(dataDir, 'backend.sqlite'), silentLog)
  cleanUp.push(() => database.close())
  return database
}

/** Starts a backend on a real database and a free port; it is closed after the test. */
export async function startSite(options: Partial<BackendOptions> = {}): Promise<Site> {
  const dataDir = options.dataDir ?? (await temporaryFolder())
  const url = await databaseUrl(dataDir)
  const clock: Site['clock'] = { at: undefined }
  const backend = await createBackend({
    port: 0,
    now: () => clock.at ?? new Date(),
    ...(url === undefined ? {} : { databaseUrl: url }),
    ...options,
    dataDir,
  })
  cleanUp.push(() => backend.close())
  return { ...backend, dataDir, clock, ...client(backend.url, backend.apiKey) }
}

/** What `capstan backend keys` and the like do to a site's database, by the site's clock; whoever asks for it closes it. */
export async function administrationOf(site: Pick<Site, 'dataDir' | 'clock'>): Promise<Administration> {
  const url = await databaseUrl(site.dataDir)
  return await openAdministration({
    dataDir: site.dataDir,
    ...(url === undefined ? {} : { databaseUrl: url }),
    now: () => site.clock.at ?? new Date(),
  })
}

/** What a station tells its site when nothing is the matter. */
export const soundHealth: Health = {
  version: '1.0.0',
  host: 'cli',
  name: 'Dock 1',
  queue: { waiting: 0, parked: 0, undecided: 0, oldestMs: null },
  lastScanAt: null,
  devices: { ready: 0, failing: [] },
  disk: { state: 'ok', freeBytes: null },
  clockErrorMs: null,
  alarms: [],
  layers: { site: null, group: null, refused: null },
  update: null,
}

/** The calls that tests make, over real HTTP. */
export function client(url: string, apiKey: string): Pick<Site, 'call' | 'openSession' | 'submit' | 'settled'> {
  const call: Site['call'] = async (method, path, body, headers = {}) => {
    const isRaw = typeof body === 'string' || body instanceof FormData || body instanceof Uint8Array
    const response = await fetch(url + path, {
      method,
      headers: { 'X-API-Key': apiKey, ...headers },
      ...(body === undefined ? {} : { body: (isRaw ? body : JSON.stringify(body)) as BodyInit }),
    })
    return readReply(response)
  }
  const openSession: Site['openSession'] = async (body = {}) => {
    const reply = await call('POST', `${scanner}/sessions`, body)
    if (reply.status !== 201) throw new Error(`No session: ${JSON.stringify(reply.body)}`)
    return reply.body.id as string
  }
  return {
    call,
    openSession,
    submit: (session, rawValue, more = {}, headers = {}) =>
      call(
        'POST',
        `${scanner}/captures`,
        { session_short_id: session, capture_type: 'BARCODE', raw_value: rawValue, ...more },
        headers,
      ),
    async settled(id) {
      for (;;) {
        const { body } = await call('GET', `${scanner}/captures/${id}`)
        if (['COMPLETED', 'NOT_FOUND', 'FAILED'].includes(body.status)) return body
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
  }
}

/** Reads an answer; every problem must serve both documented shapes. */
export async function readReply(response: Response): Promise<Reply> {
  const text = await response.text()
  const body = text === '' ? undefined : JSON.parse(text)
  if (response.status >= 400) {
    const problem = problemSchema.strict().parse(body)
    if (response.headers.get('content-type') !== 'application/problem+json') throw new Error('No problem+json')
    if (problem.status !== response.status || problem.error.status !== response.status) throw new Error('Wrong status')
  }
  return { status: response.status, headers: response.headers, body }
}

/** A file that begins as a JPEG does; the pipeline does not look further. */
export function jpeg(bytes = 1_000): Uint8Array<ArrayBuffer> {
  const content = new Uint8Array(bytes).fill(7)
  content.set([0xff, 0xd8, 0xff, 0xe0])
  return content
}

export function photoForm(
  fields: Record<string, string>,
  content: Uint8Array<ArrayBuffer> = jpeg(),
  name = 'photo.jpg',
) {
  const form = new FormData()
  for (const [field, value] of Object.entries(fields)) form.set(field, value)
  form.set('image', new Blob([content], { type: 'image/jpeg' }), name)
  return form
}
