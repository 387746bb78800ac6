import { describe, expect, it } from 'vitest'
import type { GateVerdict } from '#contract/station/gate.ts'
import { gateSettingsSchema } from '#contract/station/gate.ts'
import { scannerSettingsSchema, scannersSettingsSchema, type ChipSettings } from '#contract/station/scanner-settings.ts'
import { findChipReaders } from '#station/device/chip-readers.ts'
import { openPcsc, type PcscAddon } from '#station/device/pcsc.ts'
import { createScanners } from '#station/device/scanners.ts'
import { startSite } from '../gate/site.ts'
import { pass } from '../gate/venue.ts'
import { createKeptLog, until } from '../parts.ts'
import { startStation } from '../start-station.ts'

const [present, inUse, unavailable, mute] = [0x20, 0x100, 0x8, 0x200]
const good = (bytes: Uint8Array = new Uint8Array()) => Uint8Array.from([...bytes, 0x90, 0x00])
const refused = Uint8Array.of(0x6a, 0x82)

/** A chip: what it answers to a command, in hex; undefined refuses it. */
type Answers = (command: Buffer) => Uint8Array | undefined

const uid = Buffer.from('04A2B3C4D5E6F0', 'hex')
const numberOnly: Answers = (command) => (command.toString('hex') === 'ffca000000' ? uid : undefined)

/** NFC Forum type 2: pages of four bytes; the message lies in them from the fourth on. */
const memoryChip = (message: Buffer): Answers => {
  const size = 16 + Math.ceil((message.length + 3) / 8) * 8
  const memory = Buffer.alloc(size)
  Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe1, 0x10, (size - 16) / 8, 0]).copy(memory)
  Buffer.from([0x03, message.length, ...message, 0xfe]).copy(memory, 16)
  return (command) => {
    if (command[0] === 0xff && command[1] === 0xb0) {
      const from = (command[3] ?? 0) * 4
      // It begins anew behind its end.
      return Buffer.concat([memory, memory]).subarray(from, from + 16)
    }
    return numberOnly(command)
  }
}

/** NFC Forum type 4: files, of which so many bytes are told at once. */
const fileChip = (message: Buffer, atOnce: number): Answers => {
  const files: Record<string, Buffer> = {
    e103: Buffer.from([0, 15, 0x20, atOnce >> 8, atOnce & 0xff, 0, 0xff, 4, 6, 0xe1, 0x04, 0x10, 0, 0, 0xff]),
    e104: Buffer.concat([Buffer.from([message.length >> 8, message.length & 0xff]), message]),
  }
  let file: Buffer | undefined
  return (command) => {
    const hex = command.toString('hex')
    if (hex === '00a4040007d276000085010100') return Buffer.alloc(0)
    if (hex.startsWith('00a4000c02')) {
      file = files[hex.slice(10)]
      return file && Buffer.alloc(0)
    }
    const from = ((command[2] ?? 0) << 8) | (command[3] ?? 0)
    if (hex.startsWith('00b0'))
      return (command[4] ?? 0) > atOnce ? undefined : file?.subarray(from, from + (command[4] ?? 0))
    return numberOnly(command)
  }
}

/** PC/SC with readers that are made up: all above its native part is the station's own. */
function emulatePcsc() {
  let changed: (name: string, status: number, atr: Uint8Array) => void = () => undefined
  let failed: (error: Error) => void = () => undefined
  const chips = new Map<string, Answers>()
  const counts = { clients: 0, connected: 0, released: 0 }
  let isAway = false
  const tell = (name: string, status: number) => changed(name, status, new Uint8Array())
  const addon: PcscAddon = {
    newClient() {
      counts.clients += 1
      if (isAway) throw new Error('no service')
      return {
        start(onChanged, onFailed) {
          ;[changed, failed] = [onChanged, onFailed]
        },
        stop() {
          ;[changed, failed] = [() => undefined, () => undefined]
        },
        connect(name) {
          const answers = chips.get(name)
          if (!answers) return Promise.reject(new Error('the card was removed'))
          counts.connected += 1
          // Whoever reads a chip is told of that too.
          tell(name, present | inUse)
          return Promise.resolve({
            transmit(_, command) {
              const bytes = answers(Buffer.from(command))
              return Promise.resolve(bytes ? good(bytes) : refused)
            },
            disconnect() {
              counts.released += 1
              tell(name, present)
              return Promise.resolve()
            },
          })
        },
      }
    },
  }
  return {
    addon,
    counts,
    plug: (name: string) => tell(name, 0x10),
    unplug: (name: string) => tell(name, unavailable),
    lay(name: string, chip: Answers, status = present) {
      chips.set(name, chip)
      tell(name, status)
    },
    take(name: string) {
      chips.delete(name)
      tell(name, 0x10)
    },
    leave() {
      isAway = true
      failed(new Error('the service has ended'))
    },
    comeBack: () => void (isAway = false),
  }
}

const reader = 'ACR122U PICC 0'
const id = `pcsc:${reader}`

