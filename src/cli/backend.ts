import { readFileSync } from 'node:fs'
import {
  createBackend,
  remoteVisionSchema,
  type Backend,
  type BackendOptions,
  type BucketSettings,
  type RemoteVisionSettings,
  upstreamSchema,
  type UpstreamSettings,
} from '#backend/index.ts'
import { isSafeBackendAddress } from '#contract/backend-address.ts'
import { fail, ok, type AppError, type Result } from '#contract/result.ts'
import { backup, backupHelp, restoreBackup, restoreHelp } from './backend-backup.ts'
import { enrol, enrolHelp, layers, layersHelp, stations, stationsHelp } from './backend-fleet.ts'
import { keys, keysHelp, organizations, organizationsHelp } from './backend-keys.ts'
import { createLog, parseOptions, parsePort, printLine, refuse, stopSignal, type Help } from './command.ts'

export const help = {
  name: 'backend',
  usage: '--data DIR --port N [--api-key KEY] [--products FILE.csv] [OPTIONS]',
  options: {
    data: { type: 'string', value: 'DIR', about: 'the folder of its database and media' },
    'database-url': {
      type: 'string',
      value: 'URL',
      about: 'postgres://... instead of a file in the folder; else CAPSTAN_DATABASE_URL from the environment',
    },
    port: { type: 'string', value: 'N', about: 'where it listens; 0 is any free one' },
    host: { type: 'string', value: 'NAME', about: 'the address it listens at; this machine only unless said' },
    'api-key': {
      type: 'string',
      value: 'KEY',
      about: 'the key that stations send; else CAPSTAN_API_KEY; made and printed unless said',
    },
    products: {
      type: 'string',
      value: 'FILE.csv',
      about: 'products to import; the header has gtin,product_name,brand',
    },
    tenant: { type: 'string', value: 'ID', about: 'a tenant of The Wallet Crew, whose passes gates let in' },
    'tenant-key': { type: 'string', value: 'KEY', about: "the tenant's key, with every scope" },
    passes: {
      type: 'string',
      value: 'FILE.csv',
      about: 'passes to import; the header has passId,value and may have format,passType,validFrom,validUntil,entries',
    },
    'gate-rules': {
      type: 'string',
      value: 'FILE.json',
      about: 'whom gates let in: rules by the name of the gate, "*" for every other',
    },
    upstream: {
      type: 'string',
      value: 'URL',
      about:
        "the tenant's own service, such as https://app.neostore.cloud: reads go on to it, and wait while it is away",
    },
    'upstream-key': {
      type: 'string',
      value: 'KEY',
      about: 'its API key, or {"tokenUrl","clientId","clientSecret"}; else CAPSTAN_UPSTREAM_KEY',
    },
    user: { type: 'string', value: 'EMAIL:PASSWORD', about: 'an account that may sign in' },
    'session-ttl': { type: 'string', value: 'SECONDS', about: 'how long a session may be idle before it is ended' },
    'public-url': { type: 'string', value: 'URL', about: 'where clients reach it, when a proxy stands before it' },
    'no-links': { type: 'boolean', about: 'scanned addresses are not followed: for sites without the internet' },
    'site-webhooks': { type: 'boolean', about: 'webhooks may go to private addresses of the site' },
    vision: {
      type: 'string',
      value: 'FILE.json',
      about: 'a remote model that reads photos; its key is in CAPSTAN_VISION_KEY',
    },
    'keep-photos': {
      type: 'string',
      value: 'DAYS',
      about: 'deletes photos after so many days; kept for ever unless said',
    },
    media: {
      type: 'string',
      value: 's3://BUCKET/PREFIX',
      about: 'a bucket for photos, instead of the folder; AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are its key',
    },
    'media-endpoint': {
      type: 'string',
      value: 'URL',
      about: 'of a server other than Amazon S3; else AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL',
    },
    'media-region': { type: 'string', value: 'NAME', about: 'else AWS_REGION or AWS_DEFAULT_REGION, or us-east-1' },
    'media-path-style': { type: 'boolean', about: 'the bucket is in the path, not in the host name' },
    'rate-limit': {
      type: 'string',
      value: 'N',
      about: 'requests a minute for each key, and 33 times as many a day; 0 is none',
    },
  },
  example: 'capstan backend --data ~/backend --port 4800 --products products.csv',
} as const satisfies Help

/** What `capstan backend` can do beside running. */
export const parts = {
  keys: { about: "makes, lists, ends and renews a backend's API keys", help: keysHelp },
  organizations: { about: 'makes and lists the organisations of a backend', help: organizationsHelp },
  enrol: { about: 'makes a code by which one station enrols, once', help: enrolHelp },
  stations: {
    about: 'lists the enrolled stations and how they are, revokes one, or asks one for a support bundle',
    help: stationsHelp,
  },
  settings: { about: 'sets what holds at all stations or at a group of them', help: layersHelp },
  backup: { about: 'writes all of a backend into one file, while it runs', help: backupHelp },
  restore: { about: 'puts a backup into an empty folder', help: restoreHelp },
} as const

