import { spawn } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { DatabaseSync } from 'node:sqlite'
import { unused } from '#contract/gate/pass.ts'
import { gateSettingsSchema, type GateVerdict } from '#contract/station/gate.ts'
import { benchLog, openBenchStation } from './bench-station.ts'
import { gateRulesSchema } from '#contract/gate/rules.ts'
import { gatePaths, listHeaders, type ListKey } from '#contract/gate/site.ts'
import { judge } from '#domain/gate/judge.ts'
import { deriveKeys, hashValue, sealPass, signPage, writePage } from '#pass-list/index.ts'
import { loadList } from '#station/gate/list-load.ts'
import type { Station } from '#station/index.ts'
import { openPassList, type PassList } from '#station/gate/pass-list.ts'
import { createGateClient } from '#station/remote/gate-client.ts'

/**
 * `npm run bench -- gate [--passes N]`: a venue's list of a million passes on a station: the first load over HTTP from a
 * process that signs them as the site does, a lookup with its verdict, memory; a whole station alone through a day's reads, from each
 * read to its durable verdict; and the start of its process with all that, to its first verdict, after a close and after a kill.
 */
const self = fileURLToPath(import.meta.url)
const pageSize = 4_000
/** A busy day of one gate. */
const reads = 20_000
const valueOf = (index: number): string =>
  `P${String(index).padStart(9, '0')}-${(index * 2_654_435_761) % 4_294_967_296}`

const rules = gateRulesSchema.parse({ passTypes: ['day', 'season'] })

