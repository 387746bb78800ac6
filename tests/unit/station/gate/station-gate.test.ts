import { describe, expect, it } from 'vitest'
import type { GateVerdict } from '#contract/station/gate.ts'
import { gateSettingsSchema } from '#contract/station/gate.ts'
import { scannerSettingsSchema } from '#contract/station/scanner-settings.ts'
import { createEmulatedScanner } from '#station/index.ts'
import { until } from '../parts.ts'
import { startStation } from '../start-station.ts'
import { startSite } from './site.ts'
import { pass } from './venue.ts'

describe('a station that is a gate', () => {
  it('judges what devices and windows read, and captures none of it', async () => {
    const site = await startSite(new Map([['4006381333931', pass('good')]]))
    const { station, call, ask } = await startStation({ url: site.url, apiKey: 'key' })
    const told: GateVerdict[] = []
    station.subscribe('gate.verdict', (verdict) => void told.push(verdict as GateVerdict))
    expect(await ask('gate.scan', { data: '4006381333931' })).toMatchObject({ ok: false, error: { code: 'conflict' } })
    await call('settings.change', { gate: gateSettingsSchema.parse({ isOn: true, name: 'north', waitMs: 10_000 }) })

    expect(await call('scan.submit', { data: ']E04006381333931', source: 'wedge' })).toEqual({
      outcome: 'checked',
      isSound: true,
    })
    expect(await call('scan.submit', { data: ']Q1nobody', source: 'device' })).toEqual({
      outcome: 'checked',
      isSound: false,
    })
    expect(await ask('scan.submit', { data: ']E04006381333931', source: 'wedge', ageMs: 10_001 })).toMatchObject({
      ok: false,
      error: { code: 'conflict' },
    })
    const typed = await call('gate.scan', { data: '4006381333931', source: 'manual' })
    expect(told.map(({ code, type }) => [code, type])).toEqual([
      ['admitted', 'ean13'],
      ['unknown_pass', 'qrcode'],
      ['admitted', 'manual'],
    ])
    expect(site.told.map(({ data }) => data)).toEqual(['4006381333931', 'nobody', '4006381333931'])
    expect(await call('gate.list', {})).toMatchObject([
      { id: typed.id },
      { code: 'unknown_pass' },
      { code: 'admitted' },
    ])
    expect(await call('gate.status', {})).toMatchObject({ isOn: true, gate: 'north', site: 'online', inside: 3 })
    expect(await call('session.list', {})).toEqual([])
  })

  it('asks for a chip by the value in the list, however its reader writes it, and never for what is none', async () => {
    const site = await startSite(new Map([['04A2B3C4D5E6F0', pass('chip')]]))
    const { station, call, ask } = await startStation({ url: site.url, apiKey: 'key' })
    const told: GateVerdict[] = []
    station.subscribe('gate.verdict', (verdict) => void told.push(verdict as GateVerdict))
    await call('settings.change', { gate: gateSettingsSchema.parse({ isOn: true, name: 'north', waitMs: 10_000 }) })
    const readBy = async (chips: object, data: string) => {
      await call('device.configure', { id: 'wedge', settings: scannerSettingsSchema.parse({ chips }) })
      return await ask('scan.submit', { data, source: 'wedge', deviceId: 'wedge' })
    }
    const isIn = { ok: true, value: { outcome: 'checked', isSound: true } }
    expect(await readBy({ sends: 'uid_hex' }, '04:a2:b3:c4:d5:e6:f0')).toEqual(isIn)
    expect(await readBy({ sends: 'uid_decimal_reversed' }, '067807800213086724')).toEqual(isIn)
    expect(await readBy({ sends: 'uid_hex' }, '04:a2:b3')).toMatchObject({ error: { code: 'invalid_input' } })
    // To the byte, though a code that began like this would have an identifier.
    await readBy({ sends: 'text' }, ']C1~04A2')
    await readBy({ sends: 'uid_hex', prefix: '~' }, '04A2B3C4D5E6F0')
    expect(site.told.map(({ data, type }) => [data, type])).toEqual([
      ['04A2B3C4D5E6F0', 'nfc'],
      ['04A2B3C4D5E6F0', 'nfc'],
      [']C1~04A2', 'nfc'],
      ['04A2B3C4D5E6F0', 'text'],
    ])
    expect(told.map(({ code }) => code)).toEqual(['admitted', 'admitted', 'unknown_pass', 'admitted'])
  })

  it('judges no half of a code, neither the one nor the other, and the next code whole', async () => {
    const site = await startSite(
      new Map([
        ['0007-good', pass('good')],
        ['0007', pass('another')],
      ]),
    )
    const { station, call, log } = await startStation({ url: site.url, apiKey: 'key' })
    await call('settings.change', { gate: gateSettingsSchema.parse({ isOn: true, name: 'north', waitMs: 10_000 }) })
    const torn: number[] = []
    station.subscribe('scan.torn', (told) => void torn.push((told as { length: number }).length))
    const scanner = createEmulatedScanner('gate', log, () => undefined)
    station.drive(scanner.driver)
    await until(() => scanner.isOpen())
    for (let index = 0; index < 3; index += 1) scanner.send('0007-good\r')
    scanner.send('0007')
    await until(() => torn.length === 1)
    scanner.send('-good\r')
    scanner.send('0007-good\r')
    await until(() => site.told.length === 4)
    expect(torn).toEqual([4, 5])
    expect(new Set(site.told.map(({ data }) => data))).toEqual(new Set(['0007-good']))
    const { devices } = await call('device.list', {})
    expect(devices.find(({ id }) => id === 'emulated:gate')?.counts).toMatchObject({ reads: 6, torn: 2 })
  })

  it('tells the displays of visitors that a read has no verdict, as long as it is a gate', async () => {
    const { station, call, ask } = await startStation({ url: 'http://127.0.0.1:9', apiKey: 'key' })
    let told = 0
    station.subscribe('gate.failed', () => void (told += 1))
    expect(await ask('gate.failed', {})).toMatchObject({ ok: false, error: { code: 'conflict' } })
    expect(told).toBe(0)
    await call('settings.change', { gate: gateSettingsSchema.parse({ isOn: true }) })
    await call('gate.failed', {})
    expect(told).toBe(1)
  })
})
