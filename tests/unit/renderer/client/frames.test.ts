import { describe, expect, it, vi } from 'vitest'
import { createFrames } from '#renderer/client/frames.ts'

function open() {
  const planned: (() => void)[] = []
  const late: (() => void)[] = []
  const done: number[] = []
  const clock = { nowMs: 0 }
  const onBehind = vi.fn<() => void>()
  const timers: { run: () => void; atMs: number }[] = []
  const frames = createFrames({
    requestFrame: (run) => void planned.push(run),
    later(run, waitMs) {
      if (waitMs === 100) late.push(run)
      timers.push({ run, atMs: clock.nowMs + waitMs })
    },
    now: () => clock.nowMs,
    onBehind,
  })
  /** Lets time pass; frames come when they are asked for. */
  const pass = (ms: number): void => {
    clock.nowMs += ms
    for (;;) {
      const at = timers.findIndex(({ atMs }) => atMs <= clock.nowMs)
      if (at < 0) return
      timers.splice(at, 1)[0]?.run()
    }
  }
  const add = (value: number): void => frames.add(() => void done.push(value))
  return { frames, planned, late, done, clock, pass, onBehind, add }
}

describe('work for the screen', () => {
  it('waits for the frame, all of it for the same one, in order', () => {
    const { planned, done, add } = open()
    for (const value of [1, 2, 3]) add(value)
    expect(done).toEqual([])
    expect(planned).toHaveLength(1)
    planned[0]?.()
    expect(done).toEqual([1, 2, 3])
    add(4)
    expect(planned).toHaveLength(2)
    planned[1]?.()
    expect(done).toEqual([1, 2, 3, 4])
  })

  it('is done without a frame in a window that is not in sight, and once', () => {
    const { planned, late, done, add } = open()
    add(1)
    late[0]?.()
    expect(done).toEqual([1])
    add(2)
    // The frame of what is done already: what came after it has one of its own.
    planned[0]?.()
    expect(done).toEqual([1])
    planned[1]?.()
    late[1]?.()
    expect(done).toEqual([1, 2])
  })

  it('is done at once when something newer is at hand', () => {
    const { frames, planned, done, add } = open()
    add(1)
    frames.flush()
    expect(done).toEqual([1])
    planned[0]?.()
    expect(done).toEqual([1])
  })

  it('rests three times as long as the drawing took, and is done together then', () => {
    const { frames, planned, done, clock, pass, add } = open()
    frames.add(() => void (clock.nowMs += 20))
    planned.shift()?.()
    // The browser's own part of it.
    clock.nowMs += 20
    pass(0)
    add(1)
    pass(50)
    add(2)
    pass(69)
    expect(planned).toEqual([])
    pass(1)
    expect(planned).toHaveLength(1)
    planned[0]?.()
    expect(done).toEqual([1, 2])
  })

  it('never rests longer than a second', () => {
    const { frames, planned, clock, pass, add } = open()
    frames.add(() => void (clock.nowMs += 60_000))
    planned.shift()?.()
    pass(0)
    add(1)
    pass(1_000)
    expect(planned).toHaveLength(1)
  })

  it('is dropped in a flood, however long that is, and everything is asked for anew', () => {
    const { planned, done, onBehind, add } = open()
    for (let value = 0; value < 1_000; value++) add(value)
    expect(onBehind).not.toHaveBeenCalled()
    for (let value = 1_000; value < 50_000; value++) add(value)
    expect(onBehind).toHaveBeenCalledTimes(49)
    planned.at(-1)?.()
    // What came after the last question is newer than its answer may be.
    expect(done).toEqual(Array.from({ length: 1_000 }, (_, index) => 49_000 + index))
  })

  it('goes on after a piece of work that fails', () => {
    const reported = vi.fn<(error: unknown) => void>()
    vi.stubGlobal('reportError', reported)
    const { frames, planned, done, add } = open()
    add(1)
    frames.add(() => {
      throw new Error('a bug')
    })
    add(3)
    planned[0]?.()
    expect(done).toEqual([1, 3])
    expect(reported).toHaveBeenCalledOnce()
    vi.unstubAllGlobals()
  })
})
