import { Hono, type Context } from 'hono'
import { html } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'
import type { Health } from '#contract/backend/fleet.ts'
import { readAssignments } from '#domain/setting-layers.ts'
import { listKeys } from '../administration.ts'
import type { Database, Db } from '../db/database.ts'
import {
  changeLayer,
  currentLayer,
  listLayers,
  listStations,
  previewLayers,
  revokeStation,
  type StationRecord,
} from '../fleet.ts'
import { isRefusal, type Answer } from '../http/answer.ts'
import {
  clearedCookies,
  hasCsrfToken,
  publishablePerMinute,
  signIn,
  signOut,
  type Identify,
} from '../http/credentials.ts'
import type { RateLimiter } from '../http/rate-limit.ts'
import type { Credential } from '../http/route.ts'
import type { Jobs } from '../jobs/jobs.ts'
import { queues, type QueueName } from '../jobs/queue.ts'
import { isLast, readAgain } from '../proposals/unread.ts'
import { showRecoveryKeys, type ShownRecoveryKey } from '../recovery-keys.ts'
import { askForSupport, fetchSupport } from '../support.ts'
import { style } from './style.ts'

type Html = HtmlEscapedString | Promise<HtmlEscapedString>

/** What the admin pages look at. */
export interface AdminParts {
  readonly database: Database
  readonly jobs: Jobs
  readonly identify: Identify
  readonly limiter: RateLimiter
  readonly now: () => Date
  /** Where people reach the server, when a proxy stands before it. */
  readonly publicUrl?: string
}

/** No script, no frame, nothing from elsewhere. */
const policy =
  "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; img-src data:"
const headers = {
  'Content-Security-Policy': policy,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'same-origin',
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
}
const pageSize = 50
const formLimit = 16_384

interface Page {
  readonly title: string
  readonly about: string
  readonly body: (who: Credential, context: Context, csrf: string) => Promise<Html>
}

/**
 * The admin pages at `/admin`: plain forms and tables, for managers, of their own organisation.
 *
 * Every write is a form of the same origin that repeats the CSRF cookie.
 */
