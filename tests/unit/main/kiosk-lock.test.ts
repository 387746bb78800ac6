import { EventEmitter } from 'node:events'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { coverUrl, lockKiosk } from '#main/kiosk-lock.ts'
import { createKeptLog } from '../../contract/fake-station.ts'
import { createFakeEvent } from './fake-electron.ts'

interface FakeDisplay {
  readonly id: number
  readonly bounds: { readonly x: number; readonly y: number; readonly width: number; readonly height: number }
}

const display = (id: number): FakeDisplay => ({ id, bounds: { x: id * 1_920, y: 0, width: 1_920, height: 1_080 } })

function locked(displays: FakeDisplay[] = [display(0)]) {
  const done: string[] = []
  const covers: FakeWindow[] = []
  class FakeWindow extends EventEmitter {
    readonly options: Record<string, unknown>
    loaded = ''
    isGone = false
    constructor(options: Record<string, unknown>) {
      super()
      this.options = options
      covers.push(this)
    }
    loadURL(url: string) {
      this.loaded = url
      return Promise.resolve()
    }
    setBounds = () => undefined
    destroy() {
      this.isGone = true
    }
  }
  const webContents = Object.assign(new EventEmitter(), {
    closeDevTools: () => done.push('closeDevTools'),
    debugger: {
      isAttached: () => false,
      attach: () => undefined,
      sendCommand: (name: string, fields: object) => {
        done.push(`${name} ${JSON.stringify(fields)}`)
        return Promise.resolve()
      },
    },
  })
  const window = Object.assign(new EventEmitter(), {
    webContents,
    isDestroyed: () => false,
    getBounds: () => display(0).bounds,
    restore: () => done.push('restore'),
    show: () => done.push('show'),
    setKiosk: (on: boolean) => done.push(`setKiosk ${on}`),
    setFullScreen: () => undefined,
  })
  const screen = Object.assign(new EventEmitter(), {
    getAllDisplays: () => displays,
    getDisplayMatching: () => display(0),
  })
  const app = Object.assign(new EventEmitter(), { quit: () => done.push('quit') })
  const lock = lockKiosk({
    app: app as never,
    window: window as never,
    Window: FakeWindow as never,
    screen: screen as never,
    onLost: () => done.push('lost'),
    log: createKeptLog().log,
  })
  const close = () => {
    const event = createFakeEvent()
    window.emit('close', event)
    return event.isPrevented
  }
  return { lock, window, screen, app, displays, covers, done, close, webContents }
}

describe('a locked kiosk', () => {
  it('is not closed, made smaller, hidden or taken out of the full screen', () => {
    const { window, webContents, close, done } = locked()
    expect(close()).toBe(true)
    for (const name of ['minimize', 'hide', 'leave-full-screen']) window.emit(name)
    webContents.emit('devtools-opened')
    expect(done).toEqual(['restore', 'show', 'setKiosk true', 'closeDevTools'])
  })

  it('shows no dialog for files, on any page that it loads', () => {
    const { webContents, done } = locked()
    webContents.emit('did-finish-load')
    webContents.emit('did-finish-load')
    expect(done).toEqual(Array(2).fill('Page.setInterceptFileChooserDialog {"enabled":true}'))
  })

  it('is told of a window that its own page has closed, and leaves no listener of it behind', () => {
    const { window, app, screen, done } = locked()
    window.emit('closed')
    expect(done).toEqual(['lost'])
    expect([...app.eventNames(), ...screen.eventNames()]).toEqual([])
  })

  it('covers every other display, those that are plugged in later too', () => {
    const { displays, covers, screen } = locked([display(0), display(1)])
    expect(covers.map(({ loaded, options }) => [loaded, options['x'], options['kiosk'], options['focusable']])).toEqual(
      [[coverUrl, 1_920, true, false]],
    )
    displays.push(display(2))
    screen.emit('display-added')
    expect(covers.map(({ options }) => options['x'])).toEqual([1_920, 3_840])
    displays.splice(1, 1)
    screen.emit('display-removed')
    expect(covers.map(({ isGone }) => isGone)).toEqual([true, false])
    const event = createFakeEvent()
    covers[1]?.emit('close', event)
    expect(event.isPrevented).toBe(true)
  })

  it.each(['window', 'end'] as const)('is left by staff: to the %s', (to) => {
    const { lock, close, covers, done } = locked([display(0), display(1)])
    lock.leave(to)
    expect(lock.isLocked).toBe(false)
    expect(close()).toBe(false)
    expect(covers.map(({ isGone }) => isGone)).toEqual([true])
    expect(done).toEqual([to === 'end' ? 'quit' : 'setKiosk false'])
  })

  it('locks again by itself a while after it was left to the window', () => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const { lock, close, done, covers } = locked([display(0), display(1)])
    lock.leave('window')
    vi.advanceTimersByTime(14 * 60_000)
    expect(lock.isLocked).toBe(false)
    vi.advanceTimersByTime(60_000)
    expect([lock.isLocked, close()]).toEqual([true, true])
    expect(done.at(-1)).toBe('setKiosk true')
    expect(covers.map(({ isGone }) => isGone)).toEqual([true, false])
  })

  it('lets the program end when the system tells it to', () => {
    const { app, close } = locked()
    app.emit('before-quit')
    expect(close()).toBe(false)
  })
})
