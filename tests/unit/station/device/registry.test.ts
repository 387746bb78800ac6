import { describe, expect, it } from 'vitest'
import type { DeviceReport } from '#station/device/driver.ts'
import { createDeviceRegistry } from '#station/device/registry.ts'
import { createClock } from '../parts.ts'

const device = (fields: Partial<DeviceReport> = {}): DeviceReport => ({
  id: 'w',
  kind: 'wedge',
  name: 'keyboard',
  state: 'ready',
  advice: '',
  ...fields,
})

describe('the device registry', () => {
  it('tells of a new device and of each change, not of repetitions', () => {
    let changes = 0
    const registry = createDeviceRegistry(createClock(), () => (changes += 1))
    registry.report(device())
    registry.report(device())
    expect(changes).toBe(1)
    registry.report(device({ state: 'unplugged', advice: 'plug it in' }))
    expect(changes).toBe(2)
    expect(registry.list()).toMatchObject([{ state: 'unplugged', advice: 'plug it in' }])
  })

  it('counts the scans of each device by its name and keeps the count over changes of state', () => {
    const registry = createDeviceRegistry(createClock(), () => undefined)
    registry.report(device())
    registry.report(device({ id: 'c', kind: 'camera', name: 'camera' }))
    registry.count('keyboard')
    registry.count('keyboard')
    registry.count('somebody else')
    registry.report(device({ state: 'busy' }))
    expect(registry.list()).toMatchObject([
      { id: 'w', scans: 2, lastScanAt: '2026-11-21T09:00:00.000Z', state: 'busy' },
      { id: 'c', scans: 0, lastScanAt: null },
    ])
  })

  it('does not grow without end, whatever a window reports', () => {
    const registry = createDeviceRegistry(createClock(), () => undefined)
    for (let n = 0; n < 1_000; n += 1) registry.report(device({ id: `d${n}` }))
    expect(registry.list()).toHaveLength(100)
    registry.report(device({ id: 'd0', state: 'failed' }))
    expect(registry.list()[0]?.state).toBe('failed')
  })
})
