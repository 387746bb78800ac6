import { writeCalibrationSheet } from '#sheets/index.ts'
import { parseOptions, refuse } from './command.ts'
import { writeSheet } from './control-sheet.ts'

/** `capstan calibration-sheet`: writes the codes that a keyboard scanner is calibrated with as a PDF to print. */
export async function calibrationSheet(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, { out: { type: 'string' } })
  return options.ok ? await writeSheet(options.value.out, writeCalibrationSheet) : refuse(options.error)
}
