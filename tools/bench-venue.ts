import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { openDatabase } from '#backend/db/database.ts'
import { silentLog } from '#backend/log.ts'
import { passUseSchema } from '#contract/gate/pass.ts'
import { judgementSchema, type Judgement } from '#contract/gate/verdict.ts'
import { comparedSchema, gateSettingsSchema, type GateStatus, type GateVerdict } from '#contract/station/gate.ts'
import { seededRandom } from '#domain/seeded-random.ts'
import { openBenchStation } from './bench-station.ts'
import { createDatabase, findPostgres, startPostgres } from '../tests/backend/postgres.ts'

/**
 * `npm run bench -- venue [--reads N] [--seed N] [--engines a,b]`: eight gates of one venue, each a process with a whole station, at one
 * backend, on SQLite and on PostgreSQL. One pass is shown at up to four of them at the same moment, while their roads to
 * the site are cut, go silent or lose answers, at random.
 *
 * What has to hold is counted from the stations' stores and the site's database alone: no pass is let in too often by the
 * site; a gate that is alone lets in what its policy says and nothing else; and each entry too many is found afterwards.
 */
const self = fileURLToPath(import.meta.url)
const root = fileURLToPath(new URL('..', import.meta.url))
const gateCount = 8
const visitorsAtATime = 5
const key = 'key-of-the-venue'
/** Long enough for a busy machine: a site that is merely slow would be a partition too. */
const waitMs = 3_000
const shortAgeMs = 4_000
const settleMs = 300_000

/** What becomes of a gate's road: whole; ended at once; the site hears, the gate does not; nobody hears anything. */
type RoadState = 'joined' | 'cut' | 'deaf' | 'silent'

/** The passes of the venue: how often each comes in, and what a gate does with it that is alone. */
const kinds = {
  once: { entries: 1, policy: null },
  twice: { entries: 2, policy: null },
  /** Only while what is known is fresh. */
  short: { entries: 1, policy: { admitForMs: shortAgeMs, referForMs: null } },
  referred: { entries: 1, policy: { admitForMs: 0, referForMs: null } },
  never: { entries: 1, policy: { admitForMs: 0, referForMs: 0 } },
} as const
type Kind = keyof typeof kinds
const kindNames = Object.keys(kinds) as Kind[]

export interface VenueFigures {
  readonly engine: 'sqlite' | 'postgres'
  reads: number
  /** Decided by the gate alone. */
  alone: number
  admitted: number
  roadsChanged: number
  /** Passes that the site itself let in more often than they may. */
  doubledOnline: number
  /** Admissions of a gate alone that its policy or its own memory forbids. */
  againstPolicy: number
  /** Entries beyond what passes may, all of them of gates alone: the exposure. */
  exposure: number
  /** Of those, what the gates were told afterwards; and what they were told that was none. */
  found: number
  foundWrongly: number
  /** Gates alone that took more entries for known than there were. */
  countedTooMany: number
  /** Passes whose entries, and reads whose scan, the site has not as they happened. */
  wrongAtSite: number
  /** From a whole road to the site's next verdict, at most. */
  longestBackMs: number
  readonly faults: string[]
}

// --- A gate: the child's side -----------------------------------------------------------------------

/** A station with nothing but its gate; reads come as lines, verdicts go as lines. */
async function runGate(dataDir: string, name: string, url: string): Promise<void> {
  const station = await openBenchStation({ dataDir, backend: { url, credential: () => Promise.resolve(key) } })
  const call = async (procedure: Parameters<typeof station.call>[0], input: unknown): Promise<unknown> => {
    const result = await station.call(procedure, input)
    if (!result.ok) throw new Error(`${procedure}: ${result.error.message}`)
    return result.value
  }
  const answer = (id: number, value: unknown): void => void process.stdout.write(`${JSON.stringify([id, value])}\n`)
  await call('settings.change', {
    gate: gateSettingsSchema.parse({ isOn: true, name, waitMs, refreshMs: 2_000 }),
  })
  // On a busy machine the first try may be too slow.
  for (;;) {
    const { list } = (await call('gate.refresh', {})) as GateStatus
    if (list?.state === 'current') break
  }
  answer(0, 'ready')
  for await (const line of createInterface({ input: process.stdin })) {
    const [id, procedure, input] = JSON.parse(line) as [number, Parameters<typeof station.call>[0], unknown]
    void call(procedure, input).then(
      (value) => answer(id, value),
      (error: Error) => answer(id, { fault: error.message }),
    )
  }
  await station.close()
}

