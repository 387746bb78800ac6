import { describe, expect, it, onTestFinished } from 'vitest'
import type { Scan } from '#contract/station/capture.ts'
import { readControlCode, writeControlCode } from '#domain/control-code.ts'
import { createDeviceService } from '#station/device/service.ts'
import { createClock } from '../parts.ts'

const scan = (data: string, fields: Partial<Scan> = {}): Scan => ({
  data,
  source: 'device',
  deviceName: 'Gun',
  ...fields,
})

function open() {
  const clock = createClock()
  let changes = 0
  let last = 0
  const service = createDeviceService({
    clock,
    random: () => (last = (last + 0.37) % 1),
    onChange: () => (changes += 1),
  })
  onTestFinished(() => service.close())
  return { clock, service, changes: () => changes }
}

describe('the test mode', () => {
  it('checks what devices read, and leaves what is typed or handed in to be captured', () => {
    const { service } = open()
    expect(service.take(scan('4006381333931'), 'gun')).toBeNull()
    service.test(true)
    expect(service.mode().test).toEqual({ until: '2026-11-21T09:05:00.000Z' })
    expect(service.take(scan('4006381333931'), 'gun')).toMatchObject({ value: { outcome: 'checked', isSound: true } })
    for (const source of ['wedge', 'camera'] as const)
      expect(service.take(scan('A', { source }), '')).toMatchObject({ ok: true })
    for (const source of ['manual', 'stdin'] as const) expect(service.take(scan('A', { source }), '')).toBeNull()
    service.test(false)
    expect(service.take(scan('4006381333931'), 'gun')).toBeNull()
  })

  it('says bad to what breaks the rules of its kind, and to a damaged control barcode', () => {
    const { service } = open()
    service.test(true)
    const verdict = (data: string, aim?: string) => service.take(scan(data, aim ? { aim } : {}), 'gun')
    expect(verdict('4006381333932', ']E0')).toMatchObject({ value: { isSound: false } })
    expect(verdict('0104006381333931', ']C1')).toMatchObject({ value: { isSound: true } })
    expect(verdict('XCTRLENDCG')).toMatchObject({ value: { isSound: false } })
    // A control barcode asks for nothing while its scanner is tested.
    expect(verdict(writeControlCode({ kind: 'end' }))).toMatchObject({ value: { isSound: true } })
  })

  it('ends by itself', () => {
    const { clock, service } = open()
    service.test(true)
    clock.advance(5 * 60_000)
    expect(service.mode().test).toBeNull()
    expect(service.take(scan('A'), 'gun')).toBeNull()
  })
})

describe('registering a scanner', () => {
  const codeOf = (service: ReturnType<typeof open>['service']) => service.mode().pairing?.code ?? ''

  it('finds the scanner that reads the code, with a code of its own each time', () => {
    const { service, changes } = open()
    service.pair(true)
    const first = codeOf(service)
    expect(readControlCode(first)).toMatchObject({ kind: 'command', command: { kind: 'register' } })
    expect(service.take(scan('4006381333931'), 'gun')).toBeNull()
    expect(service.take(scan(first.toLowerCase(), { source: 'wedge', deviceName: 'Keys' }), 'wedge')).toMatchObject({
      value: { isSound: true },
    })
    expect(service.mode().pairing?.found).toEqual({ deviceId: 'wedge', deviceName: 'Keys', kind: 'wedge' })
    expect(changes()).toBe(2)
    // Trembling hands, and a second scanner.
    expect(service.take(scan(first, { source: 'wedge' }), 'wedge')).toMatchObject({ ok: true })
    expect(service.take(scan(first), 'gun')).toMatchObject({ ok: false, error: { code: 'conflict' } })
    service.pair(true)
    expect(codeOf(service)).not.toBe(first)
    expect(service.mode().pairing?.found).toBeNull()
    expect(service.take(scan(first), 'gun')).toMatchObject({ ok: false, error: { code: 'not_found' } })
  })

  it('takes the printed code too while it waits, and no code when it does not', () => {
    const { clock, service } = open()
    const printed = writeControlCode({ kind: 'register', nonce: null })
    expect(service.take(scan(printed), 'gun')).toMatchObject({ ok: false, error: { code: 'not_found' } })
    service.pair(true)
    const shown = codeOf(service)
    expect(service.take(scan(printed, { source: 'camera' }), 'camera')).toMatchObject({ ok: false })
    expect(service.take(scan(printed), 'gun')).toMatchObject({ ok: true })
    expect(service.mode().pairing?.found?.deviceId).toBe('gun')
    clock.advance(3 * 60_000)
    expect(service.mode().pairing).toBeNull()
    expect(service.take(scan(shown), 'gun')).toMatchObject({ ok: false })
  })

  it('is a check even in test mode, and never a capture', () => {
    const { service } = open()
    service.test(true)
    service.pair(true)
    expect(service.take(scan(codeOf(service)), 'gun')).toMatchObject({ ok: true })
    expect(service.mode().pairing?.found?.deviceId).toBe('gun')
  })
})
