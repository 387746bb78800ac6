import { watch, type FSWatcher } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import type { Clock, Log } from '#contract/ports.ts'
import type { ErrorCode, Result } from '#contract/result.ts'
import type { WatchedFolder } from '#contract/station/camera-settings.ts'
import type { FileProblem, FolderStatus } from '#contract/station/folder.ts'
import type { DeviceReport } from './driver.ts'
import { isWhole, kindOfFile, stemOf } from './photo-files.ts'

/** A file as it was found; one that changes is another. */
export interface FoundFile {
  readonly path: string
  readonly sizeBytes: number
  readonly modifiedMs: number
}

/** Folders in which other programs put photos. Files in them are read and never changed, moved or deleted. */
export interface WatchedFolders {
  start(): void
  configure(folders: readonly WatchedFolder[]): void
  /** Looks again now: a session was opened, say. */
  look(): void
  list(): readonly FolderStatus[]
  close(): Promise<void>
}

export interface WatchedFoldersOptions {
  readonly folders: readonly WatchedFolder[]
  /** Whether this very file was dealt with, before a restart too. */
  readonly isKnown: (file: FoundFile) => boolean
  /** Whether this folder was ever watched: what lies in a new one was there before, and is left. */
  readonly isNew: (path: string) => boolean
  /** Remembers the folder, and the files that were there before. */
  readonly begin: (path: string, files: readonly FoundFile[]) => void
  /** Takes a photo, durably; `conflict` while no session is open. */
  readonly take: (file: FoundFile, folder: WatchedFolder) => Promise<Result<unknown>>
  readonly report: (device: DeviceReport) => void
  readonly clock: Clock
  readonly log: Log
  readonly delays?: Partial<FolderDelays>
}

export interface FolderDelays {
  /** A file that has not changed for this long has been written, if it has its end. */
  readonly settleMs: number
  /** One that has not changed for this long and has no end will get none; a RAW file will get no JPEG either. */
  readonly giveUpMs: number
  /** Folders are looked through this often, whatever the system tells of changes. */
  readonly sweepMs: number
}

const defaultDelays: FolderDelays = { settleMs: 600, giveUpMs: 10_000, sweepMs: 2_000 }
const hintMs = 100
const problemLimit = 50

/** What the station's refusals mean for the file itself; the others are tried again. */
const lasting: Partial<Record<ErrorCode, FileProblem>> = {
  unreadable_image: 'unreadable',
  invalid_input: 'unreadable',
  too_large: 'too_large',
}

type Problem = FolderStatus['problems'][number]

interface Watched {
  readonly folder: WatchedFolder
  readonly watcher: FSWatcher | null
  /** Files that are waited for: as they were last seen, and since when they are so. */
  readonly pending: Map<string, { readonly version: string; readonly sinceMs: number }>
  /** Files that are done with, in the version that is. */
  readonly settled: Map<string, string>
  readonly problems: Map<string, Problem>
  taken: number
  state: FolderStatus['state']
}

