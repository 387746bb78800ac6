import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { sql } from 'kysely'
import { openDatabase, type Database } from '#backend/db/database.ts'
import type { BackendOptions } from '#backend/index.ts'
import { queues, type QueueName } from '#backend/jobs/queue.ts'
import { newId } from '#backend/ids.ts'
import { silentLog } from '#backend/log.ts'
import type { RemoteAnswer } from '#backend/vision/remote-answer.ts'
import { checkDigit } from '#domain/gtin.ts'
import { drawCode } from '../tests/barcode-image.ts'
import { createDatabase, findPostgres, startPostgres } from '../tests/backend/postgres.ts'
import { seeded } from './bench-kill.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const entry = join(root, 'tools', 'kill-backend.ts')
const killAt = pathToFileURL(join(root, 'tools', 'kill-at.mjs')).href
const scanner = '/scanner/api/v1'

/** Of a round: codes, of them some that are addresses; and in each third a photo, of a product of its own. */
const codesOfRound = 14
/** And codes for whose products something is proposed by us, so that there is always something to apply. */
const appliesOfRound = 5
const photosOfRound = (round: number): number => (round % 3 === 0 ? 1 : 0)
const sendersAtATime = 6
/** About so many statements a start and the work of a round take, so that kills fall anywhere in them. */
const statementsOfRound = { sqlite: 400, postgres: 250 } as const
/** A process that has not come to its statement or its call by then is killed by the clock. */
const roundMs = 2_500
/** In the end something must come to its end within this, or it is stuck. Lost claims are found within 30 seconds. */
const settleMs = 120_000
const markerGtin = '04006381333931'
/** What a process that reads a photo says of one that was on its way each time a server died. */
const diedEachTime = 'the server ended each time it was tried'

export interface BackendKillFigures {
  readonly engine: 'sqlite' | 'postgres'
  rounds: number
  /** How the processes died: at a statement, while somebody outside was asked, or by the clock. */
  atStatement: number
  atCall: number
  byClock: number
  /** Rounds in which there were jobs of a queue when it died, and in which proposals were being applied. */
  readonly inFlight: Record<QueueName | 'apply', number>
  /** Captures that were sent, each until it was acknowledged. */
  sent: number
  acknowledged: number
  /** What became of them beside the captures themselves. */
  links: number
  extractions: number
  applied: number
  deliveries: number
  /** Deliveries that came more than once, with the same id: at least once is what is promised. */
  repeatedDeliveries: number
  /** Photos that were given up as their server died at each attempt, and were then retried as a person would. */
  retried: number
  /** In the end: acknowledged and not there, or without what follows from it; there twice; not at an end. */
  lost: number
  doubled: number
  stuck: number
  readonly faults: string[]
}

interface Running {
  readonly child: ChildProcess
  readonly url: string
}

interface Reply {
  readonly status: number
  // oxlint-disable-next-line typescript/no-explicit-any
  readonly body: any
}

/** Something that a client wants done; answers whether it is, and is asked again otherwise. */
type Wish = (call: Call) => Promise<boolean>

type Call = (method: string, path: string, body?: object | FormData, key?: string) => Promise<Reply>

/**
 * Kills a backend's process again and again: at a random statement of its start, of its requests or of its jobs, while
 * it asks others for something, or at any time. Meanwhile captures come in, photos are read for codes and by a remote
 * model, links followed, webhooks sent, proposals accepted and applied. On PostgreSQL two processes share the work and
 * take turns to die; on SQLite there is one. Clients send again what was not acknowledged.
 */