/**
 * `capstan backend`: runs the reference backend until SIGTERM or SIGINT.
 *
 * Prints one line on standard output once it answers: `{"listening":"http://127.0.0.1:N","apiKey":"..."}`. Answers the
 * exit code: 0 after a clean stop; 2 when it cannot start, after one JSON line on standard error that says why.
 */
export async function backend(args: readonly string[]): Promise<number> {
  const [what, ...rest] = args
  if (what === 'keys') return keys(rest)
  if (what === 'organizations') return organizations(rest)
  if (what === 'enrol') return enrol(rest)
  if (what === 'stations') return stations(rest)
  if (what === 'settings') return layers(rest)
  if (what === 'backup') return backup(rest)
  if (what === 'restore') return restoreBackup(rest)
  const options = readOptions(args)
  if (!options.ok) return refuse(options.error)
  const stopped = stopSignal()
  let running: Backend
  try {
    running = await createBackend({ ...options.value, log: createLog(), logsRequests: true })
  } catch (error) {
    return refuse(startFault(error))
  }
  await printLine({ listening: running.url, apiKey: running.apiKey })
  await stopped
  await running.close()
  return 0
}

function readOptions(args: readonly string[]): Result<BackendOptions> {
  const parsed = parseOptions(args, help)
  if (!parsed.ok) return parsed
  const { data, host, products, user } = parsed.value
  // From the environment too, where no list of processes shows them.
  const apiKey = parsed.value['api-key'] ?? process.env['CAPSTAN_API_KEY']
  const databaseUrl = parsed.value['database-url'] ?? process.env['CAPSTAN_DATABASE_URL']
  if (data === undefined || data === '') return fail('invalid_input', '--data DIR is missing')
  if (parsed.value.port === undefined) return fail('invalid_input', '--port N is missing; 0 is any free one')
  const port = parsePort(parsed.value.port, 0)
  if (!port.ok) return port
  const publicUrl = parsed.value['public-url']
  if (publicUrl !== undefined && !/^https?:\/\/[^\s/]+\/?$/.test(publicUrl)) {
    return fail('invalid_input', `--public-url takes an address such as https://scan.example.org, not "${publicUrl}"`)
  }
  if (apiKey === '') return fail('invalid_input', '--api-key is empty')
  if (databaseUrl !== undefined && !/^postgres(?:ql)?:\/\//.test(databaseUrl)) {
    return fail('invalid_input', '--database-url takes postgres://USER:PASSWORD@HOST:PORT/DATABASE')
  }
  const account = user === undefined ? undefined : /^(?<email>[^:]+):(?<password>.+)$/s.exec(user)?.groups
  if (user !== undefined && account === undefined) return fail('invalid_input', '--user takes EMAIL:PASSWORD')
  const ttl = wholeNumber('--session-ttl', parsed.value['session-ttl'], 1, 31_536_000)
  if (!ttl.ok) return ttl
  const remoteVision = readVision(parsed.value.vision, process.env['CAPSTAN_VISION_KEY'])
  if (!remoteVision.ok) return remoteVision
  const keepPhotos = wholeNumber('--keep-photos', parsed.value['keep-photos'], 1, 36_500)
  if (!keepPhotos.ok) return keepPhotos
  const bucket = readBucket(parsed.value, process.env)
  if (!bucket.ok) return bucket
  const rateLimit = wholeNumber('--rate-limit', parsed.value['rate-limit'], 0, 1_000_000)
  if (!rateLimit.ok) return rateLimit
  const { tenant, passes, 'tenant-key': tenantKey, 'gate-rules': rules } = parsed.value
  if (tenant === undefined && (tenantKey ?? passes ?? rules) !== undefined) {
    return fail('invalid_input', '--tenant-key, --passes and --gate-rules need --tenant ID')
  }
  if (tenant !== undefined && !/^[A-Za-z0-9._-]{1,100}$/.test(tenant)) {
    return fail('invalid_input', '--tenant takes letters, digits, dots, dashes and underscores')
  }
  if (tenantKey !== undefined && !/^[\x21-\x7e]{8,4096}$/.test(tenantKey)) {
    return fail('invalid_input', '--tenant-key takes eight printable characters or more')
  }
  const upstream = readUpstream(
    parsed.value.upstream,
    parsed.value['upstream-key'] ?? process.env['CAPSTAN_UPSTREAM_KEY'],
  )
  if (!upstream.ok) return upstream
  if (upstream.value !== undefined && tenant === undefined) return fail('invalid_input', '--upstream needs --tenant ID')
  return ok({
    dataDir: data,
    port: port.value,
    ...(databaseUrl === undefined ? {} : { databaseUrl }),
    ...(host === undefined ? {} : { host }),
    readsPhotos: true,
    ...(remoteVision.value === undefined ? {} : { remoteVision: remoteVision.value }),
    followsLinks: parsed.value['no-links'] !== true,
    sendsToSite: parsed.value['site-webhooks'] === true,
    ...(publicUrl === undefined ? {} : { publicUrl: publicUrl.replace(/\/$/, '') }),
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(products === undefined ? {} : { productsCsv: products }),
    ...(tenant === undefined
      ? {}
      : {
          tenant: {
            id: tenant,
            ...(tenantKey === undefined ? {} : { key: tenantKey }),
            ...(passes === undefined ? {} : { passes }),
            ...(rules === undefined ? {} : { rules }),
            ...(upstream.value === undefined ? {} : { upstream: upstream.value }),
          },
        }),
    ...(account === undefined ? {} : { user: { email: account['email'] ?? '', password: account['password'] ?? '' } }),
    ...(bucket.value === undefined ? {} : { bucket: bucket.value }),
    ...(keepPhotos.value === undefined ? {} : { keepPhotosDays: keepPhotos.value }),
    ...(ttl.value === undefined ? {} : { sessionTtlSeconds: ttl.value }),
    ...(rateLimit.value === undefined ? {} : { rateLimitPerMinute: rateLimit.value }),
  })
}