/** The site's end: as many passes as are asked for, a page at a time. */
function serve(passes: number): void {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const key: ListKey = {
    list: 'bench',
    key: randomBytes(32).toString('base64url'),
    publicKey: String(publicKey.export({ format: 'jwk' }).x),
  }
  const keys = deriveKeys(key)
  // The site seals a pass when it is imported or used, not when it is asked for.
  const sealed = Array.from({ length: passes }, (_, index) => {
    const place = hashValue(keys, valueOf(index))
    const pass = {
      passId: `id${index}`,
      passType: index % 7 === 0 ? 'season' : 'day',
      passKind: 'eventTicket' as const,
      status: 'active' as const,
      validFrom: '2026-11-01T00:00:00.000Z',
      validUntil: '2026-12-01T00:00:00.000Z',
      entries: null,
      lists: [],
      privileges: {},
    }
    return { place, sealed: sealPass(keys, place, { pass, use: unused }) }
  })
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://site')
    if (url.pathname === gatePaths.listKey) return void response.end(JSON.stringify(key))
    if (url.pathname === '/gate/v1/rules') return void response.end(JSON.stringify(rules))
    const after = Number(url.searchParams.get('after'))
    if (after >= passes) return void response.writeHead(204).end()
    const to = Math.min(passes, after + pageSize)
    const body = writePage(sealed.slice(after, to))
    const head = { list: key.list, after, to, values: passes, left: passes - to, asOf: new Date().toISOString() }
    const signed = signPage(head, body, privateKey)
    response.writeHead(200, { [listHeaders.head]: signed.head, [listHeaders.signature]: signed.signature }).end(body)
  })
  server.listen(0, '127.0.0.1', () =>
    process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`),
  )
}

/** A read's way from its value to its verdict, on what the station has alone. */
function decide(list: PassList, value: string): string {
  const found = list.find(value)
  return judge({
    rules,
    pass: found?.pass ?? null,
    use: found?.use ?? unused,
    inside: null,
    now: new Date(),
    clock: { leastMs: 0, mostMs: 0 },
    mode: 'offline',
    dataAgeMs: 1_000,
  }).code
}

const folderKey = (folder: string): ListKey => JSON.parse(readFileSync(join(folder, 'key.json'), 'utf8')) as ListKey

/** A process that decides by the list and does nothing else: what it takes of the memory. */
function only(folder: string): void {
  const list = openPassList({ path: join(folder, 'passes.sqlite'), key: folderKey(folder), log: benchLog })
  if (decide(list, valueOf(1)) !== 'admitted') throw new Error('the list has lost a pass')
  process.stdout.write(`${process.memoryUsage.rss()}\n`)
  list.close()
}

/** A whole station in a folder that a venue's day has been in. Nobody answers at `url`: it is alone. */
const openGate = (folder: string, url: string): Promise<Station> =>
  openBenchStation({
    dataDir: folder,
    backend: { url, credential: () => Promise.resolve('key') },
    secrets: {
      read: () => Promise.resolve(readFileSync(join(folder, 'key.json'), 'utf8')),
      write: () => Promise.resolve(),
    },
  })

/** A station's process that starts, and its first verdict; it waits to be killed. */
async function restart(folder: string, url: string): Promise<void> {
  const station = await openGate(folder, url)
  const result = await station.call('gate.scan', { data: valueOf(1), source: 'device' })
  if (!result.ok) throw new Error(result.error.message)
  const { code, mode } = result.value as GateVerdict
  process.stdout.write(`${JSON.stringify({ code, mode })}\n`)
}

function child(...args: string[]): { first: Promise<string>; kill(): Promise<void> } {
  const started = spawn(process.execPath, [self, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const lines = createInterface({ input: started.stdout })
  const ended = once(started, 'exit')
  return {
    first: new Promise((resolve, reject) => {
      lines.once('line', resolve)
      void ended.then(() => reject(new Error(`${args[0]} has ended`)))
    }),
    async kill() {
      started.kill('SIGKILL')
      await ended
    },
  }
}

const megabytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(0)} MiB`

export async function benchGate(say: (line: string) => void, passes: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-bench-gate-'))
  const site = child('serve', String(passes))
  try {
    const url = await site.first
    const client = createGateClient({ fetch, url, credential: () => Promise.resolve('key'), now: () => new Date() })
    const key = await client.listKey()
    if (!key.ok) throw new Error(key.failure.message)
    writeFileSync(join(folder, 'key.json'), JSON.stringify(key.value), { mode: 0o600 })
    const path = join(folder, 'passes.sqlite')
    const list = openPassList({ path, key: key.value, log: benchLog })
    const rssBefore = process.memoryUsage.rss()
    let [rssMost, pages] = [rssBefore, 0]
    const startedMs = performance.now()
    const loaded = await loadList({
      client,
      list,
      log: benchLog,
      signal: new AbortController().signal,
      key: () => Promise.resolve(key.value),
      onProgress(head) {
        rssMost = Math.max(rssMost, process.memoryUsage.rss())
        pages += 1
        if (pages % 50 === 0) say(`gate: ${head.to} of ${passes} passes`)
      },
    })
    const loadMs = performance.now() - startedMs
    if (loaded.outcome !== 'current') throw new Error(JSON.stringify(loaded))

    const tookMs: number[] = []
    const told = new Map<string, number>()
    for (let read = 0; read < reads; read += 1) {
      const value = read % 2 === 0 ? valueOf((read * 7_919) % passes) : `unknown-${read}`
      const fromMs = performance.now()
      const code = decide(list, value)
      tookMs.push(performance.now() - fromMs)
      told.set(code, (told.get(code) ?? 0) + 1)
    }
    if (told.get('admitted') !== reads / 2 || told.get('offline_unknown') !== reads / 2) {
      throw new Error(`wrong verdicts: ${JSON.stringify([...told])}`)
    }
    tookMs.sort((a, b) => a - b)
    const at = (share: number): number => tookMs[Math.floor((tookMs.length - 1) * share)] ?? 0
    const rssAfter = process.memoryUsage.rss()
    list.close()

    const timed = async (...args: string[]): Promise<{ line: string; ms: number }> => {
      const fromMs = performance.now()
      const started = child(...args)
      const line = await started.first
      const ms = performance.now() - fromMs
      await started.kill()
      return { line, ms }
    }
    const rss = Number((await timed('only', folder)).line)
    const floorMs = bareInserts(folder, passes)
    await benchAlone(say, folder, url, site.kill, passes)
    const bareStart = await timed('bare')
    const closedStart = await timed('restart', folder, url)
    const killedStart = await timed('restart', folder, url)
    const storeBytes = statSync(join(folder, 'station.sqlite')).size
    say(
      `gate: ${passes} passes loaded in ${(loadMs / 1_000).toFixed(1)} s (goal 60 s), ${megabytes(statSync(path).size)} on disk, floor ${(floorMs / 1_000).toFixed(1)} s for as many bare rows in one order and one transaction`,
    )
    say(
      `gate: memory ${megabytes(rssBefore)} before, ${megabytes(rssMost)} at most while loading, ${megabytes(rssAfter)} after it, ${megabytes(rss)} in a process that only decides`,
    )
    say(
      `gate: a station's process starts with ${reads} verdicts (${megabytes(storeBytes)}) and gives its next one (${closedStart.line}) in ${closedStart.ms.toFixed(0)} ms after a close, ${killedStart.ms.toFixed(0)} ms after a kill (goal 3,000 ms), floor ${bareStart.ms.toFixed(0)} ms for one that only loads the same program`,
    )
    say(
      `gate: lookup and verdict p50 ${at(0.5).toFixed(3)} ms, p99 ${at(0.99).toFixed(3)} ms, longest ${at(1).toFixed(1)} ms (goal p99 5 ms)`,
    )
  } finally {
    await site.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * A whole station that has lost its site: from the read to the verdict that a person sees, durable before. The floor is as many
 * bare durable rows in the same folder, one at a time.
 */
async function benchAlone(
  say: (line: string) => void,
  folder: string,
  url: string,
  cut: () => Promise<void>,
  passes: number,
): Promise<void> {
  const station = await openGate(folder, url)
  const call = async (name: 'settings.change' | 'gate.refresh' | 'gate.scan', input: unknown): Promise<unknown> => {
    const result = await station.call(name, input)
    if (!result.ok) throw new Error(result.error.message)
    return result.value
  }
  try {
    await call('settings.change', { gate: gateSettingsSchema.parse({ isOn: true, name: 'north', rules }) })
    await call('gate.refresh', {})
    await cut()
    // A window shows the figures all the while.
    station.subscribe('gate.changed', () => undefined)
    const tookMs: number[] = []
    for (let read = 0; read < reads; read += 1) {
      const data = valueOf((read * 7_919 + 13) % passes)
      const fromMs = performance.now()
      const verdict = (await call('gate.scan', { data, source: 'device' })) as GateVerdict
      // The first one still asks, and finds the site gone.
      if (read > 0) tookMs.push(performance.now() - fromMs)
      if (verdict.code !== 'admitted' || verdict.mode !== 'offline') throw new Error(JSON.stringify(verdict))
    }
    const database = new DatabaseSync(join(folder, 'durable.sqlite'))
    database.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE rows (id INTEGER PRIMARY KEY, row TEXT)',
    )
    const insert = database.prepare('INSERT INTO rows (row) VALUES (?)')
    const bareMs = Array.from({ length: 2_000 }, () => {
      const fromMs = performance.now()
      insert.run('x'.repeat(1_500))
      return performance.now() - fromMs
    })
    database.close()
    const at = (times: number[], share: number): string =>
      `${(times.toSorted((a, b) => a - b)[Math.floor((times.length - 1) * share)] ?? 0).toFixed(1)} ms`
    const last = tookMs.slice(-2_000)
    say(
      `gate: ${reads} reads to their verdicts without the site, durable: p50 ${at(tookMs, 0.5)}, p99 ${at(tookMs, 0.99)}, of the last 2,000 p50 ${at(last, 0.5)}, p99 ${at(last, 0.99)} (goal p99 50 ms), floor one bare durable row p50 ${at(bareMs, 0.5)}, p99 ${at(bareMs, 0.99)}`,
    )
  } finally {
    await station.close()
  }
}

/** The floor: as many rows of the same size, in the order of the table. */
function bareInserts(folder: string, rows: number): number {
  const database = new DatabaseSync(join(folder, 'floor.sqlite'))
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; CREATE TABLE rows (id INTEGER PRIMARY KEY, sealed BLOB)',
  )
  const insert = database.prepare('INSERT INTO rows (sealed) VALUES (?)')
  const sealed = randomBytes(160)
  const startedMs = performance.now()
  database.exec('BEGIN')
  for (let row = 0; row < rows; row += 1) insert.run(sealed)
  database.exec('COMMIT')
  const tookMs = performance.now() - startedMs
  database.close()
  return tookMs
}

const [mode, argument, address = ''] = process.argv.slice(2)
if (process.argv[1] === self && mode === 'serve') serve(Number(argument))
if (process.argv[1] === self && mode === 'bare') process.stdout.write('loaded\n')
if (process.argv[1] === self && mode === 'only') only(String(argument))
if (process.argv[1] === self && mode === 'restart') await restart(String(argument), address)
