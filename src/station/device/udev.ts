import { makers } from './makers.ts'

const hex = (value: number) => value.toString(16).padStart(4, '0')

/** Who may use scanners: people at the screen by `uaccess`, and service accounts by this group. */
export const scannerGroup = 'plugdev'

/** Where the rules belong; before 73-*, which turns `uaccess` into permissions. */
export const udevRulesPath = '/etc/udev/rules.d/70-capstan-scanners.rules'

/** The rules that let Capstan open the devices of one maker, or one product of it. */
function rulesFor(name: string, vendorId: number, productId?: number): string {
  const rights = `GROUP="${scannerGroup}", MODE="0660", TAG+="uaccess"`
  const of = (attribute: string) =>
    `${attribute}{idVendor}=="${hex(vendorId)}"` +
    (productId === undefined ? '' : `, ${attribute}{idProduct}=="${hex(productId)}"`)
  return [
    `# ${name}`,
    `SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ${of('ATTR')}, ${rights}`,
    `SUBSYSTEM=="hidraw", ${of('ATTRS')}, ${rights}`,
    `SUBSYSTEM=="tty", ${of('ATTRS')}, ${rights}, ENV{ID_MM_DEVICE_IGNORE}="1"`,
    '',
  ].join('\n')
}

/** The whole rules file: known scanners and what the site has added (a null product is all of a maker). */
export function udevRules(
  also: readonly { readonly vendorId: number; readonly productId: number | null }[] = [],
): string {
  const known = makers.flatMap(({ name, vendorId, isScannersOnly, products }) =>
    // Who makes printers too gives no right to those.
    isScannersOnly ? [rulesFor(name, vendorId)] : products.map(({ from }) => rulesFor(name, vendorId, from)),
  )
  const added = also.map(({ vendorId, productId }) => rulesFor('Added by this site', vendorId, productId ?? undefined))
  const head = '# Lets Capstan read barcode scanners. Load with: udevadm control --reload && udevadm trigger\n'
  return [head, ...known, ...added].join('\n')
}

/** The lines that let this account open one device, for people to copy. */
export function udevRuleFor(vendorId: number, productId: number): string {
  return rulesFor('Added by this site', vendorId, productId).split('\n').slice(1).join('\n').trim()
}

/** What to do about a scanner that may not be opened. */
export function permissionAdvice(vendorId: number): string {
  return (
    `This account may not open it. As root put SUBSYSTEM=="usb", ATTR{idVendor}=="${hex(vendorId)}", ` +
    `GROUP="${scannerGroup}", MODE="0660", TAG+="uaccess" into ${udevRulesPath}, run udevadm control --reload && ` +
    'udevadm trigger, and plug it in again; or run: capstan doctor --fix'
  )
}