/** Creates the watcher. Events of the file system are only hints: what counts is what is there when one looks. */
export function createWatchedFolders(options: WatchedFoldersOptions): WatchedFolders {
  const { isKnown, isNew, begin, take, report, clock, log } = options
  const delays: FolderDelays = { ...defaultDelays, ...options.delays }
  let watched: readonly Watched[] = []
  let folders = options.folders
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> = Promise.resolve()
  let isStarted = false
  let isClosed = false

  const plan = (waitMs: number): void => {
    if (!isStarted || isClosed) return
    clearTimeout(timer)
    timer = setTimeout(() => {
      looking = looking.then(sweep).finally(() => {
        const isWaiting = watched.some(({ pending }) => pending.size > 0)
        plan(isWaiting ? Math.min(delays.settleMs, delays.sweepMs) : delays.sweepMs)
      })
    }, waitMs)
  }

  const sweep = async (): Promise<void> => {
    for (const one of watched) {
      if (isClosed) return
      if (!one.folder.enabled) continue
      const files = await listFiles(one.folder.path).catch((error: unknown) => {
        log.warn({ error: String(error) }, 'a watched folder cannot be read')
        return null
      })
      if (files === null) {
        tell(one, 'missing')
        continue
      }
      await lookThrough(one, files)
    }
  }

  const lookThrough = async (one: Watched, files: readonly FoundFile[]): Promise<void> => {
    if (isNew(one.folder.path)) begin(one.folder.path, files)
    const present = new Set(files.map(({ path }) => path))
    for (const kept of [one.pending, one.settled, one.problems]) {
      for (const path of kept.keys()) if (!present.has(path)) kept.delete(path)
    }
    const stems = new Set(files.filter(({ path }) => kindOfFile(path) === 'photo').map(({ path }) => stemOf(path)))
    let refused: 'waiting' | 'full' | null = null
    for (const file of files) {
      if (isClosed) return
      const waitedMs = waitFor(one, file)
      if (waitedMs === null) continue
      const kind = kindOfFile(file.path)
      if (kind === 'unsupported') settle(one, file, 'unsupported')
      else if (kind === 'raw') judgeRaw(one, file, waitedMs, stems)
      else if (waitedMs >= delays.settleMs) {
        // The others would be refused for the same reason; the order of the photos stays theirs.
        refused ??= await takeWhole(one, file, waitedMs)
      }
    }
    tell(one, refused ?? 'watching')
  }

  /** For how long the file has been as it is; null for one that needs nothing more. */
  const waitFor = (one: Watched, file: FoundFile): number | null => {
    const version = versionOf(file)
    if (one.settled.get(file.path) === version) return null
    const before = one.pending.get(file.path)
    if (before?.version === version) return performance.now() - before.sinceMs
    one.problems.delete(file.path)
    if (isKnown(file)) {
      one.settled.set(file.path, version)
      one.pending.delete(file.path)
      return null
    }
    one.pending.set(file.path, { version, sinceMs: performance.now() })
    return 0
  }

  const settle = (one: Watched, file: FoundFile, problem: FileProblem | null, detail = ''): void => {
    one.pending.delete(file.path)
    one.settled.set(file.path, versionOf(file))
    if (problem === null) one.problems.delete(file.path)
    else one.problems.set(file.path, problemOf(one, file, problem, detail))
  }
  const problemOf = (one: Watched, file: FoundFile, problem: FileProblem, detail: string): Problem => ({
    file: relative(one.folder.path, file.path),
    problem,
    detail,
    at: clock.now().toISOString(),
  })

  /** The JPEG beside it is taken; a camera may write it a little later. */
  const judgeRaw = (one: Watched, file: FoundFile, waitedMs: number, stems: ReadonlySet<string>): void => {
    if (stems.has(stemOf(file.path))) settle(one, file, null)
    else if (waitedMs >= delays.giveUpMs && !one.problems.has(file.path)) {
      // It stays pending: its JPEG may still come.
      one.problems.set(file.path, problemOf(one, file, 'raw', ''))
    }
  }

  /** Why it, and every other, has to wait; null when it need not. */
  const takeWhole = async (one: Watched, file: FoundFile, waitedMs: number): Promise<'waiting' | 'full' | null> => {
    // One that vanishes meanwhile, or is locked by who writes it, is seen again at the next look.
    const whole = await isWhole(file.path).catch(() => null)
    if (whole === null) return null
    if (!whole) {
      if (waitedMs >= delays.giveUpMs) settle(one, file, 'incomplete')
      return null
    }
    const result = await take(file, one.folder)
    if (result.ok) {
      one.taken += 1
      settle(one, file, null)
      return null
    }
    const { code, message } = result.error
    if (code === 'conflict') return 'waiting'
    if (code === 'photos_full') return 'full'
    const problem = lasting[code]
    if (problem) settle(one, file, problem, message)
    else one.problems.set(file.path, problemOf(one, file, 'failed', message))
    return null
  }

  const tell = (one: Watched, state: FolderStatus['state']): void => {
    one.state = state
    const missing = 'The folder is not there or cannot be read. Check its path and its rights; it is tried again.'
    const waiting = 'Photos are waiting in the folder. Start a session: they are taken then.'
    const full = 'The room for photos is used up. Free space, or allow more in the settings: they are taken then.'
    const problems = `${one.problems.size} files were not taken. Settings, Watched folders says which and why.`
    report({
      id: `folder:${one.folder.id}`,
      kind: 'folder',
      name: basename(one.folder.path),
      state: { watching: 'ready', waiting: 'detected', full: 'failed', missing: 'unplugged', off: 'unplugged' }[
        state
      ] as 'ready',
      advice: { missing, waiting, full, off: '', watching: one.problems.size > 0 ? problems : '' }[state],
    })
  }

  const open = (): void => {
    watched = folders.map((folder) => {
      const before = watched.find((one) => one.folder.id === folder.id && one.folder.path === folder.path)
      before?.watcher?.close()
      return {
        pending: new Map(),
        settled: new Map(),
        problems: new Map(),
        taken: 0,
        state: folder.enabled ? 'watching' : 'off',
        ...before,
        folder,
        watcher: folder.enabled ? watchPath(folder.path, () => plan(hintMs)) : null,
      }
    })
    for (const one of watched) if (!one.folder.enabled) tell(one, 'off')
    plan(0)
  }
  const stop = (): void => {
    clearTimeout(timer)
    for (const { watcher } of watched) watcher?.close()
  }

  return {
    start() {
      isStarted = true
      open()
    },
    configure(next) {
      if (JSON.stringify(next) === JSON.stringify(folders)) return
      folders = next
      if (!isStarted || isClosed) return
      const left = watched.filter(({ folder }) => !next.some(({ id }) => id === folder.id))
      for (const one of left) {
        one.watcher?.close()
        tell(one, 'off')
      }
      open()
    },
    look: () => plan(0),
    list: () =>
      watched.map(({ folder, state, taken, pending, problems }) => ({
        id: folder.id,
        path: folder.path,
        role: folder.role,
        state,
        taken,
        waiting: pending.size,
        problems: [...problems.values()].toReversed().slice(0, problemLimit),
      })),
    async close() {
      isClosed = true
      stop()
      await looking
    },
  }
}

function versionOf({ sizeBytes, modifiedMs }: FoundFile): string {
  return `${sizeBytes} ${modifiedMs}`
}

/** All pictures under a folder, in the order of their names: cameras count up. */
export async function listFiles(folder: string): Promise<readonly FoundFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => kindOfFile(path) !== 'none')
    .toSorted()
  const files: FoundFile[] = []
  for (const path of paths) {
    // It may be gone by now.
    const found = await stat(path).catch(() => null)
    if (found) files.push({ path, sizeBytes: found.size, modifiedMs: Math.trunc(found.mtimeMs) })
  }
  return files
}

/** Not every file system tells of changes; the sweeps find them all the same. */
function watchPath(path: string, hint: () => void): FSWatcher | null {
  try {
    const watcher = watch(path, { recursive: true, persistent: false }, hint)
    watcher.on('error', () => watcher.close())
    return watcher
  } catch {
    return null
  }
}
