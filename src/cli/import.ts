import { basename, relative, resolve } from 'node:path'
import { isSafeBackendAddress } from '#contract/backend-address.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import { photoRoleSchema, type PhotoRole } from '#contract/station/camera-settings.ts'
import { captureModeSchema, type CaptureMode, type Session } from '#contract/station/session.ts'
import { codeGroupSchema, type CodeGroup } from '#contract/symbology.ts'
import { isWhole, kindOfFile, listFiles, stemOf, type Station } from '#station/index.ts'
import { parseArguments, printLine, refuse, stopSignal, tell, type Help } from './command.ts'
import { openStation } from './station.ts'

export const help = {
  name: 'import',
  usage: 'FOLDER --data DIR [--role ROLE] [--mode MODE] [--formats GROUP] [--label NAME] [--backend URL --api-key KEY]',
  options: {
    data: { type: 'string', value: 'DIR', about: 'the data folder; it is made where there is none' },
    role: { type: 'string', value: 'ROLE', about: `what the photos show: ${photoRoleSchema.options.join(', ')}` },
    mode: {
      type: 'string',
      default: 'product_photography',
      value: 'MODE',
      about: `of its own session: ${captureModeSchema.options.join(', ')}`,
    },
    formats: {
      type: 'string',
      default: 'all',
      value: 'GROUP',
      about: `what its own session looks for: ${codeGroupSchema.options.join(', ')}`,
    },
    label: { type: 'string', value: 'NAME', about: 'of its own session; the name of the folder unless said' },
    backend: { type: 'string', value: 'URL', about: 'the backend to sync to; https, or http on this machine' },
    'api-key': { type: 'string', value: 'KEY', about: 'its key; else CAPSTAN_API_KEY from the environment' },
  },
  example: 'capstan import ~/photos --data ~/capstan --role front',
} as const satisfies Help

interface Options {
  readonly folder: string
  readonly data: string
  readonly role: PhotoRole | null
  readonly mode: CaptureMode
  readonly formats: CodeGroup
  readonly label: string
  readonly backend: { readonly url: string; readonly credential: () => Promise<string | null> } | null
}

interface Fault {
  readonly code: string
  readonly message: string
}

/** What became of one file: its line on standard output. */
interface Line {
  readonly file: string
  readonly outcome: 'taken' | 'known' | 'refused'
  readonly photo?: string
  readonly captures?: readonly string[]
  readonly codes?: readonly string[]
  readonly error?: Fault
}

/**
 * `capstan import FOLDER`: takes the photos of a folder and its subfolders, in the order of their names, each content
 * once, and leaves the files as they are. They go into the active session, or into one of their own that ends with them.
 *
 * A JSON line a file, then one with the sums; progress goes to standard error. Exit codes: 0 every photo is saved, now
 * or before; 1 some are not, or it was stopped; 2 it could not start; 3 the backend refuses the key (all is kept).
 */
export async function importCommand(args: readonly string[]): Promise<number> {
  const read = readOptions(args)
  if (!read.ok) return refuse(read.error)
  const options = read.value
  const files = await listFiles(options.folder).catch((error: Error) => error)
  if (files instanceof Error) return refuse({ code: 'not_found', message: files.message })

  const stopped = stopSignal()
  let isStopped = false
  void stopped.then(() => (isStopped = true))
  const opened = await openStation(options.data, options.backend)
  if (!opened.ok) return refuse(opened.error)
  const station = opened.value
  const session = await sessionFor(station, options)
  if (!session.ok) {
    await station.close()
    return refuse(session.error)
  }

  const stems = new Set(files.filter(({ path }) => kindOfFile(path) === 'photo').map(({ path }) => stemOf(path)))
  // What lies beside its JPEG is no photo of its own.
  const photos = files.filter(({ path }) => kindOfFile(path) !== 'raw' || !stems.has(stemOf(path)))
  const sums = { taken: 0, known: 0, refused: 0 }
  const progress = createProgress(photos.length)
  // Several are read at once; they are captured, and told, in the order of their names.
  const underWay: Promise<Line>[] = []
  let done = 0
  let isFull = false
  const finishOne = async (): Promise<void> => {
    const line = await underWay.shift()
    if (!line) return
    sums[line.outcome] += 1
    await printLine(line)
    progress.at((done += 1))
    // The disk will not take the next one either.
    isFull ||= line.error?.code === 'storage_full'
  }
  for (const { path } of photos) {
    if (underWay.length >= station.photosAtOnce) await finishOne()
    if (isStopped || isFull) break
    const refused = await faultOf(path)
    const file = relative(options.folder, path)
    // Without a pause, so that the station hears of them in their order.
    underWay.push(
      refused === null
        ? takeOne(station, options, path, Promise.all(underWay))
        : Promise.resolve({ file, outcome: 'refused', error: refused }),
    )
  }
  while (underWay.length > 0) await finishOne()
  progress.end()
  const left = photos.length - sums.taken - sums.known - sums.refused
  if (session.value.isOwn) await station.call('session.end', { id: session.value.id })
  await printLine({ session: session.value.id, ...sums, left })

  let exitCode = sums.refused > 0 || left > 0 ? 1 : 0
  if (options.backend !== null && !isStopped) {
    const end = await Promise.race([station.drained(), stopped])
    if (end === 'unauthorised') {
      tell('The backend refuses the key. Everything is kept: start again with --api-key KEY.')
      exitCode = 3
    }
  }
  await station.close()
  return exitCode
}