/** The tenant's own service; what is said to be an OAuth client must be one. */
function readUpstream(url: string | undefined, secret: string | undefined): Result<UpstreamSettings | undefined> {
  if (url === undefined) return ok(undefined)
  if (!isSafeBackendAddress(url)) {
    return fail('invalid_input', '--upstream takes an https address, or one on this machine')
  }
  if (secret === undefined || secret === '') return fail('invalid_input', '--upstream needs --upstream-key KEY')
  const settings = upstreamSchema.safeParse({ url, secret })
  return settings.success
    ? ok(settings.data)
    : fail('invalid_input', '--upstream-key takes a key, or {"tokenUrl","clientId","clientSecret"} of an OAuth client')
}

/** The settings of a remote model out of their file; the key comes from the environment, which no list of processes shows. */
function readVision(file: string | undefined, apiKey: string | undefined): Result<RemoteVisionSettings | undefined> {
  if (file === undefined) return ok(undefined)
  let json: unknown
  try {
    json = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    return fail(
      'invalid_input',
      `--vision ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  const settings = remoteVisionSchema.safeParse(
    apiKey === undefined || json === null || typeof json !== 'object' ? json : { ...json, apiKey },
  )
  if (settings.success) return ok(settings.data)
  const issues = settings.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  return fail('invalid_input', `--vision ${file}: ${issues.join('; ')}`)
}

/** Where photos lie, when not on disk. Keys come from the environment only, which no list of processes shows. */
function readBucket(
  values: {
    readonly media?: string
    readonly 'media-endpoint'?: string
    readonly 'media-region'?: string
    readonly 'media-path-style'?: boolean
  },
  environment: NodeJS.ProcessEnv,
): Result<BucketSettings | undefined> {
  const { media } = values
  if (media === undefined) {
    const needless = (['media-endpoint', 'media-region', 'media-path-style'] as const).find((name) => values[name])
    return needless === undefined
      ? ok(undefined)
      : fail('invalid_input', `--${needless} needs --media s3://BUCKET/PREFIX`)
  }
  const place = /^s3:\/\/(?<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(?<prefix>[\w!.*'()/-]*))?$/.exec(
    media,
  )?.groups
  if (place === undefined) return fail('invalid_input', `--media takes s3://BUCKET/PREFIX, not "${media}"`)
  const prefix = (place['prefix'] ?? '').replaceAll(/^\/+|\/+$/g, '')
  // An empty variable is one that is not set.
  const variable = (name: string): string | undefined => environment[name] || undefined
  const endpoint = values['media-endpoint'] ?? variable('AWS_ENDPOINT_URL_S3') ?? variable('AWS_ENDPOINT_URL')
  if (endpoint !== undefined && !/^https?:\/\/[^\s/@]+\/?$/.test(endpoint)) {
    return fail('invalid_input', 'the endpoint of the bucket must be an address such as https://s3.example.org')
  }
  const accessKeyId = variable('AWS_ACCESS_KEY_ID')
  const secretAccessKey = variable('AWS_SECRET_ACCESS_KEY')
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    return fail('invalid_input', '--media needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment')
  }
  const sessionToken = variable('AWS_SESSION_TOKEN')
  return ok({
    bucket: place['bucket'] ?? '',
    prefix: prefix === '' ? '' : `${prefix}/`,
    region: values['media-region'] ?? variable('AWS_REGION') ?? variable('AWS_DEFAULT_REGION') ?? 'us-east-1',
    ...(endpoint === undefined ? {} : { endpoint }),
    usesPathStyle: values['media-path-style'] === true,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
  })
}

function wholeNumber(name: string, text: string | undefined, least: number, most: number): Result<number | undefined> {
  if (text === undefined) return ok(undefined)
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= least && value <= most) return ok(value)
  return fail('invalid_input', `${name} takes a whole number from ${least} to ${most}, not "${text}"`)
}

/** What to tell the person who started it. */
function startFault(error: unknown): AppError {
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'EADDRINUSE') return { code: 'conflict', message: `the port is taken: ${message}` }
  if (code === 'ENOENT') return { code: 'not_found', message }
  if (code === 'ENOSPC' || code === 'EROFS') return { code: 'storage_full', message }
  return { code: 'invalid_input', message }
}
