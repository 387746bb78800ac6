import { EventEmitter } from 'node:events'

/** A fake `webContents`: emits what it is told to, and keeps what was asked of it. */
export function createFakeContents() {
  const contents = Object.assign(new EventEmitter(), {
    id: 1,
    loaded: [] as string[],
    crashed: 0,
    sent: [] as string[],
    send(channel: string) {
      contents.sent.push(channel)
    },
    windowOpenHandler: null as null | ((details: { url: string }) => { action: string }),
    setWindowOpenHandler(handler: (details: { url: string }) => { action: string }) {
      contents.windowOpenHandler = handler
    },
    async loadURL(url: string) {
      contents.loaded.push(url)
    },
    forcefullyCrashRenderer() {
      contents.crashed += 1
    },
  })
  return contents
}

/** An event as Electron passes it: knows whether it was prevented. */
export function createFakeEvent() {
  const event = {
    isPrevented: false,
    preventDefault() {
      event.isPrevented = true
    },
  }
  return event
}

/** Time that stands still until it is told to pass; runs what is due in order. */
export function createFakeTime() {
  let nowMs = Date.parse('2026-11-21T09:00:00.000Z')
  let waiting: { at: number; run: () => void }[] = []
  return {
    clock: { now: () => new Date(nowMs) },
    later(run: () => void, waitMs: number) {
      const entry = { at: nowMs + waitMs, run }
      waiting.push(entry)
      return () => {
        waiting = waiting.filter((other) => other !== entry)
      }
    },
    pass(ms: number) {
      const until = nowMs + ms
      for (;;) {
        const next = waiting.toSorted((a, b) => a.at - b.at)[0]
        if (next === undefined || next.at > until) break
        waiting = waiting.filter((other) => other !== next)
        nowMs = next.at
        next.run()
      }
      nowMs = until
    },
  }
}