export function createAdmin({ database, jobs, identify, limiter, now, publicUrl = '' }: AdminParts): Hono {
  const { db } = database
  const app = new Hono()

  const pages: Readonly<Record<string, Page>> = {
    sessions: {
      title: 'Sessions',
      about: 'Scan sessions, newest first.',
      body: (who, context) => sessionsPage(db, who, pageOf(context)),
    },
    captures: {
      title: 'Captures',
      about:
        'Captures, newest first. A failed one says why, and the station that sent it can send it to be tried again.',
      body: (who, context) => capturesPage(db, who, pageOf(context)),
    },
    jobs: {
      title: 'Jobs',
      about: 'What is still to be done behind requests, by queue, and photos that could not be read.',
      body: (who, _context, csrf) => jobsPage(db, who, jobs, csrf),
    },
    'dead-letters': {
      title: 'Dead letters',
      about: 'Webhook deliveries that no attempt could bring. Mend the receiver, then send them again.',
      body: (who, _context, csrf) => deadLettersPage(db, who, csrf),
    },
    stations: {
      title: 'Stations',
      about:
        'Enrolled stations, as they told last, and who else opened sessions here. Codes are made with "capstan backend enrol"; a revoked station keeps what it captures until it is enrolled again.',
      body: (who, _context, csrf) => stationsPage(db, who, csrf, now()),
    },
    settings: {
      title: 'Settings',
      about:
        'What is set for all stations, or for a group over that; a station may set it otherwise for itself. A line is a setting, such as "sound.volume = 0.5"; what is left out is as built in.',
      body: (who, context, csrf) => settingsPage(db, who, context.req.query('group') ?? '', csrf),
    },
    keys: {
      title: 'Keys',
      about: 'API keys. New ones are made with "capstan backend keys create", which shows them once.',
      body: (who, _context, csrf) => keysPage(db, who, csrf, now()),
    },
  }

  app.get('/style.css', (context) =>
    context.body(style, 200, { 'Content-Type': 'text/css; charset=utf-8', ...headers }),
  )

  app.get('/', async (context) => {
    const who = await manager(context)
    return who === undefined ? answer(context, signInPage('')) : context.redirect('/admin/sessions', 303)
  })

  app.post('/login', async (context) => {
    const at = now()
    const address = (context.env as { incoming?: { socket?: { remoteAddress?: string } } } | undefined)?.incoming
    const limit = limiter.takeHere(`admin:${address?.socket?.remoteAddress ?? ''}`, { perMinute: 20, perDay: 0 }, at)
    if (!limit.allowed) return answer(context, signInPage('Too many attempts. Wait a minute and try again.'), 429)
    const form = isOwnOrigin(context, publicUrl) ? await readForm(context) : undefined
    if (form === undefined) return answer(context, signInPage('Sign in from this page.'), 403)
    const login = await signIn(db, form.get('email') ?? '', form.get('password') ?? '', at, publicUrl)
    if (!login || login.user.role !== 'manager') {
      return answer(context, signInPage('E-mail address or password is wrong, or the account is no manager.'), 401)
    }
    return leave('/admin/sessions', login.cookies)
  })

  app.post('/logout', async (context) => {
    const form = await checkedForm(context, publicUrl)
    if (form === undefined) return answer(context, signInPage('Sign in again.'), 403)
    await signOut(db, context.req.raw.headers)
    return leave('/admin', clearedCookies)
  })

  /** What a manager does by a form of these pages; `id` is the one of its path. */
  const act = (
    path: string,
    work: (asked: {
      readonly who: Credential
      readonly id: string
      readonly form: URLSearchParams
      readonly context: Context
    }) => Promise<Response>,
  ): void =>
    void app.post(path, async (context) => {
      const who = await manager(context)
      const form = await checkedForm(context, publicUrl)
      if (who === undefined || form === undefined) return answer(context, signInPage('Sign in again.'), 403)
      return work({ who, id: context.req.param('id') ?? '', form, context })
    })

  act('/dead-letters/:id/resend', async ({ who, id }) => {
    await database.write(async (transaction) => {
      const row = await transaction
        .selectFrom('webhook_deliveries')
        .innerJoin('webhook_endpoints', 'webhook_endpoints.id', 'webhook_deliveries.endpoint_id')
        .select('webhook_deliveries.id')
        .where('webhook_deliveries.id', '=', id)
        .where('webhook_endpoints.organization_id', '=', who.organizationId)
        .where('webhook_deliveries.status', '=', 'DEAD_LETTER')
        .forNoKeyUpdate('webhook_deliveries')
        .executeTakeFirst()
      if (!row) return
      await transaction
        .updateTable('webhook_deliveries')
        .set({ status: 'PENDING', last_error: '' })
        .where('id', '=', row.id)
        .execute()
      await jobs.add(transaction, 'webhook', [row.id])
    })
    return leave('/admin/dead-letters')
  })

  act('/photos/:id/read', async ({ who, id }) => {
    await database.write((transaction) => readAgain(transaction, who.organizationId, id, jobs.add, now()))
    return leave('/admin/jobs')
  })

  act('/keys/:id/revoke', async ({ who, id }) => {
    await db
      .updateTable('api_keys')
      .set({ is_active: 0 })
      .where('id', '=', id)
      .where('organization_id', '=', who.organizationId)
      .execute()
    return leave('/admin/keys')
  })

  act('/stations/:id/revoke', async ({ who, id }) => {
    await revokeStation(db, id, who.organizationId)
    return leave('/admin/stations')
  })

  act('/stations/:id/support', async ({ who, id }) => {
    const { organizationId, name } = who
    const wish = { organizationId, stationId: id, by: name }
    await database.write((transaction) => askForSupport(transaction, wish, now()))
    return leave('/admin/stations')
  })

  // A form, though it only reads: who has fetched it is on record.
  act('/stations/:id/support/fetch', async ({ who, id }) => {
    const { organizationId, name } = who
    const wish = { organizationId, stationId: id, by: name }
    const fetched = await database.write((transaction) => fetchSupport(transaction, wish, now()))
    if (!fetched.ok) return leave('/admin/stations')
    return new Response(fetched.value.zip, {
      headers: {
        ...headers,
        'Content-Type': 'application/zip',
        'Content-Disposition': `attachment; filename="${fetched.value.name}"`,
      },
    })
  })

  act('/stations/:id/recovery-key', async ({ who, id, context }) => {
    const { organizationId, name } = who
    const wish = { organizationId, stationId: id, by: name }
    const shown = await database.write((transaction) => showRecoveryKeys(transaction, wish, now()))
    if (!shown.ok) return leave('/admin/stations')
    const page = {
      title: 'Recovery key',
      about:
        'It opens the data of this station where its own key store is lost. Put it into its data folder as recovery-key.txt and start Capstan there. Whoever has it and the disk can read all of it: leave no copy.',
    }
    return answer(context, frame('stations', page, pages, who, csrfOf(context), recoveryKeysPage(id, shown.value)))
  })

  act('/settings', async ({ who, form, context }) => {
    const group = form.get('group') ?? ''
    const text = form.get('settings') ?? ''
    // A form's lines end with CR LF.
    const lines = text.split('\n').flatMap((line) => line.trim() || [])
    const changed = await database.write(async (transaction) => {
      const given = readAssignments(lines)
      if (!given.ok) return given
      const before = (await currentLayer(transaction, who.organizationId, group))?.settings ?? {}
      const gone = Object.fromEntries(Object.keys(before).map((path): [string, unknown] => [path, null]))
      const wish = { organizationId: who.organizationId, group, change: { ...gone, ...given.value }, by: who.name }
      return changeLayer(transaction, wish, now())
    })
    if (changed.ok) return leave(`/admin/settings?group=${encodeURIComponent(group)}`)
    // What was typed stays, beside what is wrong with it.
    const csrf = csrfOf(context)
    const body = await settingsPage(db, who, group, csrf, { text, fault: changed.error.message })
    return answer(context, frame('settings', pages['settings'] as Page, pages, who, csrf, body), 422)
  })

  app.get('/:page', async (context) => {
    const name = context.req.param('page')
    const page = Object.hasOwn(pages, name) ? pages[name] : undefined
    const who = await manager(context)
    if (who === undefined) return answer(context, signInPage(''), 401)
    if (page === undefined) return answer(context, signInPage('There is no such page.'), 404)
    const csrf = csrfOf(context)
    return answer(context, frame(name, page, pages, who, csrf, await page.body(who, context, csrf)))
  })

  /** The signed-in manager; keys do not count here, as browsers send none. */
  async function manager(context: Context): Promise<Credential | undefined> {
    const who = await identify(context.req.raw, now())
    if (isRefusal(who as Answer)) return undefined
    const credential = who as Credential
    return credential.kind === 'cookie' && credential.role === 'manager' ? credential : undefined
  }

  return app
}

