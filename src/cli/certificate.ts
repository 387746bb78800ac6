import { writeFileSync } from 'node:fs'
import { settingsSchema } from '#contract/station/settings.ts'
import { writeCertificate } from '#sheets/index.ts'
import { parseOptions, printLine, refuse, type Help } from './command.ts'
import { openForReading } from './data-key.ts'

export const help = {
  name: 'certificate',
  usage: '--data DIR [--session ID] --output FILE.pdf|FILE.json',
  options: {
    data: { type: 'string', value: 'DIR', about: 'the data folder of a station' },
    session: { type: 'string', value: 'ID', about: 'the session; the newest unless said' },
    output: { type: 'string', value: 'FILE', about: 'what is written: a PDF to print, or JSON for capstan verify' },
  },
  example: 'capstan certificate --data ~/capstan --output session.pdf',
} as const satisfies Help

/**
 * `capstan certificate`: writes what a session, the newest unless another is named, came to up to now, with the ledger's
 * head: a PDF, or JSON for `verify`. Reads only, so a station may run on the folder meanwhile; the clock's error is known
 * only to that one.
 */
export async function certificate(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, help)
  if (!options.ok) return refuse(options.error)
  const { data, session: id, output } = options.value
  if (data === undefined) return refuse({ code: 'invalid_input', message: 'name the data folder: --data DIR' })
  const format = /\.(pdf|json)$/.exec(output ?? '')?.[1]
  if (output === undefined || format === undefined) {
    return refuse({ code: 'invalid_input', message: 'name the file: --output FILE.pdf, or FILE.json' })
  }
  const store = openForReading(data)
  if (!store.ok) return refuse(store.error)
  try {
    const session = id === undefined ? store.value.sessions.list(1)[0] : store.value.sessions.get(id)
    if (!session) return refuse({ code: 'not_found', message: `there is no session ${id ?? ''} in ${data}` })
    const name = stationName(store.value.facts.get('settings'))
    const certified = store.value.certificate(session, { name, clock: null })
    writeFileSync(
      output,
      format === 'pdf' ? await writeCertificate(certified) : `${JSON.stringify(certified, null, 2)}\n`,
    )
    await printLine({ written: output, session: session.id, counts: certified.counts, ledger: certified.ledger })
    return 0
  } finally {
    store.value.close()
  }
}

/** The name in the station's settings, or what they have by default. */
function stationName(settings: string | null): string {
  try {
    return settingsSchema.shape.stationName.parse(
      (JSON.parse(settings ?? '{}') as { stationName?: unknown }).stationName,
    )
  } catch {
    return settingsSchema.parse({}).stationName
  }
}
