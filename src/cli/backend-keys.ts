import { openAdministration, type Administration, type KeyWish } from '#backend/index.ts'
import { fail, ok, type Result } from '#contract/result.ts'
import { parseArguments, printLine, refuse, type Help } from './command.ts'

/** Which backend is meant, whether it runs or not. */
export const where = {
  data: { type: 'string', value: 'DIR', about: 'the folder of the backend' },
  'database-url': {
    type: 'string',
    value: 'URL',
    about: 'its postgres:// address, when it is on PostgreSQL; else CAPSTAN_DATABASE_URL',
  },
} as const

export const keysHelp = {
  name: 'backend keys',
  usage: 'create|list|revoke ID|rotate ID --data DIR [OPTIONS]',
  options: {
    ...where,
    name: { type: 'string', value: 'NAME', about: 'what the key is for, as the history will show it' },
    kind: {
      type: 'string',
      value: 'KIND',
      about: 'business, publishable (only reads, may be seen) or user (may what its user may); business unless said',
    },
    user: { type: 'string', value: 'EMAIL', about: "whose key a user's is" },
    role: { type: 'string', value: 'ROLE', about: 'manager, editor or readonly; editor unless said' },
    organization: { type: 'string', value: 'ID', about: 'whose key it is, where there are several' },
    'per-minute': { type: 'string', value: 'N', about: "requests a minute; the server's own limit unless said" },
    'per-day': { type: 'string', value: 'N', about: "requests a day; the server's own limit unless said" },
    days: { type: 'string', value: 'N', about: 'ends after so many days; never unless said' },
    'keep-hours': {
      type: 'string',
      value: 'N',
      about: 'how long the old key still works after a rotate; 24 unless said',
    },
  },
  example: 'capstan backend keys create --data ~/backend --name "dock 3" --role editor',
} as const satisfies Help

export const organizationsHelp = {
  name: 'backend organizations',
  usage: 'create|list --data DIR [--name NAME]',
  options: { ...where, name: { type: 'string', value: 'NAME', about: "the organisation's name" } },
  example: 'capstan backend organizations create --data ~/backend --name "North site"',
} as const satisfies Help

/**
 * `capstan backend keys`: manages the keys of a backend that runs or not. A new key is printed once.
 *
 * One JSON line for each key; exit code 0, or 2 with a reason on standard error.
 */
export async function keys(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, keysHelp)
  if (!parsed.ok) return refuse(parsed.error)
  const { values, positionals } = parsed.value
  const [verb = '', id = '', surplus] = positionals
  if (surplus !== undefined) return refuse({ code: 'invalid_input', message: `Unexpected argument '${surplus}'` })
  return administer(values, async (administration) => {
    const number = (option: 'per-minute' | 'per-day' | 'days' | 'keep-hours', byDefault: number): Result<number> => {
      const text = values[option]
      if (text === undefined) return ok(byDefault)
      return /^\d{1,7}$/.test(text) ? ok(Number(text)) : fail('invalid_input', `--${option} takes a whole number`)
    }
    if ((verb === 'revoke' || verb === 'rotate') && id === '') {
      return fail('invalid_input', `${verb} which key? capstan backend keys list shows their ids`)
    }
    switch (verb) {
      case 'list':
        return ok(await administration.listKeys(values.organization))
      case 'revoke':
        return one(await administration.revokeKey(id))
      case 'rotate': {
        const hours = number('keep-hours', 24)
        return hours.ok ? one(await administration.rotateKey(id, hours.value * 3_600_000)) : hours
      }
      case 'create': {
        const { name, kind = 'business', user: email } = values
        const { role = kind === 'publishable' ? 'readonly' : 'editor' } = values
        if (name === undefined || name === '') return fail('invalid_input', '--name NAME is missing')
        if (kind !== 'business' && kind !== 'publishable' && kind !== 'user') {
          return fail('invalid_input', '--kind takes business, publishable or user')
        }
        if (role !== 'manager' && role !== 'editor' && role !== 'readonly') {
          return fail('invalid_input', '--role takes manager, editor or readonly')
        }
        const [minute, day, days] = [number('per-minute', 0), number('per-day', 0), number('days', 0)]
        if (!minute.ok) return minute
        if (!day.ok) return day
        if (!days.ok) return days
        const expiresAt = days.value === 0 ? null : new Date(Date.now() + days.value * 86_400_000).toISOString()
        const limits = { rateLimitPerMinute: minute.value, rateLimitPerDay: day.value }
        const wish: KeyWish = { name, kind, role, ...limits, expiresAt, ...(email === undefined ? {} : { email }) }
        return one(await administration.createKey(wish, values.organization))
      }
      default:
        return fail('invalid_input', 'keys takes create, list, revoke ID or rotate ID')
    }
  })
}

/** `capstan backend organizations`: makes and lists the organisations of a backend; what is one's is kept from others. */
export async function organizations(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, organizationsHelp)
  if (!parsed.ok) return refuse(parsed.error)
  const { values, positionals } = parsed.value
  return administer(values, async (administration) => {
    const [verb, surplus] = positionals
    if (verb === 'list' && surplus === undefined) return ok(await administration.listOrganizations())
    if (verb !== 'create' || surplus !== undefined) {
      return fail('invalid_input', 'organizations takes create or list')
    }
    if (values.name === undefined || values.name === '') return fail('invalid_input', '--name NAME is missing')
    return ok([await administration.createOrganization(values.name)])
  })
}

function one<Value>(result: Result<Value>): Result<readonly Value[]> {
  return result.ok ? ok([result.value]) : result
}

/** Does work on a backend's database and prints a JSON line for each of its results. */
export async function administer(
  {
    data,
    // As the backend itself takes it.
    'database-url': databaseUrl = process.env['CAPSTAN_DATABASE_URL'],
  }: { readonly data?: string; readonly 'database-url'?: string },
  work: (administration: Administration) => Promise<Result<readonly unknown[]>>,
): Promise<number> {
  if (databaseUrl === undefined && (data === undefined || data === '')) {
    return refuse({ code: 'invalid_input', message: '--data DIR is missing' })
  }
  let administration: Administration
  try {
    administration = await openAdministration({
      dataDir: data ?? '',
      ...(databaseUrl === undefined ? {} : { databaseUrl }),
    })
  } catch (error) {
    return refuse({ code: 'not_found', message: (error as Error).message })
  }
  try {
    const result = await work(administration)
    if (!result.ok) return refuse(result.error)
    for (const line of result.value) await printLine(line)
    return 0
  } finally {
    await administration.close()
  }
}
