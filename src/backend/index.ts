import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createAdaptorServer } from '@hono/node-server'
import { createAdmin } from './admin/admin.ts'
import { importProducts } from './catalogue/import-products.ts'
import { codeStep } from './codes/code-step.ts'
import type { SpawnChild } from './child.ts'
import { createPhotoCodes, forkCodes } from './codes/codes.ts'
import { lockFolder } from './db/folder-lock.ts'
import { openDatabase, type Database, type Db } from './db/database.ts'
import { accountRoutes } from './http/account-routes.ts'
import { createApp, type ServedRequest } from './http/app.ts'
import { createIdentify } from './http/credentials.ts'
import { captureRoutes } from './http/capture-routes.ts'
import { createGateApp, isGatePath } from './gate/app.ts'
import { createScans } from './gate/scans.ts'
import { createUpstream, startForwarder, type UpstreamSettings } from './gate/upstream.ts'
import { importPasses } from './gate/import-passes.ts'
import { prepareTenant, setRules } from './gate/tenants.ts'
import { discoveryRoutes } from './http/openapi.ts'
import { eventRoutes } from './http/event-routes.ts'
import { fleetRoutes } from './http/fleet-routes.ts'
import { openSite } from './fleet.ts'
import { operationRoutes } from './http/operation-routes.ts'
import { createKeyUse } from './http/key-use.ts'
import { photoRoutes } from './http/photo-routes.ts'
import { productRoutes } from './http/product-routes.ts'
import { proposalRoutes } from './http/proposal-routes.ts'
import { createRateLimiter } from './http/rate-limit.ts'
import { sessionRoutes } from './http/session-routes.ts'
import { createUploadTokens, sharedSecret } from './http/upload-token.ts'
import { webhookRoutes } from './http/webhook-routes.ts'
import { newId } from './ids.ts'
import { makeKey, secretHash } from './keys.ts'
import { openJobs } from './jobs/jobs.ts'
import { silentLog, type Log } from './log.ts'
import { openMedia, type Media } from './media/media.ts'
import type { BucketSettings } from './media/s3.ts'
import { createMetrics } from './metrics.ts'
import { openNotices } from './notices.ts'
import { isPublicAddress, isSiteAddress } from './outbound/addresses.ts'
import { createOutbound, type PermitAddress, type ResolveHost } from './outbound/guarded-request.ts'
import { closientHosts } from './outbound/link-analysis.ts'
import { linkWork } from './outbound/link-work.ts'
import { hashPassword } from './passwords.ts'
import { startPipeline } from './pipeline/pipeline.ts'
import { extractionWork } from './proposals/extraction.ts'
import { startReaper } from './reaper.ts'
import type { PhotoReader } from './embedded.ts'
import { createOfflineVision } from './vision/offline.ts'
import { forkReader } from './vision/ocr/reader-process.ts'
import { createRemoteVision, type RemoteVisionSettings } from './vision/remote.ts'
import type { Vision } from './vision/vision.ts'
import { createAnnounce } from './webhooks/announce.ts'
import { deliveryWork, retryAfterMs } from './webhooks/delivery.ts'

export { backUp, restore, type BackupSummary } from './backup.ts'
export { upstreamSchema, type UpstreamSettings } from './gate/upstream.ts'
export type { BucketSettings } from './media/s3.ts'
export { openAdministration, type Administration, type KeyWish } from './administration.ts'
export { createOfflineVision } from './vision/offline.ts'
export { remoteVisionSchema, type RemoteVisionSettings } from './vision/remote.ts'
export type { ExtractedField, Extraction, Nutrient, NutritionCells, Vision, VisionPhoto } from './vision/vision.ts'
export type { FromEmbedded, ToEmbedded } from './embedded.ts'
export { forkEmbedded, createEmbedded, type EmbeddedBackend, type EmbeddedProcess } from './embedded.ts'
export { createFaultProxy, faults, type Fault, type FaultProxy, type FaultRates } from './faults/fault-proxy.ts'

/** How the processes that read photos are started: `codes` for codes, `labels` for what is printed. */
export type PhotoReaders = Readonly<Partial<Record<PhotoReader, SpawnChild>>>