function answer(
  context: Context,
  page: Html,
  status: 200 | 401 | 403 | 404 | 422 | 429 = 200,
): Response | Promise<Response> {
  return context.html(page, status, headers)
}

function leave(to: string, cookies: readonly string[] = []): Response {
  return new Response(null, {
    status: 303,
    headers: [
      ['Location', to],
      ...Object.entries(headers),
      ...cookies.map((one): [string, string] => ['Set-Cookie', one]),
    ],
  })
}

/** Browsers say where a form came from; one from elsewhere is not ours. */
function isOwnOrigin(context: Context, publicUrl: string): boolean {
  const origin = context.req.header('origin')
  if (origin === undefined || !URL.canParse(origin)) return false
  // A proxy may ask by another name than people do.
  return origin === publicUrl || new URL(origin).host === context.req.header('host')
}

async function readForm(context: Context): Promise<URLSearchParams | undefined> {
  const length = Number(context.req.header('content-length') ?? Number.NaN)
  if (!(length <= formLimit)) return undefined
  return new URLSearchParams(await context.req.text())
}

/** The form of a write: of the same origin, and with the token of the cookie. */
async function checkedForm(context: Context, publicUrl: string): Promise<URLSearchParams | undefined> {
  const form = isOwnOrigin(context, publicUrl) ? await readForm(context) : undefined
  if (form === undefined) return undefined
  const request = new Request('http://localhost/', {
    headers: { Cookie: context.req.header('cookie') ?? '', 'X-CSRFToken': form.get('csrf') ?? '' },
  })
  return hasCsrfToken(request) ? form : undefined
}

