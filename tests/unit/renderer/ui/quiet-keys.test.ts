import { describe, expect, it } from 'vitest'
import { createQuietKeys, quietMs } from '#renderer/ui/quiet-keys.ts'

/** A hand that presses keys at given times; what was taken as a person's key is in `heard`. */
function setUp() {
  let now = 10_000
  const timers: { at: number; run: () => void }[] = []
  const heard: string[] = []
  const press = createQuietKeys({
    now: () => now,
    later(run, waitMs) {
      const timer = { at: now + waitMs, run }
      timers.push(timer)
      return () => void timers.splice(timers.indexOf(timer), 1)
    },
    onKey: (key) => heard.push(key),
  })
  const wait = (ms: number) => {
    now += ms
    for (const timer of timers.filter(({ at }) => at <= now)) {
      timers.splice(timers.indexOf(timer), 1)
      timer.run()
    }
  }
  const key = (name: string, more = {}) =>
    press({ key: name, ctrlKey: false, altKey: false, metaKey: false, repeat: false, ...more })
  return { heard, wait, key }
}

describe('a shortcut of one bare key', () => {
  it('counts when it stands alone in silence', () => {
    const { heard, wait, key } = setUp()
    key('N')
    wait(quietMs)
    expect(heard).toEqual(['n'])
  })

  it.each([1, 10, 35, 80, 250])('is never taken from a burst with %d ms between its keys', (gapMs) => {
    const { heard, wait, key } = setUp()
    for (const name of [...'UN40063', 'Enter']) {
      key(name)
      wait(gapMs)
    }
    wait(10 * quietMs)
    expect(heard).toEqual([])
  })

  it('does not count right behind a scan', () => {
    const { heard, wait, key } = setUp()
    key('Enter')
    wait(quietMs - 1)
    key('u')
    wait(quietMs)
    expect(heard).toEqual([])
  })

  it('does not count with a modifier, held down, or named', () => {
    const { heard, wait, key } = setUp()
    for (const [name, more] of [
      ['n', { ctrlKey: true }],
      ['n', { altKey: true }],
      ['n', { repeat: true }],
      ['F9', {}],
    ] as const) {
      wait(quietMs)
      key(name, more)
      wait(quietMs)
    }
    expect(heard).toEqual([])
  })
})
