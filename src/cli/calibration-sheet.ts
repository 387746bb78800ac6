import { writeCalibrationSheet } from '#sheets/index.ts'
import { parseOptions, refuse, type Help } from './command.ts'
import { writeSheet } from './control-sheet.ts'

export const help = {
  name: 'calibration-sheet',
  usage: '--out FILE.pdf',
  options: {
    out: { type: 'string', value: 'FILE.pdf', about: 'the file to write' },
  },
  example: 'capstan calibration-sheet --out calibration.pdf',
} as const satisfies Help

/** `capstan calibration-sheet`: writes the codes that a keyboard scanner is calibrated with as a PDF to print. */
export async function calibrationSheet(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, help)
  return options.ok ? await writeSheet(options.value.out, writeCalibrationSheet) : refuse(options.error)
}
