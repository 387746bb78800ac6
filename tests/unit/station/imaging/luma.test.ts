import fc from 'fast-check'
import { expect, it } from 'vitest'
import { brightnessOf, lumaOf } from '#station/imaging/luma.ts'

it('weighs each pixel of any image as one pixel is weighed, wherever its bytes begin', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 3, maxLength: 3 * 70 }), fc.nat(3), (colours, before) => {
      const pixels = Math.floor(colours.length / 3)
      const rgb = Uint8Array.from([...new Uint8Array(before), ...colours]).subarray(before)
      const weighed = Array.from({ length: pixels }, (_, at) =>
        brightnessOf(rgb[at * 3] ?? 0, rgb[at * 3 + 1] ?? 0, rgb[at * 3 + 2] ?? 0),
      )
      expect([...lumaOf(rgb, pixels, 1).data]).toEqual(weighed)
    }),
  )
})
