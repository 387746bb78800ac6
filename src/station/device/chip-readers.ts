import type { ScannerSettings, ScannersSettings } from '#contract/station/scanner-settings.ts'
import type { Decoder } from './decoder.ts'
import { openPcsc, type Chip, type ChipReader, type ChipService } from './pcsc.ts'
import type { FoundScanner, LinkEvents, Opening } from './scanner.ts'
import type { Finder } from './scanners.ts'

/** Where the service is away it is asked for again so often: it may be started later, or again. */
const usualRetryMs = 10_000
/** No NDEF message of a pass is longer. */
const longestMessageBytes = 4_096
/** In the place of what could not be read: no chip in any notation, so that it is refused aloud. */
const unreadable = '?'
/** The ids of these readers begin so. */
const idPrefix = 'pcsc:'

/** Whether a device is a reader of chips by itself, whatever its settings say. */
export const isChipReader = (deviceId: string): boolean => deviceId.startsWith(idPrefix)

/**
 * Readers of chips behind PC/SC, where the settings want them: others on the machine may be for people to sign in with, and are
 * not ours to read. A chip that is laid on one is one read: its number, or its NDEF message where the reader's settings say so,
 * in hex, as a reader in keyboard mode would type it.
 */
export function findChipReaders(
  open: () => ChipService = openPcsc,
  retryMs = usualRetryMs,
): (settings: ScannersSettings) => Finder {
  return ({ chipReaders }) => {
    const readers = new Map<ChipReader, { readonly number: number; end(reason: string): void }>()
    let came = 0
    let fault: string | null = null

    const describe = (
      reader: ChipReader,
      held: { readonly number: number; end(reason: string): void },
    ): FoundScanner => ({
      ...placeOf(reader.name),
      instance: `${idPrefix}${reader.name} ${held.number}`,
      open(settings, events) {
        held.end = (reason) => events.end(reason)
        return Promise.resolve(openReader(reader, settings, events))
      },
    })
    const watch = (hint: () => void): (() => void) => {
      let service: ChipService | null = null
      let timer: NodeJS.Timeout | undefined
      let isStopped = false
      const forget = (reason: string): void => {
        for (const held of readers.values()) held.end(reason)
        readers.clear()
        service = null
      }
      const away = (error: unknown): void => {
        if (isStopped) return
        fault = error instanceof Error ? error.message : String(error)
        const failed = service
        forget(fault)
        try {
          failed?.stop()
        } catch {
          // It has ended by itself.
        }
        hint()
        clearTimeout(timer)
        timer = setTimeout(begin, retryMs)
        timer.unref()
      }
      const begin = (): void => {
        try {
          service = open()
          service.start({
            came(reader) {
              came += 1
              readers.set(reader, { number: came, end: () => undefined })
              hint()
            },
            gone(reader) {
              readers.get(reader)?.end('unplugged')
              readers.delete(reader)
              hint()
            },
            failed: away,
          })
          fault = null
        } catch (error) {
          away(error)
        }
      }
      begin()
      return () => {
        isStopped = true
        clearTimeout(timer)
        const open = service
        forget('the settings have changed')
        open?.stop()
      }
    }
    return {
      find() {
        const reason = fault
        return Promise.resolve(
          reason === null
            ? [...readers].map(([reader, held]) => describe(reader, held))
            : [{ ...placeOf('PC/SC'), instance: `${idPrefix}fault`, open: () => Promise.resolve(refusal(reason)) }],
        )
      },
      watch: (hint) => (chipReaders ? watch(hint) : () => undefined),
    }
  }
}

const placeOf = (name: string): Pick<FoundScanner, 'id' | 'name' | 'facts'> => ({
  id: `${idPrefix}${name}`.slice(0, 200),
  name,
  facts: {
    vendorId: null,
    productId: null,
    maker: '',
    product: name.slice(0, 200),
    serial: '',
    port: name.slice(0, 500),
    class: 'pcsc',
    road: 'pcsc',
  },
})

const refusal = (reason: string): Opening => ({
  state: 'failed',
  advice: `The service of chip readers does not answer (${reason}). On Linux install and start pcscd; on Windows plug the reader in.`,
})

const whole: Decoder = {
  push: (bytes, timeMs) => [{ bytes, text: Buffer.from(bytes).toString('latin1'), timeMs }],
  tick: () => [],
  deadlineMs: () => undefined,
}

