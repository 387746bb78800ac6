import { createRequire } from 'node:module'

/** A chip that lies on a reader. */
export interface Chip {
  /** Sends a command (ISO 7816-4) and answers all of its answer, the two status bytes at its end. */
  transmit(command: Uint8Array): Promise<Uint8Array>
  /** Leaves it to others. */
  release(): Promise<void>
}

/** A reader of chips, as long as it is plugged in. */
export interface ChipReader {
  readonly name: string
  /** Whether a chip lies there: at the beginning, and at each change. */
  onChip(listener: (isThere: boolean) => void): void
  connect(): Promise<Chip>
}

/** PC/SC as far as it is used here. */
export interface ChipService {
  /** Tells of the readers that are there and that come; `failed`: it will tell nothing more. */
  start(events: {
    readonly came: (reader: ChipReader) => void
    readonly gone: (reader: ChipReader) => void
    readonly failed: (error: Error) => void
  }): void
  stop(): void
}

/** The native part of `pcsc-mini`: a thread of its own that waits for changes, and the calls of PC/SC as promises. */
export interface PcscAddon {
  newClient(): {
    start(changed: (name: string, status: number, atr: Uint8Array) => void, failed: (error: Error) => void): void
    stop(): void
    connect(
      name: string,
      mode: number,
    ): Promise<{
      transmit(protocol: undefined, command: Uint8Array): Promise<Uint8Array>
      disconnect(disposition: number): Promise<void>
    }>
  }
}

/** Bits of a reader's state, how a card is shared, and how it is left (PC/SC part 5, and winscard.h). */
const state = { unknown: 0x4, unavailable: 0x8, present: 0x20, mute: 0x200 } as const
const shareShared = 2
const leaveCard = 0

/** By platform and architecture: its packages have one file each, built for Node-API. */
const addons: Readonly<Record<string, readonly string[]>> = {
  'linux-x64': ['@pcsc-mini/linux-x86_64-gnu', '@pcsc-mini/linux-x86_64-musl'],
  'win32-x64': ['@pcsc-mini/windows-x86_64-electron'],
  'win32-arm64': ['@pcsc-mini/windows-aarch64-electron'],
}

/** Throws where there is none for this system, or PC/SC itself is missing. */
function loadAddon(): PcscAddon {
  const require = createRequire(import.meta.url)
  let reason: unknown = new Error(`there is no driver for ${process.platform} on ${process.arch}`)
  for (const name of addons[`${process.platform}-${process.arch}`] ?? []) {
    try {
      return require(name) as PcscAddon
    } catch (error) {
      reason = error
    }
  }
  throw reason
}

/** The system's own service; throws where there is none. */
export function openPcsc(addon: PcscAddon = loadAddon()): ChipService {
  const client = addon.newClient()
  const readers = new Map<string, { readonly own: ChipReader; tell(isThere: boolean): void }>()
  let isStopped = false

  const makeReader = (name: string): { readonly own: ChipReader; tell(isThere: boolean): void } => {
    let isThere = false
    let listener: (isThere: boolean) => void = () => undefined
    const own: ChipReader = {
      name,
      onChip(heard) {
        listener = heard
        heard(isThere)
      },
      async connect() {
        const card = await client.connect(name, shareShared)
        return {
          transmit: (command) => card.transmit(undefined, command),
          release: () => card.disconnect(leaveCard),
        }
      },
    }
    return {
      own,
      tell(next) {
        isThere = next
        listener(next)
      },
    }
  }
  return {
    start({ came, gone, failed }) {
      client.start(
        (name, status) => {
          if (isStopped) return
          const known = readers.get(name)
          if ((status & (state.unknown | state.unavailable)) !== 0) {
            readers.delete(name)
            if (known) gone(known.own)
            return
          }
          const reader = known ?? makeReader(name)
          readers.set(name, reader)
          if (!known) came(reader.own)
          reader.tell((status & state.present) !== 0 && (status & state.mute) === 0)
        },
        (error) => {
          if (!isStopped) failed(error)
        },
      )
    },
    stop() {
      isStopped = true
      client.stop()
    },
  }
}
