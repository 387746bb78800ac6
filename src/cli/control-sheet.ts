import { writeFile } from 'node:fs/promises'
import { writeControlSheet } from '#sheets/index.ts'
import { parseOptions, refuse, tell, type Help } from './command.ts'

export const help = {
  name: 'control-sheet',
  usage: '--out FILE.pdf [--location NAME ...]',
  options: {
    out: { type: 'string', value: 'FILE.pdf', about: 'the file to write' },
    location: {
      type: 'string',
      multiple: true,
      default: [],
      value: 'NAME',
      about: 'a location to make a card for; may be given many times',
    },
  },
  example: 'capstan control-sheet --out control.pdf --location A-01-03 --location A-01-04',
} as const satisfies Help

/** `capstan control-sheet`: writes the control barcodes as a PDF to print, with a card for each `--location`. */
export async function controlSheet(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, help)
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
