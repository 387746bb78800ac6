import { describe, expect, it } from 'vitest'
import { createEngine } from '#domain/decoding/engine.ts'
import type { SymbolRead } from '#domain/decoding/engine.ts'

const image = { data: new Uint8Array(600 * 600).fill(128), width: 600, height: 600 }

function barsAt(y: number, format: string): SymbolRead {
  const [left, right, top, bottom] = [200, 400, y - 15, y + 15]
  return {
    format,
    text: '4006381333931',
    bytes: new Uint8Array(),
    symbologyIdentifier: ']E0',
    lines: 12,
    position: {
      topLeft: { x: left, y: top },
      topRight: { x: right, y: top },
      bottomRight: { x: right, y: bottom },
      bottomLeft: { x: left, y: bottom },
    },
  }
}

function textsOf(reads: readonly SymbolRead[]): readonly string[] {
  const decode = createEngine({ read: () => reads, clockMs: () => 0 })
  return decode(image).map(({ text }) => text)
}

describe('what the engine makes of reads', () => {
  it('takes two halves of an EAN, parted by glare, for one', () => {
    expect(textsOf([barsAt(270, 'EAN13'), barsAt(330, 'EAN13')])).toEqual(['4006381333931'])
  })

  it('takes two labels with the same EAN for two', () => {
    expect(textsOf([barsAt(200, 'EAN13'), barsAt(330, 'EAN13')])).toHaveLength(2)
  })

  it('takes low labels with the same Code 128, one under the other, for two', () => {
    expect(textsOf([barsAt(270, 'Code128'), barsAt(330, 'Code128')])).toHaveLength(2)
  })
})