export async function backendKillRounds(options: {
  readonly engine: 'sqlite' | 'postgres'
  readonly rounds: number
  readonly seed: number
  readonly tell?: (figures: BackendKillFigures) => void
  /** Ends the rounds early; what they have made comes to its end and is counted all the same. */
  readonly signal?: AbortSignal
}): Promise<BackendKillFigures | { readonly missing: string }> {
  const found = options.engine === 'postgres' ? findPostgres() : undefined
  if (found && 'missing' in found) return found
  const random = seeded(options.seed)
  const folder = mkdtempSync(join(tmpdir(), 'capstan-kill-'))
  // Durable, as in production: what the server has acknowledged is on its disk.
  const server = found && (await startPostgres(found.folder, true))
  const location = server ? await createDatabase(server.url) : join(folder, 'backend.sqlite')
  const figures: BackendKillFigures = {
    engine: options.engine,
    rounds: 0,
    atStatement: 0,
    atCall: 0,
    byClock: 0,
    inFlight: { captures: 0, photo: 0, fields: 0, link: 0, webhook: 0, apply: 0 },
    sent: 0,
    acknowledged: 0,
    links: 0,
    extractions: 0,
    applied: 0,
    deliveries: 0,
    repeatedDeliveries: 0,
    retried: 0,
    lost: 0,
    doubled: 0,
    stuck: 0,
    faults: [],
  }
  const processes: (Running | undefined)[] = server ? [undefined, undefined] : [undefined]
  const starting = new Set<ChildProcess>()
  let database: Database | undefined

  /** How often each delivery was taken, and what the calls of this round are to do to the process whose turn it is. */
  const taken = new Map<string, number>()
  let onCall: () => void = () => undefined
  let names = 0
  const outside = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      onCall()
      setTimeout(
        () => {
          onCall()
          const id = String(request.headers['x-closient-delivery-id'] ?? '')
          if (id !== '') {
            taken.set(id, (taken.get(id) ?? 0) + 1)
            response.end()
          } else if (request.method === 'POST') {
            response.setHeader('content-type', 'application/json')
            // Another name each time, so that an answer that was written twice can be seen.
            response.end(modelAnswer(`Name ${(names += 1)}`))
          } else if (request.url?.startsWith('/01/') === true) {
            response.writeHead(302, { location: `/landed${request.url}` }).end()
          } else response.end('the product')
        },
        10 + random() * 60,
      )
    })
  })
  await new Promise<void>((resolve) => outside.listen(0, '127.0.0.1', resolve))
  const outsideUrl = `http://127.0.0.1:${(outside.address() as AddressInfo).port}`

  /** Starts a process that dies at a statement, or never; undefined when it dies before it listens. */
  async function start(statement: number): Promise<Running | undefined> {
    const settings: BackendOptions = {
      dataDir: folder,
      port: 0,
      apiKey: 'kill',
      followsLinks: true,
      readsPhotos: true,
      // No host of that name is Closient's here.
      closientHosts: [],
      remoteVision: {
        kind: 'openai',
        baseUrl: outsideUrl,
        model: 'reads-what-it-is-told',
        requestsPerDay: 1_000_000,
        tokensPerDay: 1_000_000_000,
      },
      ...(server ? { databaseUrl: location } : {}),
    }
    const child = spawn(process.execPath, [...(statement > 0 ? ['--import', killAt] : []), entry], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'ignore'],
      env: {
        ...process.env,
        NODE_COMPILE_CACHE: join(folder, 'compiled'),
        KILL_BACKEND: JSON.stringify(settings),
        KILL_AT: String(statement),
        ...(server ? { KILL_POSTGRES: '1' } : {}),
      },
    })
    starting.add(child)
    const ended = once(child, 'exit')
    void ended.then(() => starting.delete(child))
    const line = await Promise.race([
      once(createInterface({ input: child.stdout }), 'line'),
      ended.then(() => undefined),
    ])
    if (line === undefined) return undefined
    return { child, url: (JSON.parse(String(line[0])) as { listening: string }).listening }
  }

  const isAlive = (running: Running | undefined): running is Running =>
    running !== undefined && running.child.exitCode === null && running.child.signalCode === null

  async function call(
    url: string,
    method: string,
    path: string,
    body?: object | FormData,
    key?: string,
  ): Promise<Reply> {
    const response = await fetch(url + path, {
      method,
      headers: { 'X-API-Key': 'kill', ...(key === undefined ? {} : { 'Idempotency-Key': key }) },
      ...(body === undefined ? {} : { body: body instanceof FormData ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(20_000),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
  }

  const wishes = new Set<Wish>()
  /** The ids of what was acknowledged, by what it was sent with. */
  const acknowledged = new Map<string, string>()
  /** GTINs whose product was acknowledged, and captures for which we have proposed something. */
  const known = new Set<string>()
  const proposed = new Set<string>()
  /** Captures whose photo is read a second time, and those for which that was asked at least: they complete once more. */
  const enriched = new Set<string>()
  const askedAgain = new Set<string>()
  /** Whether a process died while it was asked to accept or to apply. */
  let diedApplying = false

  /** Goes on with what is wished as long as somebody lives and something may still be done. */
  async function serve(isOver: () => boolean): Promise<void> {
    while (!isOver() && wishes.size > 0) {
      const open = [...wishes]
      let done = 0
      const send = async (): Promise<void> => {
        for (let wish = open.shift(); wish !== undefined && !isOver(); wish = open.shift()) {
          const alive = processes.filter(isAlive)
          const to = alive[Math.floor(random() * alive.length)]
          if (!to) return
          try {
            if (!(await wish((...given) => call(to.url, ...given)))) continue
            wishes.delete(wish)
            done += 1
          } catch {
            // It died; the wish stays and is told to another.
          }
        }
      }
      await Promise.all(Array.from({ length: sendersAtATime }, send))
      if (done === 0) await delay(100)
    }
  }

  const unexpected = (what: string, reply: Reply): false => {
    // 409: another that died has it still, or has done it already.
    if (reply.status !== 409) figures.faults.push(`${what}: answer ${reply.status} ${JSON.stringify(reply.body)}`)
    return false
  }

  /** What the clients of a round want: products, a session with captures, its submission, then its photos applied. */
  async function wishRound(round: number): Promise<void> {
    let session = ''
    let left = codesOfRound + appliesOfRound + photosOfRound(round)
    const photos: string[] = []
    const acknowledge = (key: string, id: string): true => {
      acknowledged.set(key, id)
      left -= 1
      return true
    }
    wishes.add(async (call) => {
      const reply = await call('POST', `${scanner}/sessions`, {}, `session-${round}`)
      if (reply.status !== 201) return unexpected('session', reply)
      session = reply.body.id
      return true
    })
    for (let index = 0; index < codesOfRound; index += 1) {
      const key = `round-${round}-${index}`
      figures.sent += 1
      wishes.add(async (call) => {
        if (session === '') return false
        const capture = {
          session_short_id: session,
          capture_type: 'BARCODE',
          raw_value: valueOf(key, index, outsideUrl),
        }
        const reply = await call('POST', `${scanner}/captures`, capture, key)
        return reply.status === 201 ? acknowledge(key, reply.body.id) : unexpected('capture', reply)
      })
    }
    const take = async (call: Call, key: string, gtin: string, body: () => [path: string, body: object | FormData]) => {
      if (!known.has(gtin)) {
        const product = await call('POST', '/products/api/v1/products', { gtin, product_name: before }, key)
        if (product.status !== 201) return unexpected('product', product)
        known.add(gtin)
      }
      const reply = await call('POST', ...body(), key)
      return reply.status === 201 ? acknowledge(key, reply.body.id) : unexpected('capture', reply)
    }
    for (let index = 0; index < appliesOfRound; index += 1) {
      const key = `apply-${round}-${index}`
      const gtin = gtinOf(`4098${String(round * appliesOfRound + index).padStart(8, '0')}`)
      figures.sent += 1
      wishes.add(async (call) => {
        if (session === '') return false
        const capture = { session_short_id: session, capture_type: 'BARCODE', raw_value: gtin }
        if (!(await take(call, key, gtin, () => [`${scanner}/captures`, capture]))) return false
        wishes.add((again) => review(again, acknowledged.get(key) ?? ''))
        return true
      })
    }
    for (let index = 0; index < photosOfRound(round); index += 1) {
      const key = `photo-${round}-${index}`
      const gtin = gtinOf(`4099${String(round).padStart(8, '0')}`)
      const image = new Blob([Buffer.from(await drawCode({ format: 'EAN13', text: gtin }))], { type: 'image/png' })
      figures.sent += 1
      wishes.add(async (call) => {
        if (session === '') return false
        const form = new FormData()
        form.set('session_short_id', session)
        form.set('image', image, 'photo.png')
        if (!(await take(call, key, gtin, () => [`${scanner}/captures/upload-image`, form]))) return false
        photos.push(acknowledged.get(key) ?? '')
        return true
      })
    }
    wishes.add(async (call) => {
      if (left > 0) return false
      // Without a photo there is nothing to submit.
      const reply = await call('POST', `${scanner}/sessions/${session}/${photosOfRound(round) > 0 ? 'submit' : 'end'}`)
      // It may have been done without our having heard of it; what came of it is looked at in the end.
      if (reply.status !== 200 && reply.status !== 409) return unexpected('submit', reply)
      for (const photo of photos) wishes.add((again) => review(again, photo, session))
      return true
    })
  }

  /** Writes a proposal as reading a photo does, unless it is there. */
  async function propose(captureId: string, productId: string): Promise<void> {
    if (database === undefined || proposed.has(captureId)) return
    proposed.add(captureId)
    await database.db
      .insertInto('proposals')
      .values({
        id: newId(),
        capture_id: captureId,
        product_id: productId,
        photo_id: null,
        field_name: 'name',
        current_value: before,
        proposed_value: `Name ${(names += 1)}`,
        confidence: 0.9,
        reasoning: '',
        source: 'kill',
        box: null,
        status: 'PENDING',
        withdrawn_reason: '',
        created_at: new Date().toISOString(),
        reviewed_at: null,
        applied_at: null,
        change_id: null,
      })
      .execute()
  }

  /** Accepts and applies what was read from a photo, once it was; retries it when its server died too often. */
  async function review(call: Call, id: string, session?: string): Promise<boolean> {
    const capture = await call('GET', `${scanner}/captures/${id}`)
    if (capture.body.status === 'FAILED' && String(capture.body.error_message).includes(diedEachTime)) {
      if ((await call('POST', `${scanner}/captures/${id}/retry`)).status === 200) figures.retried += 1
      return false
    }
    if (capture.body.status !== 'COMPLETED') return false
    if (session === undefined) await propose(id, capture.body.product_short_id)
    else if ((await call('GET', `${scanner}/sessions/${session}/status`)).body.extraction_status !== 'ready')
      return false
    const { body: proposals } = await call('GET', `${scanner}/captures/${id}/proposals`)
    if (proposals.length === 0) {
      // Its reading was given up: a person would ask for it once more.
      if (enriched.has(id)) return false
      askedAgain.add(id)
      if ((await call('POST', `${scanner}/captures/${id}/enrich`)).status === 202) {
        enriched.add(id)
        figures.retried += 1
      }
      return false
    }
    const pending = (proposals as { id: string; status: string }[]).filter(({ status }) => status === 'PENDING')
    try {
      if (pending.length > 0) {
        const wanted = { accept: pending.map((one) => one.id), reject: [] }
        const reply = await call('POST', `${scanner}/captures/${id}/proposals/bulk-review`, wanted)
        if (reply.status !== 200) return unexpected('review', reply)
      }
      const reply = await call('POST', `${scanner}/captures/${id}/apply`)
      return reply.status === 200 || unexpected('apply', reply)
    } catch (error) {
      diedApplying = true
      throw error
    }
  }

  async function kill(running: Running | undefined): Promise<void> {
    if (!isAlive(running)) return
    const ended = once(running.child, 'exit')
    running.child.kill('SIGKILL')
    await ended
  }

  try {
    for (let index = 0; index < processes.length; index += 1) processes[index] = await start(0)
    const [first] = processes
    if (!first) throw new Error('The backend does not start')
    database = await openDatabase(location, silentLog)
    await call(first.url, 'POST', '/products/api/v1/products', { gtin: markerGtin, product_name: 'Marker' })
    const hook = { url: outsideUrl, event_types: ['scanner'] }
    await call(first.url, 'POST', '/integrations/api/v1/webhooks/endpoints', hook)

    for (let round = 0; round < options.rounds && options.signal?.aborted !== true; round += 1) {
      const turn = round % processes.length
      await kill(processes[turn])
      await wishRound(round)
      const kind = (['statement', 'call', 'clock'] as const)[round % 3]
      const statement = kind === 'statement' ? 1 + Math.floor(random() * statementsOfRound[options.engine]) : 0
      let callsLeft = kind === 'call' ? 1 + Math.floor(random() * 24) : 0
      let isOver = false
      let died: 'atStatement' | 'atCall' | 'byClock' | undefined
      // Those who live take captures while this one starts; if nobody does, they wait for it.
      const served = serve(() => isOver)
      const running = (processes[turn] = await start(statement))
      onCall = () => {
        callsLeft -= 1
        if (callsLeft !== 0 || !isAlive(running)) return
        running.child.kill('SIGKILL')
        died = 'atCall'
      }
      const endsMs = performance.now() + (kind === 'clock' ? 200 + random() * roundMs : roundMs)
      while (isAlive(running) && performance.now() < endsMs) await delay(10)
      if (isAlive(running)) died = 'byClock'
      await kill(running)
      figures[died ?? 'atStatement'] += 1
      for (const [queue, count] of await openJobs(database)) if (count > 0) figures.inFlight[queue] += 1
      isOver = true
      await served
      onCall = () => undefined
      if (diedApplying) figures.inFlight.apply += 1
      diedApplying = false
      figures.rounds += 1
      if (figures.rounds % 25 === 0) options.tell?.(figures)
    }

    processes[0] = await start(0)
    await settle(database)
    await account(database)
  } finally {
    for (const running of processes) await kill(running)
    for (const child of starting) child.kill('SIGKILL')
    await database?.close()
    await server?.stop()
    outside.closeAllConnections()
    outside.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return figures

  /** Lets everything come to its end, as long as something moves. */
  async function settle(database: Database): Promise<void> {
    let least = Number.POSITIVE_INFINITY
    let most = -1
    let untilMs = 0
    let isOver = false
    const served = serve(() => isOver)
    for (;;) {
      const jobs = (await openJobs(database)).reduce((sum, [, count]) => sum + count, 0)
      const open = wishes.size + jobs + (await unfinished(database))
      if (open === 0) break
      // What is taken makes more to do at first.
      const done = acknowledged.size + taken.size
      if (open < least || done > most) untilMs = performance.now() + settleMs
      else if (performance.now() > untilMs) break
      least = Math.min(least, open)
      most = Math.max(most, done)
      await delay(100)
    }
    isOver = true
    await served
    figures.stuck = wishes.size + (await unfinished(database))
    for (const [queue, count] of await openJobs(database)) {
      if (count === 0) continue
      figures.stuck += count
      figures.faults.push(`${count} jobs of ${queue} are left`)
    }
  }

  /** Counts what is wrong once everything has had its time. */
  async function account({ db }: Database): Promise<void> {
    figures.acknowledged = acknowledged.size
    const captures = await db.selectFrom('captures').selectAll().execute()
    const byId = new Map(captures.map((capture) => [capture.id, capture]))
    const lose = (what: string): void => {
      figures.lost += 1
      figures.faults.push(`lost: ${what}`)
    }
    const double = (what: string): void => {
      figures.doubled += 1
      figures.faults.push(`doubled: ${what}`)
    }
    for (const [key, id] of acknowledged) if (!byId.has(id)) lose(`capture ${key}`)
    for (let missing = figures.sent - acknowledged.size; missing > 0; missing -= 1)
      lose('a capture that was never taken')
    if (captures.length > figures.sent) double(`${captures.length} captures of ${figures.sent}`)

    const extractions = await db.selectFrom('extractions').selectAll().execute()
    const proposals = await db.selectFrom('proposals').selectAll().execute()
    const products = new Map((await db.selectFrom('products').selectAll().execute()).map((row) => [row.id, row]))
    const changes = await db.selectFrom('product_changes').selectAll().where('action', '=', 'apply').execute()
    const deliveries = await db.selectFrom('webhook_deliveries').selectAll().execute()
    const told = Map.groupBy(deliveries, ({ body }) => {
      const { type, data } = JSON.parse(body) as { type: string; data: { session_id: string; capture_id?: string } }
      return `${type} ${data.capture_id ?? data.session_id}`
    })
    for (const [key, id] of acknowledged) {
      const capture = byId.get(id)
      if (!capture) continue
      const hasProduct = capture.gtin !== '' && capture.gtin !== unknownGtin
      const expected = hasProduct ? 'COMPLETED' : 'NOT_FOUND'
      if (capture.status !== expected) figures.faults.push(`${key} is ${capture.status}: ${capture.error_message}`)
      const about = told.get(`scanner.capture.${expected.toLowerCase()} ${id}`)?.length ?? 0
      if (about === 0) lose(`the event of ${key}`)
      if (about > 1 && !askedAgain.has(id)) double(`the event of ${key}`)
      if (capture.raw_value.startsWith('http')) {
        const analysis = JSON.parse(capture.qr_analysis ?? 'null') as { hop_count: number } | null
        if (analysis?.hop_count === 2) figures.links += 1
        else lose(`the link of ${key}: ${capture.qr_analysis}`)
      }
      if (key.startsWith('round-')) continue
      const ofPhoto = extractions.filter((one) => one.capture_id === id && !one.error.includes(diedEachTime))
      if (key.startsWith('photo-') && ofPhoto.length === 0) lose(`the reading of ${key}`)
      if (ofPhoto.length > 1) double(`the reading of ${key}`)
      for (const { error } of ofPhoto) if (error !== '') figures.faults.push(`${key} was not read: ${error}`)
      figures.extractions += ofPhoto.length
      const [proposal, second] = proposals.filter(({ capture_id }) => capture_id === id)
      if (!proposal) lose(`the proposal of ${key}`)
      if (second) double(`the proposal of ${key}`)
      const [change, again] = changes.filter(({ capture_id }) => capture_id === id)
      if (!change) lose(`the change of ${key}`)
      if (again) double(`the change of ${key}`)
      const product = products.get(capture.product_id ?? '')
      if (change && proposal && product?.product_name === proposal.proposed_value && proposal.change_id === change.id)
        figures.applied += 1
      else figures.faults.push(`${key} is not applied`)
    }
    const sessions = await db.selectFrom('sessions').select(['id', 'extraction_status']).execute()
    const withPhotos = new Set(extractions.map(({ session_id }) => session_id))
    for (const { id, extraction_status } of sessions) {
      const isSubmitted = withPhotos.has(id)
      if (extraction_status !== (isSubmitted ? 'ready' : 'pending')) {
        figures.faults.push(`session ${id} is ${extraction_status}`)
      }
      for (const type of ['scanner.session.completed', ...(isSubmitted ? ['scanner.proposals.ready'] : [])]) {
        const about = told.get(`${type} ${id}`)?.length ?? 0
        if (about === 0) lose(`${type} of ${id}`)
        if (about > 1) double(`${type} of ${id}`)
      }
    }
    for (const { id, status } of deliveries) {
      if (status !== 'DELIVERED' || !taken.has(id)) lose(`delivery ${id}: ${status}`)
    }
    figures.deliveries = deliveries.length
    figures.repeatedDeliveries = [...taken.values()].filter((times) => times > 1).length
    for (const id of taken.keys()) {
      if (!deliveries.some((delivery) => delivery.id === id)) double(`delivery ${id} is of nothing that happened`)
    }
  }
}

const unknownGtin = '09506000134352'
/** The name of products to which another is then applied. */
const before = 'Before'

const gtinOf = (digits: string): string => digits + checkDigit(digits)

/** A value that only this capture has: of the product, of an unknown one, an address that is to be followed, or none. */
function valueOf(key: string, index: number, outsideUrl: string): string {
  if (index % 4 === 0) return `01${markerGtin}21${key}`
  if (index % 4 === 1) return `01${unknownGtin}21${key}`
  if (index % 4 === 2) return `text ${key}`
  return `${outsideUrl}/01/${markerGtin}/21/${key}`
}

/** What a service for vision answers that has read nothing but a name. */
function modelAnswer(name: string): string {
  const answer: RemoteAnswer = {
    product_name: [{ value: name, confidence: 0.9, box: null }],
    brand: [],
    net_content: [],
    ingredients: [],
    country_of_origin: [],
    certifications: [],
    serving_size: [],
    nutrition: [],
    text: name,
  }
  return JSON.stringify({ choices: [{ finish_reason: 'stop', message: { content: JSON.stringify(answer) } }] })
}

/** Captures that have not come to an end. */
async function unfinished({ db }: Database): Promise<number> {
  const { count } = await db
    .selectFrom('captures')
    .select((all) => all.fn.countAll<number>().as('count'))
    .where('status', 'not in', ['COMPLETED', 'NOT_FOUND', 'FAILED'])
    .executeTakeFirstOrThrow()
  return count
}

/** Jobs that are not done, without taking part in the work as an open queue would. */
async function openJobs({ db, engine }: Database): Promise<readonly [QueueName, number][]> {
  const { rows } = await (
    engine === 'sqlite'
      ? sql<{ name: QueueName; count: number }>`select queue as name, count(*) as count from jobs group by queue`
      : sql<{ name: QueueName; count: number }>`
          select name, count(*) as count from pgboss.job where state in ('created', 'retry', 'active') group by name`
  ).execute(db)
  return rows.filter(({ name }) => queues.includes(name)).map(({ name, count }) => [name, count])
}

/** `npm run bench -- backend-kill`: both engines, or one of them. SIGINT ends the rounds and counts those that were made. */
export async function benchBackendKill(
  rounds: number,
  seed: number,
  wanted: string | undefined,
  say: (line: string) => void,
): Promise<void> {
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  for (const engine of ['sqlite', 'postgres'] as const) {
    if (wanted !== undefined && wanted !== engine) continue
    const { signal } = stop
    const figures = await backendKillRounds({ engine, rounds, seed, signal, tell: (now) => say(lineOf(now)) })
    if ('missing' in figures) {
      say(`backend-kill: not on PostgreSQL, ${figures.missing}`)
      continue
    }
    say(lineOf(figures))
    const alike = Map.groupBy(figures.faults, (fault) => fault)
    for (const [fault, times] of [...alike].slice(0, 40))
      say(`  ${fault}${times.length > 1 ? ` (${times.length} times)` : ''}`)
    if (figures.lost + figures.doubled + figures.stuck + figures.faults.length > 0) process.exitCode = 1
  }
}

function lineOf(figures: BackendKillFigures): string {
  const { engine, rounds, atStatement, atCall, byClock, inFlight } = figures
  const flying = Object.entries(inFlight).map(([name, count]) => `${name} ${count}`)
  return (
    `backend-kill: ${engine}, ${rounds} rounds (${atStatement} at a statement, ${atCall} at a call to others, ${byClock} by the clock; ` +
    `under way when killed: ${flying.join(', ')}), ${figures.sent} sent, ${figures.acknowledged} acknowledged, ` +
    `${figures.links} links followed, ${figures.extractions} photos read, ${figures.applied} applied, ` +
    `${figures.deliveries} webhooks (${figures.repeatedDeliveries} delivered again), ${figures.retried} retried by hand, ` +
    `${figures.lost} lost, ${figures.doubled} doubled, ${figures.stuck} stuck`
  )
}
