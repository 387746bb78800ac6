import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { matchCameras } from '#renderer/camera/identity.ts'

const camera = (deviceId: string, label = 'C920 (046d:082d)', groupId = '') => ({ deviceId, groupId, label })
const known = (id: string, ...rest: Parameters<typeof camera>) => ({ id, ...camera(...rest) })

describe('knowing cameras again', () => {
  it('finds a camera by its id and label, whatever else is there', () => {
    const matches = matchCameras([known('front', 'a')], [camera('b'), camera('a')])
    expect(matches.get('front')).toEqual({ deviceId: 'a' })
  })

  it('finds the only camera of its model on another port, under another id', () => {
    const matches = matchCameras([known('front', 'a')], [camera('x'), camera('y', 'Other')])
    expect(matches.get('front')).toEqual({ deviceId: 'x' })
  })

  it('does not take a camera for another because it got its id', () => {
    const matches = matchCameras([known('front', 'a', 'C920')], [camera('a', 'Scope')])
    expect(matches.get('front')).toBe('absent')
  })

  it('finds the second of two of one model when the first is known for sure', () => {
    const matches = matchCameras([known('front', 'a'), known('back', 'b')], [camera('a'), camera('x')])
    expect(matches.get('front')).toEqual({ deviceId: 'a' })
    expect(matches.get('back')).toEqual({ deviceId: 'x' })
  })

  it('does not guess which of two of one model is which when both have new ids', () => {
    const matches = matchCameras([known('front', 'a'), known('back', 'b')], [camera('x'), camera('y')])
    expect([...matches.values()]).toEqual(['unclear', 'unclear'])
  })

  it('tells two of one model apart by the part of the machine they belong to', () => {
    const matches = matchCameras(
      [known('front', 'a', 'C920', 'left hub'), known('back', 'b', 'C920', 'right hub')],
      [camera('x', 'C920', 'right hub'), camera('y', 'C920', 'left hub')],
    )
    expect(matches.get('front')).toEqual({ deviceId: 'y' })
    expect(matches.get('back')).toEqual({ deviceId: 'x' })
  })

  it('says of two of one model, one of them unplugged, which is there when its id is known, and guesses not', () => {
    const both = [known('front', 'a'), known('back', 'b')]
    const one = matchCameras(both, [camera('b')])
    expect(one.get('back')).toEqual({ deviceId: 'b' })
    expect(one.get('front')).toBe('absent')
    expect([...matchCameras(both, [camera('x')]).values()]).toEqual(['unclear', 'unclear'])
  })

  it('never gives one camera to two roles, and the order of the browser does not matter', () => {
    const name = fc.constantFrom('a', 'b', 'c')
    const present = fc.uniqueArray(
      fc.record({ deviceId: fc.constantFrom('1', '2', '3', '4'), groupId: name, label: name }),
      {
        selector: ({ deviceId }) => deviceId,
      },
    )
    const remembered = fc.uniqueArray(
      fc.record({
        id: fc.constantFrom('p', 'q', 'r'),
        deviceId: fc.constantFrom('1', '2', '3'),
        groupId: name,
        label: name,
      }),
      { selector: ({ id }) => id },
    )
    fc.assert(
      fc.property(remembered, present, (cameras, there) => {
        const matches = matchCameras(cameras, there)
        const given = [...matches.values()].flatMap((match) => (typeof match === 'string' ? [] : [match.deviceId]))
        expect(new Set(given).size).toBe(given.length)
        expect(matchCameras(cameras, there.toReversed())).toEqual(matches)
      }),
    )
  })
})