function csrfOf(context: Context): string {
  return /(?:^|;\s*)csrftoken=([\w-]+)/.exec(context.req.header('cookie') ?? '')?.[1] ?? ''
}

function pageOf(context: Context): number {
  const page = Number(context.req.query('page') ?? 1)
  return Number.isInteger(page) && page >= 1 && page <= 1_000_000 ? page : 1
}

function frame(
  name: string,
  page: Pick<Page, 'title' | 'about'>,
  pages: Readonly<Record<string, Page>>,
  who: Credential,
  csrf: string,
  body: Html,
) {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${page.title} · Capstan backend</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/admin/style.css" />
      </head>
      <body>
        <header>
          <strong>Capstan backend</strong>
          <nav aria-label="Pages">
            ${Object.entries(pages).map(
              ([path, { title }]) =>
                html`<a href="/admin/${path}" ${path === name ? html`aria-current="page"` : ''}>${title}</a>`,
            )}
          </nav>
          <span>${who.name}</span>
          <form method="post" action="/admin/logout">
            <input type="hidden" name="csrf" value="${csrf}" /><button>Sign out</button>
          </form>
        </header>
        <main>
          <h1>${page.title}</h1>
          <p class="about">${page.about}</p>
          ${body}
        </main>
      </body>
    </html>`
}

function signInPage(fault: string) {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>Sign in · Capstan backend</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/admin/style.css" />
      </head>
      <body>
        <main>
          <form class="panel sign-in" method="post" action="/admin/login">
            <h1>Capstan backend</h1>
            ${fault === '' ? '' : html`<p class="bad" role="alert">${fault}</p>`}
            <label>E-mail address <input name="email" type="email" autocomplete="username" required autofocus /></label>
            <label>Password <input name="password" type="password" autocomplete="current-password" required /></label>
            <button class="first">Sign in</button>
          </form>
        </main>
      </body>
    </html>`
}

/** Rows as a table; a sentence where there are none. */
function table(heads: readonly string[], rows: readonly (readonly (string | number | Html)[])[], none: string): Html {
  if (rows.length === 0) return html`<div class="panel"><p class="empty">${none}</p></div>`
  return html`<div class="panel" tabindex="0" role="region" aria-label="Table">
    <table>
      <thead>
        <tr>
          ${heads.map(
            (head, column) =>
              html`<th scope="col" class="${typeof rows[0]?.[column] === 'number' ? 'number' : ''}">${head}</th>`,
          )}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell) => html`<td class="${typeof cell === 'number' ? 'number' : ''}">${cell}</td>`)}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`
}

function pager(page: number, count: number): Html {
  const last = Math.max(1, Math.ceil(count / pageSize))
  return html`<div class="pages">
    ${page > 1 ? html`<a class="button" href="?page=${page - 1}">Newer</a>` : ''}
    <span>Page ${page} of ${last}, ${count} in all</span>
    ${page < last ? html`<a class="button" href="?page=${page + 1}">Older</a>` : ''}
  </div>`
}

/** An instant to the second, as people read it; machines' precision is in the API. */
function when(instant: string | null): Html | string {
  if (instant === null) return 'never'
  return html`<time datetime="${instant}">${instant.slice(0, 10)} ${instant.slice(11, 19)} UTC</time>`
}