/** How a backend is run; all but the folder and the port has a default. */
export interface BackendOptions {
  /** Made when it does not exist; holds `backend.sqlite`, `media/` and the key file. */
  readonly dataDir: string
  /**
   * `postgres://...` for PostgreSQL 15 or newer instead of the file `backend.sqlite`. Several processes may then share
   * the database and the folder; with the file it is one process at a time.
   */
  readonly databaseUrl?: string
  /** Where photos lie instead of `media/`, which then holds only what is on its way. */
  readonly bucket?: BucketSettings
  /** 0 for any free one. */
  readonly port: number
  /** 127.0.0.1 unless given. */
  readonly host?: string
  /** Any text. When none is given, one is made and kept for this folder. */
  readonly apiKey?: string
  /** A CSV of products, imported before the server answers. */
  readonly productsCsv?: string
  /** A person who may sign in; the password is set anew when the e-mail address is known. */
  readonly user?: { readonly email: string; readonly password: string }
  readonly log?: Log
  /** Whether each request is told to the log, as `info`; false unless given. */
  readonly logsRequests?: boolean
  readonly now?: () => Date
  /** How long a session may idle; 30 minutes unless given. */
  readonly sessionTtlSeconds?: number
  /** Requests a minute of each credential; 0, the default, is no limit. */
  readonly rateLimitPerMinute?: number
  /**
   * A tenant of The Wallet Crew whose passes this backend serves; its key has every scope. Stations reach its gates with the
   * backend's own key. `passes` is a CSV or JSON, imported before the server answers.
   */
  readonly tenant?: {
    readonly id: string
    readonly key?: string
    readonly passes?: string
    /** A JSON file: rules by the gate's name, `*` for every other. */
    readonly rules?: string
    /** The tenant's own service, where that is elsewhere: what stations read goes on to it. */
    readonly upstream?: UpstreamSettings
  }
  /** The first wait before a record is sent on again; a second unless given. */
  readonly relayRetryMs?: number
  /** Photos are deleted after so many days; 0, the default, keeps them. */
  readonly keepPhotosDays?: number
  /** Whether NOT_FOUND captures may be retried; true unless given. */
  readonly retryNotFound?: boolean
  /**
   * Whether photos are read, in processes of their own that start with the first photo: codes into GTINs, and what is
   * printed into proposals. False unless given. True forks this program; a host that cannot be forked says how each
   * process is started, and what it leaves out is not read.
   */
  readonly readsPhotos?: boolean | PhotoReaders
  /** A remote model that reads what is printed on photos; where it does not, the offline reader does. */
  readonly remoteVision?: RemoteVisionSettings
  /** Reads what is printed on photos instead of the offline reader. The caller closes it. */
  readonly vision?: Vision
  /** Whether scanned addresses are followed to where they lead, which asks servers outside; false unless given. */
  readonly followsLinks?: boolean
  /** Hosts of Closient's resolver; the documented ones unless given. */
  readonly closientHosts?: readonly string[]
  /** Whether webhooks may go to private addresses of the site; false unless given. */
  readonly sendsToSite?: boolean
  /** What is waited after each failed delivery of a webhook; contracts' minutes to a day unless given. */
  readonly webhookRetriesMs?: readonly number[]
  /** How names are resolved and which addresses may be asked; the system's, and public ones, unless given. */
  readonly outbound?: { readonly resolve?: ResolveHost; readonly permits?: PermitAddress }
  /** Where clients reach the backend, when not where they ask, e.g. `https://scan.example.org`. */
  readonly publicUrl?: string
}

/** A backend that answers. */
export interface Backend {
  /** Without a slash at its end. */
  readonly url: string
  readonly apiKey: string
  /** Lets running requests finish, stops the pipeline after its step, closes the database. */
  readonly close: () => Promise<void>
}

const closeGraceMs = 3_000
const keepAliveMs = 65_000

/**
 * Starts the reference backend in this process.
 *
 * Rejects with Node's own error when the port is taken or the folder cannot be written, and with a plain one when
 * the product file cannot be read; nothing is left running then.
 */