// --- The venue: the parent's side --------------------------------------------------------------------

interface Road {
  readonly port: number
  state: RoadState
  set(state: RoadState): void
  close(): void
}

/** The road between one gate and the site, byte for byte. */
async function openRoad(sitePort: number, random: () => number): Promise<Road> {
  const open = new Set<Socket>()
  const server = createServer((gate) => {
    if (road.state === 'cut') return void gate.destroy()
    const site = connect(sitePort, '127.0.0.1')
    const end = (): void => {
      for (const socket of [gate, site]) {
        socket.destroy()
        open.delete(socket)
      }
    }
    for (const socket of [gate, site]) {
      open.add(socket)
      socket.on('error', end)
      socket.on('close', end)
    }
    gate.on('data', (bytes: Buffer) => {
      if (road.state !== 'silent') site.write(bytes)
    })
    site.on('data', (bytes: Buffer) => {
      // The site has done what it was asked, and nobody hears of it.
      if (road.state === 'deaf' && random() < 0.5) end()
      else if (road.state !== 'silent') gate.write(bytes)
    })
  })
  const road: Road = {
    port: 0,
    state: 'joined',
    set(state) {
      road.state = state
      if (state === 'cut' || state === 'joined') for (const socket of open) socket.destroy()
    },
    close() {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(road, { port: (server.address() as AddressInfo).port })
}

interface Gate {
  readonly name: string
  readonly dataDir: string
  readonly road: Road
  /** Since when its road is whole again and the site has not decided yet; null otherwise. */
  joinedSinceMs: number | null
  call(procedure: string, input: object): Promise<unknown>
  end(): Promise<void>
  kill(): void
}

async function openGate(folder: string, index: number, sitePort: number, random: () => number): Promise<Gate> {
  const name = `gate-${index}`
  const dataDir = join(folder, name)
  mkdirSync(dataDir)
  const road = await openRoad(sitePort, random)
  const child = spawn(process.execPath, [self, 'gate', dataDir, name, `http://127.0.0.1:${road.port}`], {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let last = 0
  const ready = new Promise<unknown>((resolve, reject) => waiting.set(0, { resolve, reject }))
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [id, value] = JSON.parse(line) as [number, { fault?: string }]
    if (value.fault === undefined) waiting.get(id)?.resolve(value)
    else waiting.get(id)?.reject(new Error(`${name}: ${value.fault}`))
    waiting.delete(id)
  })
  void ended.then(() => {
    for (const { reject } of waiting.values()) reject(new Error(`${name} has ended`))
  })
  await ready
  return {
    name,
    dataDir,
    road,
    joinedSinceMs: null,
    call: (procedure, input) =>
      new Promise((resolve, reject) => {
        last += 1
        waiting.set(last, { resolve, reject })
        child.stdin.write(`${JSON.stringify([last, procedure, input])}\n`)
      }),
    async end() {
      child.stdin.end()
      await ended
      road.close()
    },
    kill() {
      child.kill('SIGKILL')
      road.close()
    },
  }
}

async function startSite(folder: string, location: string | null): Promise<{ child: ChildProcess; port: number }> {
  const child = spawn(
    process.execPath,
    [
      join(root, 'src', 'cli', 'capstan.ts'),
      'backend',
      `--data=${join(folder, 'site')}`,
      '--port=0',
      `--api-key=${key}`,
      '--tenant=acme',
      `--passes=${join(folder, 'passes.csv')}`,
      `--gate-rules=${join(folder, 'rules.json')}`,
      ...(location === null ? [] : ['--database-url', location]),
    ],
    { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, CAPSTAN_LOG: 'error' } },
  )
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return { child, port: Number(new URL((JSON.parse(line) as { listening: string }).listening).port) }
}

/** Runs the venue on one engine; `missing` where that is not here. */
export async function venueReads(options: {
  readonly engine: 'sqlite' | 'postgres'
  readonly reads: number
  readonly seed: number
  readonly tell?: (figures: VenueFigures) => void
}): Promise<VenueFigures | { readonly missing: string }> {
  const postgres = options.engine === 'postgres' ? findPostgres() : undefined
  if (postgres && 'missing' in postgres) return postgres
  const random = seededRandom(options.seed)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
  const folder = mkdtempSync(join(tmpdir(), 'capstan-venue-'))
  const figures: VenueFigures = {
    engine: options.engine,
    reads: 0,
    alone: 0,
    admitted: 0,
    roadsChanged: 0,
    doubledOnline: 0,
    againstPolicy: 0,
    exposure: 0,
    found: 0,
    foundWrongly: 0,
    countedTooMany: 0,
    wrongAtSite: 0,
    longestBackMs: 0,
    faults: [],
  }
  // A pass is shown ten times on the whole, at whatever gates.
  const passes = Array.from({ length: Math.ceil(options.reads / 10) }, (_, index) => {
    const kind = kindNames[index % kindNames.length] as Kind
    return { id: `pass-${index}`, value: `00${index}-${Math.floor(random() * 1e9)}`, kind }
  })
  writeFileSync(
    join(folder, 'passes.csv'),
    [
      'passId,value,passType,entries',
      ...passes.map(({ id, value, kind }) => `${id},${value},${kind},${kinds[kind].entries}`),
    ].join('\n'),
  )
  const policies = Object.fromEntries(
    kindNames.flatMap((kind) => (kinds[kind].policy ? [[kind, kinds[kind].policy]] : [])),
  )
  writeFileSync(
    join(folder, 'rules.json'),
    // Without grace, so that a second read is a second entry.
    JSON.stringify({ '*': { graceMs: 0, offline: { passTypes: policies } } }),
  )
  const server = postgres && (await startPostgres(postgres.folder, true))
  const location = server ? await createDatabase(server.url) : null
  const gates: Gate[] = []
  let site: Awaited<ReturnType<typeof startSite>> | null = null
  try {
    site = await startSite(folder, location)
    const { port } = site
    gates.push(
      ...(await Promise.all(Array.from({ length: gateCount }, (_, index) => openGate(folder, index, port, random)))),
    )
    const value = new Map(passes.map((pass) => [pass.id, pass.value]))

    const changeRoad = (): void => {
      const gate = pick(gates)
      const state = pick(['joined', 'joined', 'joined', 'cut', 'deaf', 'silent'] as const)
      if (state === gate.road.state) return
      gate.road.set(state)
      gate.joinedSinceMs = state === 'joined' ? Date.now() : null
      figures.roadsChanged += 1
    }
    let [shown, told] = [0, 0]
    const visitor = async (): Promise<void> => {
      while (shown < options.reads) {
        if (random() < 0.06) changeRoad()
        const data = value.get(pick(passes).id)
        const at = new Set(Array.from({ length: 1 + Math.floor(random() * 4) }, () => pick(gates)))
        shown += at.size
        await Promise.all(
          [...at].map(async (gate) => {
            const verdict = (await gate.call('gate.scan', { data, source: 'device' })) as GateVerdict
            if (verdict.mode === 'online' && gate.joinedSinceMs !== null) {
              figures.longestBackMs = Math.max(figures.longestBackMs, Date.parse(verdict.at) - gate.joinedSinceMs)
              gate.joinedSinceMs = null
            }
          }),
        )
        figures.reads += at.size
        if (figures.reads >= told + 2_000) {
          told = figures.reads
          options.tell?.(figures)
        }
      }
    }
    await Promise.all(Array.from({ length: visitorsAtATime }, visitor))

    for (const { road } of gates) road.set('joined')
    const untilMs = performance.now() + settleMs
    for (;;) {
      const waiting = await Promise.all(
        gates.map(async (gate) => ((await gate.call('gate.refresh', {})) as { waiting: number }).waiting),
      )
      if (waiting.every((count) => count === 0)) break
      if (performance.now() > untilMs) {
        figures.faults.push(`the site was not told of ${waiting.join(', ')} verdicts`)
        break
      }
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    for (const gate of gates) await gate.end()
    await account(passes, location ?? join(folder, 'site', 'backend.sqlite'))
  } finally {
    for (const gate of gates) gate.kill()
    if (site) {
      const ended = once(site.child, 'exit')
      site.child.kill('SIGTERM')
      await ended
    }
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
  return figures

  /** Counts what happened, from what was written down. */
  async function account(known: typeof passes, database: string): Promise<void> {
    const verdicts = gates.flatMap((gate) => readVerdicts(gate))
    figures.alone = verdicts.filter(({ judgement }) => judgement.mode === 'offline').length
    figures.admitted = verdicts.filter(isIn).length
    if (verdicts.length !== figures.reads) figures.faults.push(`${figures.reads} reads, ${verdicts.length} verdicts`)
    const { db, close } = await openDatabase(database, silentLog)
    try {
      const uses = new Map(
        (await db.selectFrom('pass_uses').select(['pass_id', 'used']).execute()).map(({ pass_id, used }) => [
          pass_id,
          passUseSchema.parse(JSON.parse(used)).entries,
        ]),
      )
      const scans = await db.selectFrom('pass_scans').select('client_scan_id').execute()
      const recorded = new Set(scans.map(({ client_scan_id }) => client_scan_id))
      if (recorded.size !== scans.length) figures.faults.push(`${scans.length} scans of ${recorded.size} reads`)
      for (const { id, ofPass, judgement } of verdicts) {
        if (!recorded.has(id)) figures.wrongAtSite += 1
        if (ofPass === null && judgement.result !== 'refer') figures.faults.push(`${id} is of no pass`)
      }
      for (const { id, kind } of known) {
        const own = verdicts.filter(({ ofPass }) => ofPass === id)
        const lettings = own.filter(isIn)
        const { entries } = kinds[kind]
        const online = lettings.filter(({ judgement }) => judgement.mode === 'online')
        if (online.length > entries) figures.doubledOnline += 1
        figures.againstPolicy += own.filter((one) => !isByPolicy(one, kind, own)).length
        figures.countedTooMany += own.filter((one) => !isKnown(one, lettings)).length
        const tooMany = Math.max(0, lettings.length - entries)
        const found = lettings.filter(({ compared }) => compared?.agrees === false && compared.doubles !== null).length
        figures.exposure += tooMany
        figures.found += Math.min(found, tooMany)
        figures.foundWrongly += Math.max(0, found - tooMany)
        if (found < tooMany) figures.faults.push(`${id} (${kind}): ${tooMany} too many, ${found} found`)
        if ((uses.get(id) ?? 0) !== lettings.length) figures.wrongAtSite += 1
      }
    } finally {
      await close()
    }
  }
}

interface Kept {
  readonly id: string
  readonly at: string
  readonly gate: string
  readonly number: number
  /** By the value that was read. */
  readonly ofPass: string | null
  readonly judgement: Judgement
  readonly compared: GateVerdict['compared']
}

const isIn = ({ judgement }: Kept): boolean => judgement.result === 'admit'

/** What a gate alone may do: what the policy says of its data's age, if the pass has an entry left as far as it knows. */
function isByPolicy(verdict: Kept, kind: Kind, ofPass: readonly Kept[]): boolean {
  const { judgement } = verdict
  if (judgement.mode === 'online') return true
  const { entries, policy } = kinds[kind]
  const age = judgement.inputs.dataAgeMs
  const own = ofPass.filter((one) => one.gate === verdict.gate && one.number < verdict.number && isIn(one)).length
  // With nothing to decide by, the staff decides.
  if (age === null) return judgement.result === 'refer'
  // A gate never forgets whom it has let in itself.
  if (judgement.inputs.entries < own) return false
  const expected =
    judgement.inputs.entries >= entries
      ? 'deny'
      : policy === null || age < policy.admitForMs
        ? 'admit'
        : policy.referForMs === null
          ? 'refer'
          : 'deny'
  return judgement.result === expected
}

/** Whether there were as many entries as the gate took for known. */
function isKnown({ at, judgement }: Kept, lettings: readonly Kept[]): boolean {
  if (judgement.mode === 'online') return true
  return judgement.inputs.entries <= lettings.filter((one) => one.at <= at).length
}

function readVerdicts({ name, dataDir }: Gate): Kept[] {
  const store = new DatabaseSync(join(dataDir, 'station.sqlite'), { readOnly: true })
  try {
    return store
      .prepare('SELECT id, at, number, pass_id, judgement, compared FROM verdicts ORDER BY number')
      .all()
      .map((row) => ({
        id: String(row['id']),
        at: String(row['at']),
        gate: name,
        number: Number(row['number']),
        ofPass: row['pass_id'] as string | null,
        judgement: judgementSchema.parse(JSON.parse(String(row['judgement']))),
        compared: row['compared'] === null ? null : comparedSchema.parse(JSON.parse(String(row['compared']))),
      }))
  } finally {
    store.close()
  }
}

/** `npm run bench -- venue`: both engines. */
export async function benchVenue(
  options: { readonly reads: number; readonly seed: number; readonly engines?: string | undefined },
  say: (line: string) => void,
): Promise<void> {
  const { reads, seed, engines = 'sqlite,postgres' } = options
  for (const engine of (['sqlite', 'postgres'] as const).filter((name) => engines.split(',').includes(name))) {
    const startedMs = performance.now()
    const figures = await venueReads({
      engine,
      reads,
      seed,
      tell: (now) => say(`venue: ${engine}, ${now.reads} reads, ${now.roadsChanged} roads changed`),
    })
    if ('missing' in figures) {
      say(`venue: not on PostgreSQL, ${figures.missing}`)
      continue
    }
    const seconds = (performance.now() - startedMs) / 1_000
    say(
      `venue: ${engine}, ${figures.reads} reads at ${gateCount} gates in ${seconds.toFixed(0)} s, ${figures.alone} decided alone, ${figures.admitted} admitted, ${figures.roadsChanged} times a road changed`,
    )
    say(
      `venue: ${engine}, ${figures.doubledOnline} doubled while connected, ${figures.againstPolicy} against the policy; exposure ${figures.exposure}, found ${figures.found}, found wrongly ${figures.foundWrongly}; ${figures.countedTooMany} counted too many, ${figures.wrongAtSite} wrong at the site; asked again after ${figures.longestBackMs} ms at most`,
    )
    for (const fault of figures.faults.slice(0, 10)) say(`  ${fault}`)
    if (!isSound(figures)) process.exitCode = 1
  }
}

/** Whether everything holds that has to. */
export function isSound(figures: VenueFigures): boolean {
  const { doubledOnline, againstPolicy, exposure, found, foundWrongly, wrongAtSite, faults } = figures
  return doubledOnline + againstPolicy + foundWrongly + wrongAtSite + faults.length === 0 && found === exposure
}

const [mode, dataDir = '', name = '', url = ''] = process.argv.slice(2)
if (process.argv[1] === self && mode === 'gate') await runGate(dataDir, name, url)
