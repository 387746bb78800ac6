import { describe, expect, it, vi } from 'vitest'
import { createFrames } from '#renderer/client/frames.ts'

function open() {
  const planned: (() => void)[] = []
  const late: (() => void)[] = []
  const done: number[] = []
  const frames = createFrames({
    requestFrame: (run) => void planned.push(run),
    later: (run) => void late.push(run),
  })
  return { frames, planned, late, done, add: (value: number) => frames.add(() => void done.push(value)) }
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
