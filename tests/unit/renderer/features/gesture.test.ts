import { describe, expect, it } from 'vitest'
import { listenToGesture } from '#renderer/features/staff/gesture.ts'

function listening() {
  const target = new EventTarget()
  let times = 0
  listenToGesture(target, () => void (times += 1))
  const touch = (clientX: number, clientY: number, timeStamp: number) =>
    target.dispatchEvent(
      Object.defineProperty(Object.assign(new Event('pointerdown'), { clientX, clientY }), 'timeStamp', {
        value: timeStamp,
      }),
    )
  const press = (keys: object) => target.dispatchEvent(Object.assign(new Event('keydown'), { code: 'KeyK', ...keys }))
  return { touch, press, times: () => times }
}

describe('the gesture of the staff', () => {
  it('is five touches of the corner within three seconds', () => {
    const { touch, times } = listening()
    for (let index = 0; index < 5; index += 1) touch(10, 70, index * 700)
    expect(times()).toBe(1)
    for (let index = 0; index < 5; index += 1) touch(10, 70, 10_000 + index * 800)
    expect(times()).toBe(1)
  })

  it('begins anew with a touch elsewhere', () => {
    const { touch, times } = listening()
    for (let index = 0; index < 8; index += 1) touch(index === 3 ? 400 : 10, 10, index * 100)
    expect(times()).toBe(0)
  })

  it('is Ctrl+Alt+Shift+K, all of them', () => {
    const { press, times } = listening()
    const all = { ctrlKey: true, altKey: true, shiftKey: true }
    for (const key of Object.keys(all)) press({ ...all, [key]: false })
    expect(times()).toBe(0)
    press(all)
    expect(times()).toBe(1)
  })
})
