import { exportFormats, productExportFormats, type ExportFormat } from '#contract/station/http.ts'
import { exportCaptures, exportProducts } from '#station/index.ts'
import { parseOptions, printRaw, refuse, type Help } from './command.ts'
import { openForReading } from './data-key.ts'

export const help = {
  name: 'export',
  usage:
    '--data DIR [--format ndjson|csv|xlsx] [--session ID] [--refused] | --data DIR --products [--format csv|xlsx|json] [--search WORDS]',
  options: {
    data: { type: 'string', value: 'DIR', about: 'the data folder of a station' },
    format: {
      type: 'string',
      value: 'FORMAT',
      about: 'ndjson (unless said), csv or xlsx; of products csv (unless said), xlsx or json',
    },
    products: { type: 'boolean', default: false, about: 'the products that the station knows, under the names of GS1' },
    search: { type: 'string', value: 'WORDS', about: 'only products with these words in name, brand or GTIN' },
    session: { type: 'string', value: 'ID', about: 'the captures of one session; all unless said' },
    refused: {
      type: 'boolean',
      default: false,
      about: 'only what the server refused or may have: it waits for a person',
    },
  },
  example: 'capstan export --data ~/capstan --format csv > captures.csv',
} as const satisfies Help

/**
 * `capstan export`: prints captures in sequence order on standard output, raw values verbatim. Reads only, so a
 * station may run on the folder meanwhile.
 */
export async function exportCommand(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, help)
  if (!options.ok) return refuse(options.error)
  const { data, session, refused, products, search = '' } = options.value
  const { format = products ? 'csv' : 'ndjson' } = options.value
  if (data === undefined) return refuse({ code: 'invalid_input', message: 'name the data folder: --data DIR' })
  if (products) return await exportCatalogue(data, format, search)
  if (!isExportFormat(format)) {
    return refuse({ code: 'invalid_input', message: `--format takes ${exportFormats.join(', ')}, not "${format}"` })
  }
  const store = openForReading(data)
  if (!store.ok) return refuse(store.error)
  try {
    if (session !== undefined && !store.value.sessions.get(session)) {
      return refuse({ code: 'not_found', message: `there is no session ${session} in ${data}` })
    }
    for await (const piece of exportCaptures(store.value, session ?? null, format, refused ? 'refused' : 'all'))
      await printRaw(piece)
    return 0
  } finally {
    store.value.close()
  }
}

async function exportCatalogue(data: string, format: string, search: string): Promise<number> {
  const known = productExportFormats.find((each) => each === format)
  if (known === undefined) {
    const message = `--format takes ${productExportFormats.join(', ')} for products, not "${format}"`
    return refuse({ code: 'invalid_input', message })
  }
  const store = openForReading(data)
  if (!store.ok) return refuse(store.error)
  try {
    for await (const piece of exportProducts(store.value.catalogue, search, known)) await printRaw(piece)
    return 0
  } finally {
    store.value.close()
  }
}

function isExportFormat(text: string): text is ExportFormat {
  return (exportFormats as readonly string[]).includes(text)
}