function openReader(reader: ChipReader, { chips }: ScannerSettings, events: LinkEvents): Opening {
  let isOpen = true
  let wasThere = false
  let reading: Promise<void> = Promise.resolve()
  const readChip = async (): Promise<string> => {
    const chip = await reader.connect()
    try {
      const bytes = chips?.sends === 'ndef_hex' ? await readMessage(chip) : await readNumber(chip)
      return Buffer.from(bytes).toString('hex').toUpperCase()
    } finally {
      await chip.release().catch(() => undefined)
    }
  }
  reader.onChip((isThere) => {
    // Reading changes the reader's state too: only a chip that has come is one to be read.
    if (isThere && !wasThere && isOpen) {
      const timeMs = performance.now()
      reading = reading.then(async () => {
        const text = await readChip().catch(() => unreadable)
        if (isOpen) events.bytes(Buffer.from(text, 'latin1'), timeMs)
      })
    }
    wasThere = isThere
  })
  return {
    link: {
      decoder: whole,
      feedback: {},
      hasAcknowledge: false,
      write: () => Promise.resolve(),
      async close() {
        isOpen = false
        await reading
      },
    },
  }
}

/** What a command answers; null when the chip or the reader refuses it. */
async function answer(chip: Chip, ...command: readonly number[]): Promise<Uint8Array | null> {
  const bytes = await chip.transmit(Uint8Array.from(command))
  const isGood = bytes.at(-2) === 0x90 && bytes.at(-1) === 0x00
  return isGood ? bytes.subarray(0, -2) : null
}

/** PC/SC part 3, 3.2.2.1.3: the reader knows the number. */
async function readNumber(chip: Chip): Promise<Uint8Array> {
  const number = await answer(chip, 0xff, 0xca, 0x00, 0x00, 0x00)
  if (number === null) throw new Error('the reader does not tell the number')
  return number
}

const readMessage = async (chip: Chip): Promise<Uint8Array> => (await readFile(chip)) ?? (await readMemory(chip))

/** The message of a chip with files (NFC Forum type 4); null for one without. */
async function readFile(chip: Chip): Promise<Uint8Array | null> {
  const application = [0xd2, 0x76, 0x00, 0x00, 0x85, 0x01, 0x01]
  if ((await answer(chip, 0x00, 0xa4, 0x04, 0x00, 0x07, ...application, 0x00)) === null) return null
  const select = (high: number, low: number) => answer(chip, 0x00, 0xa4, 0x00, 0x0c, 0x02, high, low)
  const read = async (from: number, length: number): Promise<Uint8Array> => {
    const bytes = await answer(chip, 0x00, 0xb0, from >> 8, from & 0xff, length)
    if (bytes === null || bytes.length === 0) throw new Error('a file of the chip cannot be read')
    return bytes
  }
  await select(0xe1, 0x03)
  const capabilities = await read(0, 15)
  const atOnce = Math.max(1, Math.min(0xf0, ((capabilities[3] ?? 0) << 8) | (capabilities[4] ?? 0)))
  await select(capabilities[9] ?? 0, capabilities[10] ?? 0)
  const [high = 0, low = 0] = await read(0, 2)
  const length = (high << 8) | low
  if (length > longestMessageBytes) throw new Error('the message is too long')
  const message: number[] = []
  while (message.length < length) {
    message.push(...(await read(2 + message.length, Math.min(atOnce, length - message.length))))
  }
  return Uint8Array.from(message)
}

/** The memory of a chip without files (NFC Forum type 2) from its first page of data on; the message lies in it. */
async function readMemory(chip: Chip): Promise<Uint8Array> {
  // Four pages of four bytes at once.
  const read = (page: number) => answer(chip, 0xff, 0xb0, 0x00, page, 0x10)
  const [magic, , eighths = 0] = (await read(3)) ?? []
  if (magic !== 0xe1) throw new Error('there is no message on the chip')
  const memory: number[] = []
  for (let page = 4; memory.length < Math.min(eighths * 8, longestMessageBytes) && page < 0x100; page += 4) {
    const bytes = await read(page)
    if (bytes === null) break
    memory.push(...bytes)
  }
  return Uint8Array.from(memory.slice(0, eighths * 8))
}
