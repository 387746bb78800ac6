import type { DeviceClass } from '#contract/station/device.ts'

export interface Maker {
  readonly vendorId: number
  readonly name: string
  /** Everything with this vendor id is a scanner; otherwise only the products listed are. */
  readonly isScannersOnly: boolean
  /** What product ids say of the mode; a product that is not listed is judged by its class and usages. */
  readonly products: readonly {
    readonly from: number
    readonly to: number
    readonly mode: DeviceClass
    /** The maker's name of a mode that Capstan cannot read. */
    readonly called?: string
  }[]
  /** How to bring a scanner into a mode that can be read, in the words of its manual. */
  readonly advice: string
}

const product = (from: number, mode: DeviceClass, called?: string, to = from): Maker['products'][number] => ({
  from,
  to,
  mode,
  ...(called === undefined ? {} : { called }),
})

/** Datalogic keeps the mode in the first digit of the product id, Newland in its last byte: ranges, not lists. */
const everyNewland = (last: number, mode: DeviceClass) =>
  Array.from({ length: 256 }, (_, first) => product(first * 256 + last, mode))

const scanTheCode = (code: string) =>
  `Put it into USB HID-POS or USB serial (virtual COM) mode: scan ${code} in its manual, then it comes back by itself.`

/**
 * Known makers, from usb.ids of 2025-07-26 and the makers' manuals. Product ids change with the mode; HP, Winbond and
 * GigaDevice make other things too, so that only single products of theirs are taken for scanners.
 */
export const makers: readonly Maker[] = [
  {
    vendorId: 0x0c2e,
    name: 'Honeywell',
    isScannersOnly: true,
    products: [
      product(0x0007, 'undocumented', 'IBM SurePOS'),
      product(0x0200, 'hid-keyboard'),
      product(0x0204, 'hid-keyboard'),
    ],
    advice: scanTheCode('"USB HID bar code scanner" (PAP131) or "USB serial" (PAP130)'),
  },
  {
    vendorId: 0x0536,
    name: 'Hand Held Products',
    isScannersOnly: true,
    products: [],
    advice: scanTheCode('PAP131 or PAP130'),
  },
  { vendorId: 0x23d0, name: 'Youjie', isScannersOnly: true, products: [], advice: scanTheCode('"USB HID POS"') },
  { vendorId: 0x067e, name: 'Intermec', isScannersOnly: true, products: [], advice: scanTheCode('"USB HID POS"') },
  {
    vendorId: 0x05e0,
    name: 'Zebra',
    isScannersOnly: true,
    products: [
      product(0x0600, 'simple-com'),
      product(0x1200, 'hid-keyboard'),
      product(0x1300, 'undocumented', 'IBM hand-held'),
      product(0x1400, 'undocumented', 'IBM table-top'),
      product(0x1701, 'cdc'),
      product(0x1900, 'undocumented', 'SNAPI'),
    ],
    advice: scanTheCode(
      '"USB HID POS", "CDC COM port emulation" or "Simple COM port emulation" under "USB device type"',
    ),
  },
  {
    vendorId: 0x05f9,
    name: 'Datalogic',
    isScannersOnly: true,
    products: [
      product(0x1200, 'undocumented', 'USB-OEM (IBM)', 0x12ff),
      product(0x2200, 'hid-keyboard', undefined, 0x22ff),
      product(0x4200, 'cdc', undefined, 0x42ff),
    ],
    advice: scanTheCode('"USB-COM-STD" or "USB HID-POS" under "Interface selection"'),
  },
  { vendorId: 0x080c, name: 'Datalogic', isScannersOnly: true, products: [], advice: scanTheCode('"USB-COM-STD"') },
  {
    vendorId: 0x1eab,
    name: 'Newland',
    isScannersOnly: true,
    products: [...everyNewland(0x03, 'hid-keyboard'), ...everyNewland(0x06, 'cdc'), ...everyNewland(0x10, 'hid-pos')],
    advice: scanTheCode('"USB HID-POS" or "USB COM port emulation"'),
  },
  {
    vendorId: 0x065a,
    name: 'Opticon',
    isScannersOnly: true,
    products: [product(0x0801, 'hid-keyboard'), product(0x0803, 'cdc'), product(0x0805, 'cdc')],
    advice: scanTheCode('"USB-VCP"'),
  },
  { vendorId: 0x076d, name: 'Denso', isScannersOnly: true, products: [], advice: scanTheCode('"USB-COM"') },
  { vendorId: 0x0745, name: 'CipherLab', isScannersOnly: true, products: [], advice: scanTheCode('"USB VCOM"') },
  { vendorId: 0x27dd, name: 'Mindeo', isScannersOnly: true, products: [], advice: scanTheCode('"USB virtual COM"') },
  {
    vendorId: 0x0581,
    name: 'Racal',
    isScannersOnly: false,
    products: [product(0x0107, 'hid-keyboard'), product(0x020c, 'hid-keyboard')],
    advice: scanTheCode('"USB virtual COM"'),
  },
  {
    vendorId: 0x0416,
    name: 'Winbond',
    isScannersOnly: false,
    products: [product(0xc141, 'hid-keyboard')],
    advice: scanTheCode('"USB virtual COM"'),
  },
  {
    vendorId: 0x03f0,
    name: 'HP',
    isScannersOnly: false,
    products: [product(0x0139, 'hid-keyboard')],
    advice: scanTheCode('"USB HID bar code scanner"'),
  },
]

/** What is known of a device by its ids alone. */
export function identify(
  vendorId: number,
  productId: number,
  also: readonly { readonly vendorId: number; readonly productId: number | null }[],
): {
  readonly maker: Maker | undefined
  readonly mode: DeviceClass | undefined
  readonly called: string | undefined
  readonly isScanner: boolean
} {
  const maker = makers.find((one) => one.vendorId === vendorId)
  const known = maker?.products.find(({ from, to }) => productId >= from && productId <= to)
  const isAdded = also.some((one) => one.vendorId === vendorId && (one.productId ?? productId) === productId)
  return {
    maker,
    mode: known?.mode,
    called: known?.called,
    isScanner: isAdded || known !== undefined || maker?.isScannersOnly === true,
  }
}
