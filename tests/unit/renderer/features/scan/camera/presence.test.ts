import { describe, expect, it } from 'vitest'
import { createPresence } from '#renderer/features/scan/camera/presence.ts'

/** Shows codes at ten frames a second from `fromMs` on and answers what came into view, frame by frame. */
function watch(presence: ReturnType<typeof createPresence>, fromMs: number, frames: readonly (readonly string[])[]) {
  return frames.map((keys, index) => presence.see(keys, fromMs + index * 100))
}

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
    expect(presence.see(['a'], 0)).toEqual(['a'])
    expect(presence.see(['a'], 60_000)).toEqual([])
    expect(presence.see([], 60_100)).toEqual([])
    expect(presence.see(['a'], 61_000)).toEqual([])
  })
})
