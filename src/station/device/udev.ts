import { makers } from './makers.ts'

const hex = (value: number) => value.toString(16).padStart(4, '0')

/** Who may use scanners: people at the screen by `uaccess`, and service accounts by this group. */
export const scannerGroup = 'plugdev'

/** Where the rules belong; before 73-*, which turns `uaccess` into permissions. */
export const udevRulesPath = '/etc/udev/rules.d/70-capstan-scanners.rules'

/** The rules that let Capstan open the devices of one maker. */
export function udevRulesFor(vendorId: number, name: string): string {
  const rights = `GROUP="${scannerGroup}", MODE="0660", TAG+="uaccess"`
  return [
    `# ${name}`,
    `SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", ATTR{idVendor}=="${hex(vendorId)}", ${rights}`,
    `SUBSYSTEM=="hidraw", ATTRS{idVendor}=="${hex(vendorId)}", ${rights}`,
    `SUBSYSTEM=="tty", ATTRS{idVendor}=="${hex(vendorId)}", ${rights}, ENV{ID_MM_DEVICE_IGNORE}="1"`,
    '',
  ].join('\n')
}

/** The whole rules file: makers of nothing but scanners, and what the site has added. */
export function udevRules(also: readonly { readonly vendorId: number }[] = []): string {
  const known = new Map(makers.map((maker) => [maker.vendorId, maker.name]))
  for (const { vendorId } of also) if (!known.has(vendorId)) known.set(vendorId, 'added by this site')
  return [
    '# Lets Capstan read barcode scanners. Load with: udevadm control --reload && udevadm trigger\n',
    ...[...known].map(([vendorId, name]) => udevRulesFor(vendorId, name)),
  ].join('\n')
}

/** What to do about a scanner that may not be opened. */
export function permissionAdvice(vendorId: number): string {
  return (
    `This account may not open it. As root put SUBSYSTEM=="usb", ATTR{idVendor}=="${hex(vendorId)}", ` +
    `GROUP="${scannerGroup}", MODE="0660", TAG+="uaccess" into ${udevRulesPath}, run udevadm control --reload && ` +
    'udevadm trigger, and plug it in again; or run: capstan doctor --fix'
  )
}