/** A state in words, and in colour beside. */
function state(word: string): Html {
  const tone = /FAILED|DEAD|EXPIRED|revoked|stale/.test(word)
    ? 'bad'
    : /COMPLETED|ACTIVE|active/.test(word)
      ? 'good'
      : ''
  return html`<span class="${tone}">${word}</span>`
}

async function sessionsPage(db: Db, { organizationId }: Credential, page: number): Promise<Html> {
  const own = db.selectFrom('sessions').where('organization_id', '=', organizationId)
  const { count } = await own.select((all) => all.fn.countAll<number>().as('count')).executeTakeFirstOrThrow()
  const rows = await own
    .selectAll()
    .select((row) => [
      row
        .selectFrom('captures')
        .select((all) => all.fn.countAll<number>().as('count'))
        .whereRef('session_id', '=', 'sessions.id')
        .as('captures'),
      row
        .selectFrom('photos')
        .select((all) => all.fn.countAll<number>().as('count'))
        .whereRef('session_id', '=', 'sessions.id')
        .as('photos'),
    ])
    .orderBy('id', 'desc')
    .limit(pageSize)
    .offset((page - 1) * pageSize)
    .execute()
  const cells = rows.map((row) => [
    html`<code class="whole">${row.id}</code>`,
    (JSON.parse(row.metadata) as Record<string, string>)['label'] ?? '',
    state(row.status),
    row.capture_mode,
    row.extraction_status,
    row.captures ?? 0,
    row.photos ?? 0,
    when(row.created_at),
    when(row.active_at),
  ])
  const heads = ['Session', 'Label', 'State', 'Mode', 'Extraction', 'Captures', 'Photos', 'Opened', 'Last active']
  return html`${table(heads, cells, 'No session yet. A station opens one with its first scan.')}${pager(page, count)}`
}

async function capturesPage(db: Db, { organizationId }: Credential, page: number): Promise<Html> {
  const own = db
    .selectFrom('captures')
    .innerJoin('sessions', 'sessions.id', 'captures.session_id')
    .where('sessions.organization_id', '=', organizationId)
  const { count } = await own.select((all) => all.fn.countAll<number>().as('count')).executeTakeFirstOrThrow()
  const rows = await own
    .selectAll('captures')
    .orderBy('captures.id', 'desc')
    .limit(pageSize)
    .offset((page - 1) * pageSize)
    .execute()
  const cells = rows.map((row) => [
    html`<code class="whole">${row.id}</code>`,
    state(row.status),
    row.capture_type,
    html`<code>${row.raw_value.slice(0, 120)}</code>`,
    html`<code class="whole">${row.gtin}</code>`,
    row.error_message,
    when(row.created_at),
  ])
  const heads = ['Capture', 'State', 'Type', 'Value', 'GTIN', 'Remark', 'Taken']
  return html`${table(heads, cells, 'No capture yet. Scans appear here as stations send them.')}${pager(page, count)}`
}

const queueTitles: Readonly<Record<QueueName, string>> = {
  captures: 'Captures to look up',
  photo: 'Photos to search for codes',
  fields: 'Photos to read',
  link: 'Links to follow',
  webhook: 'Webhooks to deliver',
}

async function jobsPage(db: Db, { organizationId }: Credential, jobs: Jobs, csrf: string): Promise<Html> {
  const counts = await jobs.count()
  const failed = await db
    .selectFrom('extractions')
    .innerJoin('sessions', 'sessions.id', 'extractions.session_id')
    .select(['extractions.id', 'extractions.photo_id', 'extractions.capture_id', 'error', 'done_at'])
    .where('sessions.organization_id', '=', organizationId)
    .where('error', '!=', '')
    .where(isLast)
    .orderBy('extractions.id', 'desc')
    .limit(pageSize)
    .execute()
  const cells = failed.map((row) => [
    html`<code>${row.photo_id ?? row.capture_id ?? ''}</code>`,
    row.photo_id === null ? 'photo of a capture' : 'product photo',
    row.error,
    when(row.done_at),
    html`<form method="post" action="/admin/photos/${row.id}/read">
      <input type="hidden" name="csrf" value="${csrf}" /><button>Read again</button>
    </form>`,
  ])
  return html`<div class="tiles">
      ${queues.map((queue) => html`<div>${queueTitles[queue]} <b>${counts[queue]}</b></div>`)}
    </div>
    ${table(['Photo', 'Kind', 'Why it was not read', 'When', ''], cells, 'Every photo could be read.')}`
}

