import { randomBytes } from 'node:crypto'
import type { Selectable } from 'kysely'
import type { Db } from '../db/database.ts'
import type { Role, Tables } from '../db/tables.ts'
import { gather } from '../gather.ts'
import { isMistypedKey, isSameSecret, secretHash } from '../keys.ts'
import { isPassword } from '../passwords.ts'
import { refuse, type Refusal } from './answer.ts'
import type { Credential } from './route.ts'

const loginMs = 14 * 24 * 3_600_000

/** Finds out who is asking: the header `X-API-Key` first, else the cookie `sessionid` (contracts 1.3). */
export type Identify = (request: Request, at: Date) => Promise<Credential | Refusal>

type KeyRow = Selectable<Tables['api_keys']> & {
  readonly user_role: Role | null
  readonly user_organization: string | null
}
type FindKey = (hash: string) => Promise<KeyRow | undefined>

/** What a publishable key may ask a minute (contracts 1.8); it is read by whoever looks into a front end. */
export const publishablePerMinute = 100

/** Makes the one that knows the credentials of a database. Nothing is kept: a key that was revoked ends at once. */
export function createIdentify(db: Db): Identify {
  // A site's stations mostly have one key: those that ask at the same time are answered by one look.
  const findKey: FindKey = gather(
    async (hashes) => {
      const rows = await db
        .selectFrom('api_keys')
        .leftJoin('users', 'users.id', 'api_keys.user_id')
        .selectAll('api_keys')
        .select(['users.role as user_role', 'users.organization_id as user_organization'])
        .where('api_keys.hash', 'in', [...new Set(hashes)])
        .execute()
      return hashes.map((hash) => rows.find((row) => isSameSecret(row.hash, hash)))
    },
    { atATime: 1, most: 100 },
  )
  return async (request, at) => {
    const key = request.headers.get('x-api-key')
    if (key !== null) return identifyKey(findKey, key, at)
    const login = cookiesOf(request).get('sessionid')
    if (login !== undefined) return identifyLogin(db, login, at)
    return refuse('unauthorized', 'Give an API key in the header X-API-Key, or sign in.')
  }
}

async function identifyKey(findKey: FindKey, key: string, at: Date): Promise<Credential | Refusal> {
  // A configured key may be any text, but one that looks like ours was mistyped when its checksum is wrong.
  if (isMistypedKey(key)) return refuse('unauthorized', 'The API key is wrong: its checksum does not hold.')
  const row = await findKey(secretHash(key))
  if (!row) return refuse('unauthorized', 'The API key is not known here.')
  if (row.is_active === 0) return refuse('unauthorized', 'The API key has been revoked.')
  if (row.expires_at !== null && row.expires_at <= at.toISOString()) {
    return refuse('unauthorized', 'The API key has expired.')
  }
  return {
    subject: `key:${row.id}`,
    name: row.name,
    kind: 'key',
    // A user's key follows its user.
    organizationId: row.user_organization ?? row.organization_id,
    role: row.user_role ?? row.role,
    rateLimitPerMinute:
      row.rate_limit_per_minute === 0 && row.kind === 'publishable' ? publishablePerMinute : row.rate_limit_per_minute,
    rateLimitPerDay: row.rate_limit_per_day,
  }
}

async function identifyLogin(db: Db, login: string, at: Date): Promise<Credential | Refusal> {
  const row = await db
    .selectFrom('logins')
    .innerJoin('users', 'users.id', 'logins.user_id')
    .select(['logins.expires_at', 'users.id', 'users.email', 'users.organization_id', 'users.role'])
    .where('logins.hash', '=', secretHash(login))
    .executeTakeFirst()
  if (!row || row.expires_at <= at.toISOString()) return refuse('unauthorized', 'Sign in again.')
  return {
    subject: `user:${row.id}`,
    name: row.email,
    kind: 'cookie',
    organizationId: row.organization_id,
    role: row.role,
    rateLimitPerMinute: 0,
    rateLimitPerDay: 0,
  }
}

/**
 * Whether an unsafe request that came with a cookie was made by our own page: the header `X-CSRFToken` repeats
 * the cookie `csrftoken`, which another site can neither read nor send as a header.
 */
export function hasCsrfToken(request: Request): boolean {
  const header = request.headers.get('x-csrftoken')
  const cookie = cookiesOf(request).get('csrftoken')
  return header !== null && header !== '' && cookie !== undefined && isSameSecret(header, cookie)
}

/** The user with this password, and the cookies of a new login; undefined when there is none. */
export async function signIn(db: Db, email: string, password: string, at: Date, origin: string) {
  const user = await db.selectFrom('users').selectAll().where('email', '=', email.toLowerCase()).executeTakeFirst()
  if (!(await isPassword(password, user?.password_hash)) || !user) return undefined
  const token = randomBytes(32).toString('base64url')
  const expiresAt = new Date(at.getTime() + loginMs)
  await db
    .insertInto('logins')
    .values({ hash: secretHash(token), user_id: user.id, expires_at: expiresAt.toISOString() })
    .execute()
  // Where the site is reached by https, a login must never go out in the clear.
  const secure = origin.startsWith('https:') ? '; Secure' : ''
  const attributes = `Path=/; SameSite=Lax; Max-Age=${loginMs / 1_000}${secure}`
  return {
    user,
    cookies: [
      `sessionid=${token}; HttpOnly; ${attributes}`,
      `csrftoken=${randomBytes(24).toString('base64url')}; ${attributes}`,
    ],
  }
}

/** Ends the login of a request's cookie, if it has one. */
export async function signOut(db: Db, headers: Headers): Promise<void> {
  const login = cookiesOf({ headers }).get('sessionid')
  if (login !== undefined) await db.deleteFrom('logins').where('hash', '=', secretHash(login)).execute()
}

/** Makes a browser forget its login. */
export const clearedCookies: readonly string[] = ['sessionid', 'csrftoken'].map(
  (name) => `${name}=; Path=/; SameSite=Lax; Max-Age=0`,
)

function cookiesOf(request: Pick<Request, 'headers'>): Map<string, string> {
  const cookies = new Map<string, string>()
  for (const part of (request.headers.get('cookie') ?? '').split(';')) {
    const equals = part.indexOf('=')
    if (equals > 0) cookies.set(part.slice(0, equals).trim(), part.slice(equals + 1).trim())
  }
  return cookies
}
