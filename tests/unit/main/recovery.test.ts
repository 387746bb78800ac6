import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { ipcChannels } from '#contract/ipc.ts'
import { ownUrl } from '#main/origin.ts'
import { keepPageAlive, serviceUrl } from '#main/recovery.ts'
import { createKeptLog } from '../../contract/fake-station.ts'
import { createFakeContents, createFakeTime } from './fake-electron.ts'

function watchedWindow() {
  const time = createFakeTime()
  const webContents = createFakeContents()
  const window = Object.assign(new EventEmitter(), { webContents, isDestroyed: () => false })
  const ipcMain = new EventEmitter()
  keepPageAlive({
    window: window as never,
    ipcMain: ipcMain as never,
    clock: time.clock,
    later: time.later,
    log: createKeptLog().log,
  })
  const answer = (id = webContents.id) => ipcMain.emit(ipcChannels.pulse, { sender: { id } })
  const crash = (reason = 'crashed') => webContents.emit('render-process-gone', {}, { reason, exitCode: 1 })
  return { time, window, webContents, crash, answer }
}

describe('a page that crashes', () => {
  it('is loaded again, later each time', () => {
    const { time, webContents, crash } = watchedWindow()
    crash()
    time.pass(499)
    expect(webContents.loaded).toEqual([])
    time.pass(1)
    expect(webContents.loaded).toEqual([ownUrl])
    crash('oom')
    time.pass(999)
    expect(webContents.loaded).toHaveLength(1)
    time.pass(1)
    expect(webContents.loaded).toEqual([ownUrl, ownUrl])
  })

  it('gives way to the service screen after three faults in a minute, and does not loop', () => {
    const { time, webContents, crash } = watchedWindow()
    for (let count = 0; count < 3; count += 1) {
      crash()
      time.pass(5_000)
    }
    expect(webContents.loaded).toEqual([ownUrl, ownUrl, serviceUrl])
    time.pass(200_000)
    expect(webContents.loaded).toHaveLength(3)
  })

  it('waits even when the service screen fails as well, and tries again after five minutes', () => {
    const { time, webContents, crash } = watchedWindow()
    for (let count = 0; count < 20; count += 1) {
      crash()
      time.pass(5_000)
    }
    expect(webContents.loaded).toEqual([ownUrl, ownUrl, serviceUrl])
    time.pass(300_000)
    expect(webContents.loaded).toEqual([ownUrl, ownUrl, serviceUrl, ownUrl])
  })

  it('is only loaded again when its crashes are more than a minute apart', () => {
    const { time, webContents, crash } = watchedWindow()
    for (let count = 0; count < 10; count += 1) {
      crash()
      time.pass(61_000)
    }
    expect(webContents.loaded).toEqual(Array.from({ length: 10 }, () => ownUrl))
  })

  it('is left alone when it ended cleanly', () => {
    const { time, webContents, crash } = watchedWindow()
    crash('clean-exit')
    time.pass(10_000)
    expect(webContents.loaded).toEqual([])
  })

  it('is loaded again when it could not be loaded, but not when another load took its place', () => {
    const { time, webContents } = watchedWindow()
    webContents.emit('did-fail-load', {}, -3, 'ERR_ABORTED', ownUrl, true)
    webContents.emit('did-fail-load', {}, -2, 'ERR_FAILED', ownUrl, false)
    time.pass(1_000)
    expect(webContents.loaded).toEqual([])
    webContents.emit('did-fail-load', {}, -2, 'ERR_FAILED', ownUrl, true)
    time.pass(1_000)
    expect(webContents.loaded).toEqual([ownUrl])
  })
})

it('takes a page back that was left for an empty one, of which nothing tells before', () => {
  const { webContents } = watchedWindow()
  webContents.emit('did-navigate', {}, ownUrl)
  webContents.emit('did-navigate', {}, serviceUrl)
  expect(webContents.loaded).toEqual([])
  webContents.emit('did-navigate', {}, 'about:blank')
  expect(webContents.loaded).toEqual([ownUrl])
})

describe('a page that hangs', () => {
  it('is ended after ten seconds', () => {
    const { time, window, webContents } = watchedWindow()
    window.emit('unresponsive')
    time.pass(9_999)
    expect(webContents.crashed).toBe(0)
    time.pass(1)
    expect(webContents.crashed).toBe(1)
  })

  it('is found out though nobody touches it: it is asked every three seconds, and given ten', () => {
    const { time, webContents, answer } = watchedWindow()
    webContents.emit('did-finish-load')
    expect(webContents.sent).toEqual([ipcChannels.pulse])
    for (let round = 2; round <= 50; round += 1) {
      time.pass(500)
      answer()
      time.pass(3_000)
      expect(webContents.sent).toHaveLength(round)
    }
    expect(webContents.crashed).toBe(0)
    // Another page's answer is none.
    answer(7)
    time.pass(10_000)
    expect(webContents.crashed).toBe(1)
    webContents.emit('render-process-gone', {}, { reason: 'killed', exitCode: 1 })
    time.pass(500)
    expect(webContents.loaded).toEqual([ownUrl])
  })

  it('is not ended while it loads, or after it has gone', () => {
    const { time, webContents } = watchedWindow()
    for (const name of ['did-start-loading', 'render-process-gone']) {
      webContents.emit('did-finish-load')
      webContents.emit(name, {}, { reason: 'clean-exit', exitCode: 0 })
      time.pass(60_000)
    }
    expect(webContents.crashed).toBe(0)
  })

  it('is left alone when it answers again', () => {
    const { time, window, webContents } = watchedWindow()
    window.emit('unresponsive')
    time.pass(5_000)
    window.emit('responsive')
    time.pass(60_000)
    expect(webContents.crashed).toBe(0)
  })
})
