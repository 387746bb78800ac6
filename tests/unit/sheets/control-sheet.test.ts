import { describe, expect, it } from 'vitest'
import { fixedCommands, readControlCode } from '#domain/control-code.ts'
import { writeControlSheet } from '#sheets/index.ts'
import { print, scanPage } from './printed-page.ts'

const locations = ['A-01-03', 'Shelf 20 characters!']

describe('the sheet of control barcodes', () => {
  it('holds every command once, and each location, as a printer of 300 dots an inch prints them', async () => {
    const pages = print(await writeControlSheet(locations))
    const found = (await Promise.all(pages.map(scanPage))).flat()
    expect(found.map(({ text }) => readControlCode(text))).toEqual([
      ...fixedCommandsInOrder(),
      ...locations.map((location) => ({ kind: 'command', command: { kind: 'location', location } })),
    ])
    expect(new Set(found.slice(0, -1).map(({ format }) => format))).toEqual(new Set(['Code128']))
    expect(found.at(-1)?.format).toBe('QRCode')
  })

  it('has no bar narrower than 0.33 mm', async () => {
    const pages = print(await writeControlSheet(['M'.repeat(20), 'M'.repeat(15), 'M'.repeat(16)]))
    for (const { rectangles } of pages) expect(Math.min(...rectangles)).toBeGreaterThanOrEqual(0.3299)
  })

  it('names every command in words', async () => {
    const words = Buffer.from(await writeControlSheet(['A-01'])).toString('latin1')
    // Text is written in pieces between its kerns, as hexadecimal.
    const texts = [...words.matchAll(/\[(.*?)\] TJ/g)].map(([, pieces = '']) =>
      Buffer.from([...pieces.matchAll(/<([0-9a-f]+)>/g)].map(([, hex]) => hex).join(''), 'hex').toString('latin1'),
    )
    expect(texts).toEqual(
      expect.arrayContaining(['Quantity 9', 'Quantity x 10', 'Undo the last item', 'End the session', 'Location A-01']),
    )
  })

  it('is not made for a location that no code can hold', async () => {
    await expect(writeControlSheet(['Ä'])).rejects.toThrow(RangeError)
  })
})

/** As the sheet groups them: quantities, the session, the window's. */
function fixedCommandsInOrder() {
  const group = ({ kind }: { kind: string }): number =>
    ['quantity', 'tenfold'].includes(kind) ? 0 : ['shoot', 'accept', 'reject', 'skip'].includes(kind) ? 2 : 1
  return fixedCommands.toSorted((a, b) => group(a) - group(b)).map((command) => ({ kind: 'command', command }))
}
