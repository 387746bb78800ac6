import { backUp, restore } from '#backend/index.ts'
import { parseOptions, printLine, refuse, type Help } from './command.ts'

const where = {
  data: { type: 'string', value: 'DIR', about: 'the folder of the backend' },
  'database-url': { type: 'string', value: 'URL', about: 'its postgres:// address, when it is on PostgreSQL' },
} as const

export const backupHelp = {
  name: 'backend backup',
  usage: '--data DIR --to FILE.tar [--database-url URL]',
  options: { ...where, to: { type: 'string', value: 'FILE.tar', about: 'where the backup goes; it must not exist' } },
  example: 'capstan backend backup --data ~/backend --to /media/backup/backend-2026-11-21.tar',
} as const satisfies Help

export const restoreHelp = {
  name: 'backend restore',
  usage: '--from FILE.tar --data DIR [--database-url URL]',
  options: { ...where, from: { type: 'string', value: 'FILE.tar', about: 'a backup' } },
  example: 'capstan backend restore --from /media/backup/backend-2026-11-21.tar --data ~/backend-again',
} as const satisfies Help

/** `capstan backend backup`: all of a backend into one file, while it runs. One JSON line of what is in it. */
export async function backup(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args, backupHelp)
  return parsed.ok ? perform(parsed.value, parsed.value.to, '--to', backUp) : refuse(parsed.error)
}

/** `capstan backend restore`: a backup into an empty folder, and database. One JSON line of what is in it. */
export async function restoreBackup(args: readonly string[]): Promise<number> {
  const parsed = parseOptions(args, restoreHelp)
  return parsed.ok ? perform(parsed.value, parsed.value.from, '--from', restore) : refuse(parsed.error)
}

async function perform(
  values: { readonly data?: string; readonly 'database-url'?: string },
  file: string | undefined,
  option: string,
  work: typeof backUp,
): Promise<number> {
  const { data, 'database-url': databaseUrl = process.env['CAPSTAN_DATABASE_URL'] } = values
  if (data === undefined || data === '') return refuse({ code: 'invalid_input', message: '--data DIR is missing' })
  if (file === undefined || file === '') {
    return refuse({ code: 'invalid_input', message: `${option} FILE.tar is missing` })
  }
  const done = await work({ dataDir: data, file, ...(databaseUrl === undefined ? {} : { databaseUrl }) })
  if (!done.ok) return refuse(done.error)
  await printLine({ ...done.value })
  return 0
}
