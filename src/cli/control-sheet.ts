import { writeFile } from 'node:fs/promises'
import { writeControlSheet } from '#sheets/index.ts'
import { parseOptions, refuse, tell } from './command.ts'

/** `capstan control-sheet`: writes the control barcodes as a PDF to print, with a card for each `--location`. */
export async function controlSheet(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, {
    out: { type: 'string' },
    location: { type: 'string', multiple: true, default: [] },
  })
  if (!options.ok) return refuse(options.error)
  const { out, location } = options.value
  return await writeSheet(out, () => writeControlSheet(location))
}

/** Makes a sheet and writes it to a file; answers the exit code. A RangeError says what is wrong with the input. */
export async function writeSheet(out: string | undefined, make: () => Promise<Uint8Array>): Promise<number> {
  if (out === undefined) return refuse({ code: 'invalid_input', message: 'name the file to write: --out FILE.pdf' })
  try {
    await writeFile(out, await make())
  } catch (error) {
    if (error instanceof RangeError) return refuse({ code: 'invalid_input', message: error.message })
    if (!(error instanceof Error && 'code' in error)) throw error
    return refuse({ code: 'storage_full', message: `the sheet was not written: ${error.message}` })
  }
  tell(`Written to ${out}. Print it at 100 %, on white paper.`)
  return 0
}
