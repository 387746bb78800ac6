import type { Capture } from '#contract/station/capture.ts'
import type { DeviceDetails } from '#contract/station/device.ts'
import type { Session } from '#contract/station/session.ts'
import type { TopicName } from '#contract/station/topic-names.ts'
import type { TopicPayload } from '#contract/station/topics.ts'
import type { Transport } from '#contract/transport.ts'

/** Topics that sum up many changes are sent at most this often. */
const summaryMs = 100
/** So many captures are told of in one event. */
const capturesAtOnce = 500

/**
 * What the station tells its windows (contract/station/topics.ts). Events go out at once; what only says how things stand now is
 * marked as changed, and goes out at most ten times a second.
 */
export interface Topics {
  readonly subscribe: Transport['subscribe']
  publish<T extends TopicName>(topic: T, payload: TopicPayload<T>): void
  isHeard(topic: TopicName): boolean
  sessionChanged(id: string): void
  capturesChanged(ids: readonly string[]): void
  deskChanged(): void
  gateChanged(): void
  statusChanged(): void
  /** A device has read something. */
  deviceSeen(id: string): void
  /** What the status says of a device has changed. */
  deviceChanged(id: string): void
  close(): void
}

/** `now` is asked how things stand when it is told, and not before. */
export function createTopics(now: {
  readonly session: (id: string) => Session | null
  readonly captures: (ids: readonly string[]) => readonly Capture[]
  readonly devices: () => readonly DeviceDetails[]
  readonly status: () => TopicPayload<'status.changed'>
  readonly gate: () => TopicPayload<'gate.changed'>
  readonly desk: () => TopicPayload<'item.changed'>
}): Topics {
  const listeners = new Map<string, Set<(payload: unknown) => void>>()
  const publish: Topics['publish'] = (topic, payload) => {
    for (const listener of listeners.get(topic) ?? []) listener(payload)
  }
  const isHeard = (topic: TopicName): boolean => (listeners.get(topic)?.size ?? 0) > 0

  const sessions = new Set<string>()
  const devices = new Set<string>()
  let isStatusChanged = false
  let isGateChanged = false
  let isDeskChanged = false
  let timer: NodeJS.Timeout | null = null
  const tell = (): void => {
    timer = null
    for (const id of sessions) {
      const session = now.session(id)
      if (session) publish('session.changed', session)
    }
    sessions.clear()
    if (devices.size > 0 && isHeard('device.changed'))
      for (const device of now.devices()) if (devices.has(device.id)) publish('device.changed', device)
    devices.clear()
    if (isStatusChanged) publish('status.changed', now.status())
    isStatusChanged = false
    if (isGateChanged && isHeard('gate.changed')) publish('gate.changed', now.gate())
    isGateChanged = false
    if (isDeskChanged && isHeard('item.changed')) publish('item.changed', now.desk())
    isDeskChanged = false
  }
  const tellSoon = (): void => {
    timer ??= setTimeout(tell, summaryMs)
  }

  const sessionChanged = (id: string): void => {
    sessions.add(id)
    tellSoon()
  }
  const deskChanged = (): void => {
    isDeskChanged = true
    tellSoon()
  }
  const statusChanged = (): void => {
    isStatusChanged = true
    tellSoon()
  }
  const deviceSeen = (id: string): void => {
    devices.add(id)
    tellSoon()
  }
  return {
    subscribe(topic, listener) {
      const set = listeners.get(topic) ?? new Set()
      listeners.set(topic, set)
      set.add(listener)
      return () => void set.delete(listener)
    },
    publish,
    isHeard,
    sessionChanged,
    capturesChanged(ids) {
      for (let from = 0; from < ids.length; from += capturesAtOnce) {
        const captures = [...now.captures(ids.slice(from, from + capturesAtOnce))]
        if (captures.length > 0) publish('capture.changed', { captures })
        for (const capture of captures) sessionChanged(capture.sessionId)
      }
      deskChanged()
      statusChanged()
    },
    deskChanged,
    gateChanged() {
      isGateChanged = true
      tellSoon()
    },
    statusChanged,
    deviceSeen,
    deviceChanged(id) {
      deviceSeen(id)
      statusChanged()
    },
    close() {
      if (timer) clearTimeout(timer)
      listeners.clear()
    },
  }
}
