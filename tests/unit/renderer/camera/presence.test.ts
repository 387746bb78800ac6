import { describe, expect, it } from 'vitest'
import { createPresence, isWeakRead } from '#renderer/camera/presence.ts'

/** Shows codes at ten frames a second from `fromMs` on and answers what came into view, frame by frame. */
function watch(presence: ReturnType<typeof createPresence>, fromMs: number, frames: readonly (readonly string[])[]) {
  return frames.map((keys, index) => presence.see(strong(...keys), fromMs + index * 100))
}

const strong = (...keys: readonly string[]) => keys.map((key) => ({ key, isWeak: false }))
const weak = (...keys: readonly string[]) => keys.map((key) => ({ key, isWeak: true }))

const times = (count: number, keys: readonly string[]) => Array.from({ length: count }, () => keys)

describe('presence', () => {
  it('reports a code once while it stays in view, however long', () => {
    const presence = createPresence()
    expect(watch(presence, 0, times(600, ['a'])).flat()).toEqual(['a'])
  })

  it('is not troubled by frames in which the code was missed', () => {
    const presence = createPresence()
    const frames = Array.from({ length: 300 }, (_, index) => (index % 14 === 0 ? ['a'] : []))
    expect(watch(presence, 0, frames).flat()).toEqual(['a'])
  })

  it('reports it again when it was absent for more than a second and a half', () => {
    const presence = createPresence()
    expect(watch(presence, 0, [['a'], ...times(14, []), ['a']]).flat()).toEqual(['a'])
    expect(watch(presence, 1_600, [...times(15, []), ['a']]).flat()).toEqual(['a'])
  })

  it('takes few looks in vain for no absence, as on a busy machine', () => {
    const slowly = (misses: number) => {
      const presence = createPresence()
      const frames = [['a'], ...times(misses, []), ['a']]
      return frames.flatMap((keys, index) => presence.see(strong(...keys), index * 450))
    }
    expect([4, 5].map((misses) => slowly(misses).length)).toEqual([1, 1])
    expect(slowly(6)).toEqual(['a', 'a'])
  })

  it('tells several codes of one frame apart and reports one seen twice once', () => {
    const presence = createPresence()
    expect(
      watch(presence, 0, [
        ['a', 'b', 'a'],
        ['b', 'c'],
      ]),
    ).toEqual([['a', 'b'], ['c']])
  })

  it('does not take a time without frames for an absence', () => {
    const presence = createPresence()
    expect(presence.see(strong('a'), 0)).toEqual(['a'])
    expect(presence.see(strong('a'), 60_000)).toEqual([])
    expect(presence.see(strong(), 60_100)).toEqual([])
    expect(presence.see(strong('a'), 61_000)).toEqual([])
  })

  it('believes a weak code only when it is read again soon', () => {
    const presence = createPresence()
    expect(presence.see(weak('a', 'a'), 0)).toEqual([])
    expect(presence.see(weak('a'), 100)).toEqual(['a'])
    expect(presence.see(weak('a', 'b'), 200)).toEqual([])
    expect(presence.see([], 700)).toEqual([])
    expect(presence.see(weak('b'), 900)).toEqual([])
    expect(presence.see(weak('b'), 1_000)).toEqual(['b'])
  })

  it('holds a code for strong as soon as one read of it is', () => {
    const presence = createPresence()
    expect(presence.see([...strong('a'), ...weak('a')], 0)).toEqual(['a'])
    expect(createPresence().see([...weak('b'), ...strong('b')], 0)).toEqual(['b'])
  })
})

describe('what takes a second look', () => {
  const read = (format: string, lines = 20) => ({ format, text: '12345678', lines })

  it('is a format without a strong check', () => {
    expect(['ITF', 'Codabar', 'Code39', 'UPCE', 'EAN8'].filter((format) => !isWeakRead(read(format)))).toEqual([])
    expect(['EAN13', 'UPCA', 'Code128'].filter((format) => isWeakRead(read(format)))).toEqual([])
    expect(['QRCode', 'DataMatrix', 'PDF417'].filter((format) => isWeakRead(read(format, 0)))).toEqual([])
  })

  it('is bars of which few lines said the same', () => {
    expect(isWeakRead(read('EAN13', 3))).toBe(true)
    expect(isWeakRead(read('Code128', 1))).toBe(true)
    expect(isWeakRead(read('Code128', 3))).toBe(false)
  })

  it('is what was read from bars made clearer', () => {
    expect(isWeakRead({ ...read('EAN13'), pass: 'strip' })).toBe(true)
    expect(isWeakRead({ ...read('EAN13'), pass: 'whole' })).toBe(false)
  })
})
