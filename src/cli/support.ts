import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { describeStation, gatherSupport, isEncrypted, openStaffFile, settingsOf } from '#station/index.ts'
import { parseOptions, printLine, refuse, version, type Help } from './command.ts'
import { openForReading } from './data-key.ts'

export const help = {
  name: 'support',
  usage: '--data DIR [--out FILE.zip]',
  options: {
    data: { type: 'string', value: 'DIR', about: 'the data folder of a station; it may run meanwhile, or be damaged' },
    out: { type: 'string', value: 'FILE.zip', about: 'the bundle; without it, only what would be in it is listed' },
  },
  example: 'capstan support --data ~/capstan --out support.zip',
} as const satisfies Help

/**
 * `capstan support`: what support needs to know of a station, in one file without keys, codes, photos or names. One JSON line
 * for each file in it; exit code 0, or 2 with a reason on standard error.
 */
export async function support(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, help)
  if (!options.ok) return refuse(options.error)
  const { data, out } = options.value
  if (data === undefined) return refuse({ code: 'invalid_input', message: 'name the data folder: --data DIR' })
  if (!existsSync(data)) return refuse({ code: 'not_found', message: `there is no folder ${data}` })
  const opened = openForReading(data)
  const store = opened.ok ? opened.value : null
  try {
    const staff = openStaffFile(data).members()
    const { files, zip } = await gatherSupport({
      dataDir: data,
      store: store ?? (opened.ok ? '' : opened.error.message),
      about: describeStation({
        version,
        host: 'cli',
        stationId: store?.stationId ?? '',
        dataDir: data,
        secrets: null,
        // The program's key store answers the program alone: here a file has named the key, or nothing could be opened.
        dataKey: isEncrypted(data) ? 'file' : null,
      }),
      settings: store && settingsOf(store),
      // Only a running station has one; what waits is among the counts of the store.
      status: null,
      devices: [],
      staff: staff.ok ? staff.value : [],
    })
    if (out !== undefined) await writeFile(out, zip, { mode: 0o600 })
    for (const file of files) await printLine(file)
    return 0
  } catch (error) {
    return refuse({ code: 'storage_full', message: `the bundle cannot be written: ${(error as Error).message}` })
  } finally {
    store?.close()
  }
}