async function deadLettersPage(db: Db, { organizationId }: Credential, csrf: string): Promise<Html> {
  const rows = await db
    .selectFrom('webhook_deliveries')
    .innerJoin('webhook_endpoints', 'webhook_endpoints.id', 'webhook_deliveries.endpoint_id')
    .selectAll('webhook_deliveries')
    .select('webhook_endpoints.url')
    .where('webhook_endpoints.organization_id', '=', organizationId)
    .where('webhook_deliveries.status', '=', 'DEAD_LETTER')
    .orderBy('webhook_deliveries.id', 'desc')
    .limit(pageSize)
    .execute()
  const cells = rows.map((row) => [
    row.event_type,
    html`<code>${row.url}</code>`,
    row.attempts,
    row.last_error,
    when(row.created_at),
    html`<form method="post" action="/admin/dead-letters/${row.id}/resend">
      <input type="hidden" name="csrf" value="${csrf}" /><button>Send again</button>
    </form>`,
  ])
  const heads = ['Event', 'Receiver', 'Attempts', 'Why', 'Happened', 'Next']
  return table(heads, cells, 'No dead letters: every webhook was delivered, or is still being tried.')
}

async function stationsPage(db: Db, { organizationId }: Credential, csrf: string, at: Date): Promise<Html> {
  const stations = (await listStations(db, organizationId, at)).map((station) => {
    const { health } = station
    return [
      html`<b>${station.label}</b>${line(station.group)}<br /><code>${station.id}</code>`,
      html`${state(station.state)}${health === null ? '' : alarmsOf(health)}`,
      html`${when(station.seen_at)}${health === null ? '' : html`<br /><span class="quiet">last scan</span><br />${when(health.lastScanAt)}`}`,
      health === null
        ? ''
        : html`${health.queue.waiting}${health.queue.oldestMs === null ? '' : line(`for ${minutes(health.queue.oldestMs)}`)}`,
      health === null
        ? ''
        : html`${health.devices.ready}
          ready${health.devices.failing.map((name) => html`<br /><span class="bad">${name}</span>`)}${health.disk.freeBytes === null ? '' : line(`${(health.disk.freeBytes / 1e9).toFixed(1)} GB free`)}`,
      html`${health?.version ?? ''}${updateOf(health?.update ?? null)}`,
      html`${supportOf(station, csrf)}${keptKeyOf(station, csrf)}`,
      station.state === 'revoked' ? '' : stationForm(station.id, 'revoke', 'Revoke', csrf),
    ]
  })
  const stationHeads = [
    'Station',
    'State',
    'Last seen',
    'Waiting',
    'Devices, disk',
    'Version',
    'Bundle, recovery key',
    'Next',
  ]
  const rows = await db
    .selectFrom('sessions')
    .select((row) => [
      'user_agent',
      'device_context',
      row.fn.countAll<number>().as('sessions'),
      row.fn.max<string>('active_at').as('last'),
    ])
    .where('organization_id', '=', organizationId)
    .groupBy(['user_agent', 'device_context'])
    .orderBy('last', 'desc')
    .limit(500)
    .execute()
  const cells = rows.map((row) => {
    const context = JSON.parse(row.device_context) as Record<string, unknown>
    const said = Object.entries(context).map(([name, value]) => `${name}: ${String(value)}`)
    return [said.join(', ') || 'Says nothing of itself', row.user_agent, row.sessions, when(row.last)]
  })
  const none = 'No station is enrolled yet. Make a code with "capstan backend enrol" and scan it at the station.'
  return html`${table(stationHeads, stations, none)}
    <h2>Who opened sessions</h2>
    ${table(['Who', 'Program', 'Sessions', 'Last seen'], cells, 'Nobody has opened a session here yet.')}`
}

