import { z } from 'zod'
import { keyboardLayoutSchema } from '#contract/station/keyboard-layout.ts'

/** What ends a code on a serial line. `any` is CR, LF or both; `none` is silence alone. Silence ends one too, unless the scanner ends its codes. */
export const serialTerminatorSchema = z.enum(['any', 'cr', 'lf', 'crlf', 'tab', 'etx', 'none'])

/**
 * What a scanner is for. `scan`: its reads are captures. `shoot`: they are too, and each asks the window for a photo of
 * the item. `gate`: for the gate's screen; its reads are captures like those of `scan` wherever there is none.
 */
export const deviceRoleSchema = z.enum(['scan', 'shoot', 'gate'])
export type DeviceRole = z.infer<typeof deviceRoleSchema>

/** How a reader of chips (NFC) that types or speaks serial says what it has read. */
export const chipSettingsSchema = z.strictObject({
  /**
   * `text`: the value itself, to the byte. `uid_*`: the chip's number, in hex (with separators or without) or as a decimal
   * number, reversed where the reader begins with the last byte. `ndef_hex`: the chip's NDEF message in hex.
   */
  sends: z.enum(['text', 'uid_hex', 'uid_hex_reversed', 'uid_decimal', 'uid_decimal_reversed', 'ndef_hex']),
  /** Only what begins with this is of a chip, and it is taken off; for a reader that shares its line with a scanner of codes. */
  prefix: z.string().max(10).default(''),
})
export type ChipSettings = z.infer<typeof chipSettingsSchema>

/** How one scanner is read. */
export const scannerSettingsSchema = z.strictObject({
  /** What people call it; empty for the product's own name. */
  name: z.string().max(100).default(''),
  role: deviceRoleSchema.default('scan'),
  /** Where it is: what it captures carries this as its location, until a location barcode says another. */
  place: z.string().trim().max(100).default(''),
  enabled: z.boolean().default(true),
  /** It reads chips; null for a scanner of printed codes. */
  chips: chipSettingsSchema.nullable().default(null),
  /** A keyboard scanner is taken from the desktop and read raw (Linux); otherwise it types into the window. */
  claim: z.boolean().default(false),
  /** The scanner is told good or bad by its own beeper, where its commands are known. */
  feedback: z.boolean().default(true),
  /** Serial scanners in host-acknowledge mode: ACK after the commit, NAK when it was not saved. */
  acknowledge: z.boolean().default(false),
  /** A HID scanner may hold reports that are minutes old: what comes this soon after opening is dropped. */
  staleMs: z.number().int().min(0).max(5_000).default(250),
  keyboard: z
    .strictObject({
      layout: keyboardLayoutSchema.default('us'),
      /** The key that ends a code; silence ends one too, until the scanner has shown that it ends its codes. */
      terminator: z.enum(['enter', 'tab', 'none']).default('enter'),
      silenceMs: z.number().int().min(20).max(2_000).default(150),
    })
    .prefault({}),
  serial: z
    .strictObject({
      baudRate: z.number().int().min(300).max(3_000_000).default(9_600),
      dataBits: z.literal([7, 8]).default(8),
      parity: z.enum(['none', 'even', 'odd']).default('none'),
      stopBits: z.literal([1, 2]).default(1),
      terminator: serialTerminatorSchema.default('any'),
      /** One STX before each code is taken off. */
      hasStx: z.boolean().default(false),
      silenceMs: z.number().int().min(10).max(2_000).default(300),
    })
    .prefault({}),
})
export type ScannerSettings = z.infer<typeof scannerSettingsSchema>

const usbIdSchema = z.number().int().min(0).max(0xffff)

/** All scanners that the station reads without a window. */
export const scannersSettingsSchema = z.strictObject({
  enabled: z.boolean().default(true),
  /** All keyboard scanners of known makers are claimed, whatever their own settings say. */
  claimKeyboards: z.boolean().default(false),
  /** Readers of chips behind PC/SC are read; they may be there for people to sign in with. */
  chipReaders: z.boolean().default(false),
  /** A scan that comes while no session is open opens one, with the options of the last; otherwise it is not saved. */
  startsSession: z.boolean().default(true),
  /** Devices that are scanners though Capstan does not know them; `productId` null stands for all of the maker. */
  also: z
    .array(z.strictObject({ vendorId: usbIdSchema, productId: usbIdSchema.nullable() }))
    .max(50)
    .default([]),
  /** Serial ports to read, as `/dev/ttyS0` or `COM3`. */
  serialPorts: z.array(z.string().min(1).max(200)).max(20).default([]),
  /** Settings of single scanners by their ids, as the device list names them. */
  byId: z.record(z.string().max(200), scannerSettingsSchema).default({}),
})
export type ScannersSettings = z.infer<typeof scannersSettingsSchema>