/** Why a file is not even looked at; null for one that seems to be a whole photo. */
async function faultOf(path: string): Promise<Fault | null> {
  const kind = kindOfFile(path)
  if (kind === 'raw') {
    return { code: 'raw', message: 'a RAW file without its JPEG: have the camera write RAW and JPEG' }
  }
  if (kind === 'unsupported') return { code: 'unsupported', message: 'photos are taken as JPEG, PNG or WebP' }
  const whole = await isWhole(path).catch((error: Error) => error)
  if (whole instanceof Error) return { code: 'not_found', message: whole.message }
  return whole ? null : { code: 'incomplete', message: 'the file ends too early: copy it again' }
}

async function takeOne(
  station: Station,
  { folder, role }: Options,
  path: string,
  before: Promise<unknown>,
): Promise<Line> {
  const file = relative(folder, path)
  const result = await station.takePhotoFile(path, role, before)
  if (!result.ok) return { file, outcome: 'refused', error: result.error }
  if (result.value.kind === 'known') return { file, outcome: 'known', photo: result.value.hash }
  const { photo, outcomes, codes } = result.value.photo
  return {
    file,
    outcome: 'taken',
    photo,
    captures: outcomes.map(({ capture }) => capture.id),
    codes: codes.map(({ text }) => text),
  }
}

/** The active session, or a new one that ends with the import. */
async function sessionFor(
  station: Station,
  { label, mode, formats }: Options,
): Promise<Result<{ readonly id: string; readonly isOwn: boolean }>> {
  const current = (await station.call('session.current', {})) as Result<Session | null>
  if (!current.ok) return current
  if (current.value) return ok({ id: current.value.id, isOwn: false })
  const opened = (await station.call('session.open', { label, captureMode: mode, formats })) as Result<Session>
  return opened.ok ? ok({ id: opened.value.id, isOwn: true }) : opened
}

function readOptions(args: readonly string[]): Result<Options> {
  const parsed = parseArguments(args, help)
  if (!parsed.ok) return parsed
  const { values, positionals } = parsed.value
  const { data, backend, label } = values
  const [folder] = positionals
  if (folder === undefined || positionals.length > 1 || data === undefined) {
    return fail('invalid_input', `usage: capstan import ${help.usage}`)
  }
  const role = photoRoleSchema.optional().safeParse(values.role)
  if (!role.success) return fail('invalid_input', `--role is one of ${photoRoleSchema.options.join(', ')}`)
  const mode = captureModeSchema.safeParse(values.mode)
  if (!mode.success) return fail('invalid_input', `--mode is one of ${captureModeSchema.options.join(', ')}`)
  const formats = codeGroupSchema.safeParse(values.formats)
  if (!formats.success) return fail('invalid_input', `--formats is one of ${codeGroupSchema.options.join(', ')}`)
  if (backend !== undefined && !isSafeBackendAddress(backend)) {
    return fail('invalid_input', '--backend takes an https address, or one on this machine')
  }
  const apiKey = values['api-key'] ?? process.env['CAPSTAN_API_KEY'] ?? null
  const path = resolve(folder)
  return ok({
    folder: path,
    data,
    role: role.data ?? null,
    mode: mode.data,
    formats: formats.data,
    label: label ?? basename(path).slice(0, 100),
    backend: backend === undefined ? null : { url: backend, credential: () => Promise.resolve(apiKey) },
  })
}

/** Tells now and then how far it is: on a terminal in one line, elsewhere a line every ten seconds. */
function createProgress(total: number): { at(done: number): void; end(): void } {
  const isTerminal = process.stderr.isTTY
  const startedMs = performance.now()
  let toldMs = startedMs
  return {
    at(done) {
      const nowMs = performance.now()
      if (nowMs - toldMs < (isTerminal ? 200 : 10_000)) return
      toldMs = nowMs
      const leftMs = ((nowMs - startedMs) / done) * (total - done)
      const text = `${done} of ${total} photos, about ${Math.ceil(leftMs / 1_000)} s left`
      process.stderr.write(isTerminal ? `\r${text}\u001b[K` : `${text}\n`)
    },
    end() {
      if (isTerminal) process.stderr.write('\r\u001b[K')
    },
  }
}