/** A line of its own beneath what stands in the cell; none for no text. */
const line = (text: string): Html | '' => (text === '' ? '' : html`<br /><span class="quiet">${text}</span>`)

/** What somebody should look at there, and why it took no newer settings. */
const alarmsOf = ({ alarms, layers }: Health): Html =>
  html`${alarms.map((alarm) => html`<br /><span class="bad">${wordsOf(alarm)}</span>`)}${line(layers.refused ?? '')}`

/** How an update of Capstan itself stands there; nothing where there is none to tell of. */
function updateOf(update: Health['update']): Html | '' {
  if (update === null) return ''
  const { state: stands, version, waitsFor, failed } = update
  const waits = waitsFor === null ? '' : `, waits for: ${wordsOf(waitsFor)}`
  const isBad = stands === 'failed' || stands === 'unsigned' || stands === 'taken_back'
  const words = updateWords.get(stands) ?? wordsOf(stands)
  return html`${words === '' ? '' : html`<br /><span class="${isBad ? 'bad' : ''}">${version} ${words}${waits}</span>`}
  ${failed.length === 0 ? '' : html`<br />taken back there: ${failed.join(', ')}`}`
}
const updateWords: ReadonlyMap<string, string> = new Map([
  ['unavailable', ''],
  ['off', ''],
  ['current', ''],
  ['found', 'is being fetched'],
  ['ready', 'is ready to be installed'],
  ['failed', 'no update could be had or installed'],
  ['unsigned', 'is not signed by the release key'],
  ['taken_back', 'did not work and was taken back'],
])

/** A name as people read it: what a newer station tells has no other words here. */
const wordsOf = (name: string): string => name.replaceAll('_', ' ')

/** A bundle is asked for, waited for, and fetched; who did it when stays to be seen. */
function supportOf({ id, state: stands, support }: StationRecord, csrf: string): Html {
  const form = (path: string, label: string): Html => stationForm(id, path, label, csrf)
  const isListening = stands !== 'revoked'
  if (support === null) return isListening ? form('support', 'Ask for a bundle') : html``
  const { asked_by, asked_at, sent_at, fetched_by, fetched_at, is_here } = support
  return html`<p>Asked by ${asked_by} ${when(asked_at)}</p>
    ${sent_at === null && isListening ? html`<p>It comes when the station tells next.</p>` : ''}
    ${fetched_at === null ? '' : html`<p>Fetched by ${fetched_by} ${when(fetched_at)}</p>`}
    ${is_here ? form('support/fetch', 'Save the bundle') : ''}
    ${sent_at !== null && isListening ? form('support', 'Ask for a bundle') : ''}`
}

/** Since when a key is kept, and who has seen it last; the key itself only on a page of its own, after a press. */
function keptKeyOf({ id, recovery_key: kept }: StationRecord, csrf: string): Html {
  if (kept === null) return html`<p class="quiet">Recovery key: none</p>`
  return html`<p>Recovery key: kept since ${when(kept.kept_at)}</p>
    ${kept.shown_by === null ? '' : html`<p>Shown to ${kept.shown_by} ${when(kept.shown_at)}</p>`}
    ${stationForm(id, 'recovery-key', 'Show the key', csrf)}`
}

function recoveryKeysPage(id: string, keys: readonly ShownRecoveryKey[]): Html {
  return html`<section class="panel keys">
      <p>Station <code>${id}</code></p>
      ${keys.map(
        ({ recovery_key, kept_at }) =>
          html`<p>
            <code class="key">${recovery_key}</code><br /><span class="quiet">kept since ${when(kept_at)}</span>
          </p>`,
      )}
      ${keys.length === 1 ? '' : html`<p>The newest is above; an older one opens what was saved before it.</p>`}
    </section>
    <p><a class="button" href="/admin/stations">Back to the stations</a></p>`
}

