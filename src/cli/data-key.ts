import { fail, ok, type Result } from '#contract/result.ts'
import { newRecoveryKey, openStoreForReading, readKeyFile, systemClock, timeOrderedIds } from '#station/index.ts'
import { parseOptions, printRaw, refuse, type Help } from './command.ts'

export const help = {
  name: 'data-key',
  usage: '',
  options: {},
  example: 'capstan data-key > recovery-key.txt',
} as const satisfies Help

/**
 * `capstan data-key`: prints a new recovery key, for a machine whose service manager keeps the key of the data
 * (packaging/README.md). Nothing else knows it: whoever loses it loses what it has encrypted.
 */
export async function dataKey(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, help)
  if (!options.ok) return refuse(options.error)
  await printRaw(`${newRecoveryKey()}\n`)
  return 0
}

/** The key of the data whose recovery key is in the file that `CAPSTAN_DATA_KEY_FILE` names; null where it names none. */
export function namedDataKey(): Result<Uint8Array | null> {
  const path = process.env['CAPSTAN_DATA_KEY_FILE']
  return path === undefined ? ok(null) : readKeyFile(path)
}

/** Opens the store of a data folder for reading, with the key that is named. */
export function openForReading(dataDir: string): ReturnType<typeof openStoreForReading> {
  const key = namedDataKey()
  if (!key.ok) return fail(key.error.code, key.error.message)
  return openStoreForReading(dataDir, { clock: systemClock, ids: timeOrderedIds, dataKey: key.value })
}