export async function createBackend(options: BackendOptions): Promise<Backend> {
  const { log = silentLog, now = () => new Date(), host = '127.0.0.1' } = options
  await mkdir(options.dataDir, { recursive: true })
  let isStopping = false
  const closers: (() => Promise<void>)[] = []
  const closeAll = async (): Promise<void> => {
    for (const undo of closers.splice(0).toReversed()) await undo()
  }
  try {
    const apiKey = options.apiKey ?? (await keptKey(options.dataDir))
    if (options.databaseUrl === undefined) {
      const unlock = lockFolder(options.dataDir)
      closers.push(async () => unlock())
    }
    const mediaFolder = join(options.dataDir, 'media')
    const media = await openPlace(mediaFolder, options.bucket, log, now)
    closers.push(media.close)
    const database = await openDatabase(options.databaseUrl ?? join(options.dataDir, 'backend.sqlite'), log)
    closers.push(database.close)
    const { db } = database
    const organizationId = await prepareOwner(database, apiKey, now())
    if (options.user !== undefined) await prepareUser(db, organizationId, options.user, now())
    if (options.productsCsv !== undefined) await importProducts(db, options.productsCsv, log, now())

    if (options.tenant !== undefined) {
      const { id, key, passes, rules } = options.tenant
      await prepareTenant(database, { id, key, organizationId }, now())
      if (rules !== undefined) await setRules(database, id, rules)
      if (passes !== undefined) await importPasses(database, id, passes, log, now)
    }

    const life = { ttlSeconds: options.sessionTtlSeconds ?? 1_800 }
    const { keepPhotosDays = 0 } = options
    const limiter = createRateLimiter(database, options.rateLimitPerMinute ?? 0)
    const keyUse = createKeyUse()
    const identify = createIdentify(db)
    const notices = await openNotices(database, log)
    closers.push(notices.close)
    const jobs = await openJobs({ database, log, now })
    closers.push(jobs.close)
    const announce = createAnnounce(jobs.add, now)
    const readers = readersOf(options.readsPhotos)
    const codes = readers.codes && createPhotoCodes(log, readers.codes)
    if (codes !== undefined) closers.push(codes.close)
    const metrics = createMetrics(jobs)
    startPipeline({
      database,
      jobs,
      notices,
      count: metrics.ended,
      log,
      now,
      announce,
      slowSteps: codes === undefined ? {} : { ENRICHING: codeStep({ codes, media, now }) },
    })
    const ownVision =
      options.vision === undefined && readers.labels !== undefined
        ? createOfflineVision({ log, spawn: readers.labels })
        : undefined
    if (ownVision !== undefined) closers.push(async () => ownVision.close())
    const readLabels =
      ownVision !== undefined && options.remoteVision !== undefined
        ? createRemoteVision(options.remoteVision, ownVision, { log, now })
        : ownVision
    const { vision = readLabels, outbound = {}, followsLinks: followLinks = false } = options
    const { resolve, permits = isPublicAddress } = outbound
    const guard = resolve === undefined ? {} : { resolve }
    const hosts = options.closientHosts ?? closientHosts
    const permitsTarget: PermitAddress = (address, port) =>
      permits(address, port) || (options.sendsToSite === true && isSiteAddress(address))
    const ended = (): void => jobs.wake('captures')
    jobs.workSingly('fields', extractionWork({ database, media, vision, log, now, ended }))
    jobs.workSingly(
      'link',
      linkWork({ database, notices, now, closientHosts: hosts, send: createOutbound({ ...guard, permits }) }),
    )
    jobs.workSingly(
      'webhook',
      deliveryWork({
        database,
        now,
        send: createOutbound({ ...guard, permits: permitsTarget }),
        retries: options.webhookRetriesMs ?? retryAfterMs,
      }),
    )
    closers.push(startReaper({ database, log, now, life, limiter, keyUse, announce, media, keepPhotosDays }).close)
    const addJobs = jobs.add
    const events = eventRoutes(notices)
    const described = [
      ...sessionRoutes({ ...life, addJobs, announce }),
      ...captureRoutes({ ...life, addJobs, followLinks, retryNotFound: options.retryNotFound ?? true }),
      ...photoRoutes({ ...life, tokens: createUploadTokens(await sharedSecret(db, 'uploads')) }),
      ...proposalRoutes({ ...life, addJobs }),
      ...productRoutes(),
      ...webhookRoutes({ addJobs, permits: permitsTarget }),
      ...events.routes,
      ...accountRoutes(),
      ...fleetRoutes({ write: database.write, site: await openSite(db) }),
    ]
    const reachedAt = options.publicUrl === undefined ? {} : { publicUrl: options.publicUrl }
    const observe = (request: ServedRequest): void => {
      metrics.request(request.method, request.route, request.status, request.ms)
      if (options.logsRequests === true) log.info({ ...request, ms: Math.round(request.ms) }, 'request')
    }
    const app = createApp({
      database,
      media,
      log,
      now,
      identify,
      limiter,
      keyUse,
      ...reachedAt,
      routes: [
        ...described,
        ...discoveryRoutes(described),
        ...operationRoutes({
          metrics,
          mediaFolder,
          isStopping: () => isStopping,
          reads: { codes: codes !== undefined, labels: vision !== undefined },
        }),
      ],
      observe,
      admin: createAdmin({ database, jobs, identify, limiter, now, ...reachedAt }),
      wakePipeline() {
        // Another request's commit may have rung for this one's capture, before it was there.
        jobs.wake('captures')
        jobs.wakeAdded()
      },
    })
    const forwarder =
      options.tenant?.upstream === undefined
        ? null
        : startForwarder({
            database,
            tenantId: options.tenant.id,
            upstream: createUpstream(options.tenant.upstream, { tenantId: options.tenant.id, now }),
            log,
            now,
            ...(options.relayRetryMs === undefined ? {} : { baseMs: options.relayRetryMs }),
          })
    if (forwarder !== null) closers.push(forwarder.close)
    const scans = createScans({ addJobs, wakeJobs: () => jobs.wakeAdded(), forwarder, now })
    const gates = createGateApp({ database, log, now, scans, observe })
    const serve: typeof app.fetch = (request, ...rest) =>
      (isGatePath(new URL(request.url).pathname) ? gates : app).fetch(request, ...rest)
    const server = createAdaptorServer({ fetch: serve, overrideGlobalObjects: false }) as Server
    // Longer than balancers keep theirs: a connection is not closed while a request is on its way.
    server.keepAliveTimeout = keepAliveMs
    await listen(server, options.port, host)
    closers.push(() => closeServer(server), events.close)
    const { port } = server.address() as AddressInfo
    const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
    log.info({ url, engine: database.engine }, 'backend listening')

    let closing: Promise<void> | undefined
    const close = async (): Promise<void> => {
      isStopping = true
      await closeAll()
      log.info({}, 'backend closed')
    }
    return { url, apiKey, close: () => (closing ??= close()) }
  } catch (error) {
    await closeAll()
    throw error
  }
}