const stationForm = (id: string, path: string, label: string, csrf: string): Html =>
  html`<form method="post" action="/admin/stations/${id}/${path}">
    <input type="hidden" name="csrf" value="${csrf}" /><button>${label}</button>
  </form>`

function minutes(ms: number): string {
  return ms < 120_000 ? `${Math.round(ms / 1_000)} s` : `${Math.round(ms / 60_000)} min`
}

/** The layer of a group to be changed, what would hold for its stations, and who changed what. */
async function settingsPage(
  db: Db,
  { organizationId }: Credential,
  group: string,
  csrf: string,
  typed?: { readonly text: string; readonly fault: string },
): Promise<Html> {
  const [layer, rows, history, stations] = [
    await currentLayer(db, organizationId, group),
    await previewLayers(db, organizationId, group),
    await listLayers(db, organizationId),
    await db
      .selectFrom('stations')
      .select('group_name')
      .distinct()
      .where('organization_id', '=', organizationId)
      .execute(),
  ]
  const groups = new Set(['', ...history.map((one) => one.group), ...stations.map((one) => one.group_name)])
  const written = Object.entries(layer?.settings ?? {}).map(([path, value]) => `${path} = ${JSON.stringify(value)}`)
  const cells = rows
    .filter(({ isFleet }) => isFleet)
    .map((row) => [
      html`<code>${row.path}</code>`,
      html`<code>${brief(row.value)}</code>`,
      sources[row.source],
      row.help,
    ])
  const changes = history.map((one) => [
    when(one.changed_at),
    one.group === '' ? 'All stations' : one.group,
    one.changed_by,
    html`<code>${brief(one.settings)}</code>`,
  ])
  return html`<p>
      ${[...groups]
        .toSorted()
        .map(
          (name) =>
            html`<a
              class="button"
              href="?group=${encodeURIComponent(name)}"
              ${name === group ? html`aria-current="true"` : ''}
              >${name === '' ? 'All stations' : name}</a
            > `,
        )}
    </p>
    <form class="panel" method="post" action="/admin/settings">
      <input type="hidden" name="csrf" value="${csrf}" />
      ${typed === undefined ? '' : html`<p class="bad" role="alert">${typed.fault}</p>`}
      <label>Group (empty: all stations) <input name="group" value="${group}" maxlength="40" /></label>
      <label
        >What is set for it
        <textarea name="settings" rows="8" cols="80" spellcheck="false">${typed?.text ?? written.join('\n')}</textarea>
      </label>
      <button class="first">Save</button>
    </form>
    <h2>What would hold there, before a station says otherwise</h2>
    ${table(['Setting', 'Value', 'From', 'What it does'], cells, '')}
    <h2>Who changed what</h2>
    ${table(['When', 'Of', 'By', 'What was set then'], changes, 'Nothing has been set yet.')}`
}

const sources = { built_in: 'built in', site: 'all stations', group: 'group', station: 'station' } as const

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? ''
  return text.length <= 200 ? text : `${text.slice(0, 199)}…`
}

async function keysPage(db: Db, { organizationId }: Credential, csrf: string, at: Date): Promise<Html> {
  const keys = await listKeys(db, organizationId)
  const cells = keys.map((key) => {
    const isOver = key.expires_at !== null && key.expires_at <= at.toISOString()
    const standing = !key.is_active ? 'revoked' : isOver ? 'ended' : 'active'
    return [
      key.name,
      key.kind,
      key.role,
      state(standing),
      key.rate_limit_per_minute || (key.kind === 'publishable' ? publishablePerMinute : "the server's"),
      key.rate_limit_per_day || "the server's",
      when(key.last_used_at),
      when(key.expires_at),
      standing === 'active'
        ? html`<form method="post" action="/admin/keys/${key.id}/revoke">
            <input type="hidden" name="csrf" value="${csrf}" /><button>Revoke</button>
          </form>`
        : '',
    ]
  })
  const heads = ['Name', 'Kind', 'Role', 'State', 'A minute', 'A day', 'Last used', 'Ends', 'Next']
  return table(heads, cells, 'No keys.')
}