/** A gate with a chip reader; the passes are listed by what its chips say. */
async function openGate(chips: Partial<ChipSettings> | null = null, values: readonly string[] = []) {
  const site = await startSite(new Map(values.map((value) => [value, pass(value)])))
  const { station, call } = await startStation({ url: site.url, apiKey: 'key' })
  await call('settings.change', { gate: gateSettingsSchema.parse({ isOn: true, name: 'north', waitMs: 10_000 }) })
  const settings = scannerSettingsSchema.parse({ staleMs: 0, chips: chips && { sends: 'uid_hex', ...chips } })
  await call('device.configure', { id, settings })
  const told: GateVerdict[] = []
  let refusals = 0
  station.subscribe('gate.verdict', (verdict) => void told.push(verdict as GateVerdict))
  station.subscribe('scan.refused', () => void (refusals += 1))
  const pcsc = emulatePcsc()
  station.drive(
    createScanners({
      settings: scannersSettingsSchema.parse({ chipReaders: true, byId: { [id]: settings } }),
      log: createKeptLog(),
      finders: [findChipReaders(() => openPcsc(pcsc.addon), 200)],
    }),
  )
  pcsc.plug(reader)
  const stateOf = async (of = id) => (await call('device.list', {})).devices.find((one) => one.id === of)?.state
  await until(async () => (await stateOf()) === 'ready')
  return { site, told, pcsc, stateOf, refusals: () => refusals }
}

const said = (verdicts: readonly GateVerdict[]) => verdicts.map(({ code, type, hint }) => [code, type, hint])

describe('a reader of chips behind PC/SC', () => {
  it('gives the number of each chip that is laid on it once, as a pass', async () => {
    const { site, told, pcsc } = await openGate(null, ['04A2B3C4D5E6F0'])
    for (let visitor = 1; visitor <= 2; visitor += 1) {
      pcsc.lay(reader, numberOnly)
      await until(() => told.length === visitor)
      pcsc.take(reader)
    }
    expect(site.told.map(({ data, type }) => [data, type])).toEqual([
      ['04A2B3C4D5E6F0', 'nfc'],
      ['04A2B3C4D5E6F0', 'nfc'],
    ])
    expect(said(told)[0]).toEqual(['admitted', 'nfc', 'E6F0'])
    await until(() => pcsc.counts.released === 2)
    expect(pcsc.counts.connected).toBe(2)
  })

  it('gives the message of a chip where that is wanted, from its memory or its files, however long', async () => {
    const text = `0007 ${'AB'.repeat(150)}`
    const longMessage = Buffer.concat([
      Buffer.from([0xc1, 0x01, 0, 0, (text.length + 3) >> 8, (text.length + 3) & 0xff, 0x54, 0x02]),
      Buffer.from(`en${text}`),
    ])
    const shortMessage = Buffer.from('D1010A5402656E30303037204142', 'hex')
    const { site, told, pcsc } = await openGate({ sends: 'ndef_hex' }, ['0007 AB', text])
    for (const [index, chip] of [
      memoryChip(shortMessage),
      fileChip(longMessage, 59),
      fileChip(shortMessage, 255),
    ].entries()) {
      pcsc.lay(reader, chip)
      await until(() => told.length === index + 1)
      pcsc.take(reader)
    }
    expect(site.told.map(({ data }) => data)).toEqual(['0007 AB', text, '0007 AB'])
  })

  it('refuses aloud a chip that it cannot read, and asks nobody about it', async () => {
    const { site, told, pcsc, refusals } = await openGate({ sends: 'text' })
    pcsc.lay(reader, () => undefined)
    await until(() => refusals() === 1)
    pcsc.take(reader)
    // It says nothing: a card the wrong way round, or none.
    pcsc.lay(reader, numberOnly, present | mute)
    pcsc.take(reader)
    pcsc.lay(reader, numberOnly)
    await until(() => told.length === 1)
    expect(refusals()).toBe(1)
    expect(site.told.map(({ data }) => data)).toEqual(['04A2B3C4D5E6F0'])
  })

  it('is found again after it was unplugged, and after the service was away, which people are told of', async () => {
    const { told, pcsc, stateOf } = await openGate()
    pcsc.unplug(reader)
    await until(async () => (await stateOf()) === 'unplugged')
    pcsc.plug(reader)
    await until(async () => (await stateOf()) === 'ready')
    pcsc.leave()
    await until(async () => (await stateOf('pcsc:PC/SC')) === 'failed')
    pcsc.comeBack()
    const { clients } = pcsc.counts
    await until(() => pcsc.counts.clients > clients)
    pcsc.plug(reader)
    await until(async () => (await stateOf()) === 'ready')
    pcsc.lay(reader, numberOnly)
    await until(() => told.length === 1)
  })

  it('is left to others unless the settings want it', async () => {
    const pcsc = emulatePcsc()
    const finder = findChipReaders(() => openPcsc(pcsc.addon))(scannersSettingsSchema.parse({}))
    finder.watch(() => undefined)()
    expect(await finder.find()).toEqual([])
    expect(pcsc.counts.clients).toBe(0)
  })
})
