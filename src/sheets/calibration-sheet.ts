import { calibrationCodes, type CalibrationCode } from '#domain/calibration.ts'
import { layOut, type Card } from './page.ts'
import { drawSymbol } from './symbol.ts'

/** The sheet that a keyboard scanner is calibrated with, as a PDF: its codes in the order in which they are scanned. */
export async function writeCalibrationSheet(): Promise<Uint8Array> {
  return await layOut({
    title: 'Capstan calibration of a keyboard scanner',
    lead: 'In Capstan: Settings, Keyboard scanner, Calibrate. Then scan the codes from 1 to 8, each once, as Capstan asks for them.',
    sections: [
      {
        heading: 'Codes',
        lead: 'Code 128 and GS1-128. While Capstan calibrates, none of them is saved.',
        columns: 1,
        cards: await Promise.all(calibrationCodes.map(card)),
      },
    ],
  })
}

const names: Readonly<Record<CalibrationCode['name'], string>> = {
  digits: 'Digits',
  capitals: 'Capital letters',
  letters: 'Small letters',
  marks_1: 'Signs, first part',
  marks_2: 'Signs, second part',
  marks_3: 'Signs, third part',
  marks_4: 'Signs, fourth part',
  gs1: 'GS1 with a separator',
}

async function card({ name, symbology, text }: CalibrationCode, index: number): Promise<Card> {
  const isGs1 = symbology === 'gs1_128'
  const symbol = await drawSymbol({ symbology, text: isGs1 ? '(01)04006381333931(10)ABC(21)XYZ' : text })
  return {
    name: `${index + 1}. ${names[name]}`,
    symbol,
    caption: isGs1 ? '(01) 04006381333931 (10) ABC (21) XYZ' : text,
  }
}
