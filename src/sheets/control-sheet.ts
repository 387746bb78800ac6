import type { ControlCommand } from '#contract/station/control.ts'
import { fixedCommands, writeControlCode } from '#domain/control-code.ts'
import { fitsCard, layOut, type Card } from './page.ts'
import { drawSymbol } from './symbol.ts'

/**
 * The sheet of control barcodes as a PDF: every fixed command, and a card for each location.
 *
 * Throws a RangeError for a location that no control barcode can hold.
 */
export async function writeControlSheet(locations: readonly string[] = []): Promise<Uint8Array> {
  const cards = await Promise.all(fixedCommands.map(commandCard))
  const isCount = (command: ControlCommand) => command.kind === 'quantity' || command.kind === 'tenfold'
  const isWindows = (command: ControlCommand) => ['shoot', 'accept', 'reject', 'skip'].includes(command.kind)
  const of = (test: (command: ControlCommand) => boolean) =>
    cards.filter((_, index) => test(fixedCommands[index] as ControlCommand))
  const sections = [
    { heading: 'Quantity', lead: 'Of the item this scanner read last. 3, then x 10, is 30.', cards: of(isCount) },
    {
      heading: 'Session',
      lead: 'Undo takes back the last item that counts. A location holds until another one is scanned.',
      cards: of((command) => !isCount(command) && !isWindows(command)),
    },
    { heading: 'Photos and review', lead: 'For the screen that is open.', cards: of(isWindows) },
  ].map((section) => ({ ...section, columns: 2 as const }))
  const places = {
    heading: 'Locations',
    lead: 'Cut them out and put each where it belongs.',
    columns: 1 as const,
    cards: await Promise.all(locations.map(locationCard)),
  }
  return await layOut({
    title: 'Capstan control barcodes',
    lead: 'Scan one at a time; cover the others when a camera reads them. None of them is ever saved as an item.',
    sections: locations.length === 0 ? sections : [...sections, places],
  })
}

async function commandCard(command: ControlCommand): Promise<Card> {
  const text = writeControlCode(command)
  return { name: nameOf(command), symbol: await drawSymbol({ symbology: 'code128', text }), caption: text }
}

/** A long name becomes a QR code: no laser scanner reads that, but no laser scanner reads so long a bar code either. */
async function locationCard(location: string): Promise<Card> {
  const text = writeControlCode({ kind: 'location', location })
  const bars = await drawSymbol({ symbology: 'code128', text })
  const symbol = fitsCard(bars, 1) ? bars : await drawSymbol({ symbology: 'qr', text })
  return { name: `Location ${location}`, symbol, caption: text }
}

function nameOf(command: ControlCommand): string {
  switch (command.kind) {
    case 'mode':
      return { barcode_scan: 'Barcodes only', product_photography: 'Photos only', both: 'Barcodes and photos' }[
        command.mode
      ]
    case 'quantity':
      return `Quantity ${command.quantity}`
    case 'tenfold':
      return 'Quantity x 10'
    case 'undo':
      return 'Undo the last item'
    case 'location':
      return command.location === null ? 'No location' : `Location ${command.location}`
    case 'location_next':
      return 'The next scan is the location'
    case 'end':
      return 'End the session'
    case 'shoot':
      return 'Take a photo'
    case 'accept':
      return 'Accept'
    case 'reject':
      return 'Reject'
    case 'skip':
      return 'Skip'
    case 'register':
      return 'Register this scanner'
  }
}