function readersOf(given: BackendOptions['readsPhotos'] = false): PhotoReaders {
  if (given === false) return {}
  return given === true ? { codes: forkCodes, labels: forkReader } : given
}

/** The photos on disk or in a bucket. */
async function openPlace(
  folder: string,
  bucket: BucketSettings | undefined,
  log: Log,
  now: () => Date,
): Promise<Media & { readonly close: () => Promise<void> }> {
  if (bucket === undefined) return { ...(await openMedia(folder, now())), close: async () => undefined }
  // Loaded when needed only: it is large.
  const { openBucket } = await import('./media/s3.ts')
  return openBucket(folder, bucket, log, now)
}

/** The key made for this folder. Only its hash is in the database, so the key itself is kept in a file beside it. */
async function keptKey(dataDir: string): Promise<string> {
  const path = join(dataDir, 'backend.key')
  const kept = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  if (kept.trim() !== '') return kept.trim()
  const key = makeKey()
  // Written aside and linked: a crash leaves a whole key or none, and of two processes one key stands.
  const draft = `${path}.${randomUUID()}`
  const file = await open(draft, 'wx', 0o600)
  try {
    await file.writeFile(`${key}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  try {
    await link(draft, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return (await readFile(path, 'utf8')).trim()
  } finally {
    await rm(draft)
  }
  return key
}

const ownKeyName = 'host'

/** Makes sure of the site's organisation and of the host's key in it; a key that was configured before ends. */
async function prepareOwner({ writeAlone }: Database, apiKey: string, at: Date): Promise<string> {
  return writeAlone('owner', async (transaction) => {
    const created_at = at.toISOString()
    let organization = await transaction.selectFrom('organizations').select('id').orderBy('id').executeTakeFirst()
    if (!organization) {
      organization = { id: newId() }
      await transaction
        .insertInto('organizations')
        .values({ ...organization, name: 'Site', created_at })
        .execute()
    }
    const own = await transaction
      .selectFrom('api_keys')
      .select('id')
      .where('name', '=', ownKeyName)
      .where('organization_id', '=', organization.id)
      .executeTakeFirst()
    const hash = secretHash(apiKey)
    if (own) {
      await transaction.updateTable('api_keys').set({ hash }).where('id', '=', own.id).execute()
    } else {
      await transaction
        .insertInto('api_keys')
        .values({
          id: newId(),
          organization_id: organization.id,
          name: ownKeyName,
          hash,
          role: 'manager',
          rate_limit_per_minute: 0,
          is_active: 1,
          expires_at: null,
          last_used_at: null,
          created_at,
        })
        .execute()
    }
    return organization.id
  })
}

async function prepareUser(
  db: Db,
  organizationId: string,
  user: { readonly email: string; readonly password: string },
  at: Date,
): Promise<void> {
  const password_hash = await hashPassword(user.password)
  await db
    .insertInto('users')
    .values({
      id: newId(),
      organization_id: organizationId,
      email: user.email.toLowerCase(),
      password_hash,
      role: 'manager',
      created_at: at.toISOString(),
    })
    .onConflict((conflict) => conflict.column('email').doUpdateSet({ password_hash }))
    .execute()
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => server.closeAllConnections(), closeGraceMs)
    server.close(() => {
      clearTimeout(force)
      resolve()
    })
    server.closeIdleConnections()
  })
}
