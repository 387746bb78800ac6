import { spawn } from 'node:child_process'

/** Tells the listeners of this network namespace what udevd would tell them. */
export interface Udev {
  send(properties: Record<string, string>): Promise<void>
}

/**
 * Node has no netlink sockets, so Perl (part of every Debian) holds the one socket: it multicasts each line of hex
 * to group 2 of NETLINK_KOBJECT_UEVENT and answers with a line.
 */
const script = `
  $| = 1;
  socket(S, 16, 3, 15) or die "netlink: $!";
  while (<STDIN>) { chomp; send(S, pack("H*", $_), 0, pack("SSLL", 16, 0, 0, 2)); print "ok\\n" }
`

/** Starts the sender. */
export function createUdev(): Udev {
  const perl = spawn('perl', ['-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
  const waiting: (() => void)[] = []
  perl.stdout.on('data', (data: Buffer) => {
    for (const byte of data) if (byte === 10) waiting.shift()?.()
  })
  return {
    send(properties) {
      const body = Buffer.from(
        Object.entries(properties)
          .map(([key, value]) => `${key}=${value}\0`)
          .join(''),
      )
      const header = Buffer.alloc(40)
      header.write('libudev\0', 0, 'latin1')
      header.writeUInt32BE(0xfeedcafe, 8)
      header.writeUInt32LE(40, 12)
      header.writeUInt32LE(40, 16)
      header.writeUInt32LE(body.length, 20)
      header.writeUInt32BE(murmur('usb'), 24)
      header.writeUInt32BE(murmur('usb_device'), 28)
      return new Promise((resolve) => {
        waiting.push(resolve)
        perl.stdin.write(`${Buffer.concat([header, body]).toString('hex')}\n`)
      })
    },
  }
}

/** MurmurHash2 with seed 0: what udev puts into the header for its socket filters. */
function murmur(text: string): number {
  const factor = 0x5bd1e995
  const bytes = Buffer.from(text)
  let hash = bytes.length
  let at = 0
  for (; bytes.length - at >= 4; at += 4) {
    let part = Math.imul(bytes.readUInt32LE(at), factor)
    part = Math.imul(part ^ (part >>> 24), factor)
    hash = Math.imul(hash, factor) ^ part
  }
  const rest = bytes.length - at
  if (rest >= 3) hash ^= (bytes[at + 2] ?? 0) << 16
  if (rest >= 2) hash ^= (bytes[at + 1] ?? 0) << 8
  if (rest >= 1) hash = Math.imul(hash ^ (bytes[at] ?? 0), factor)
  hash = Math.imul(hash ^ (hash >>> 13), factor)
  return (hash ^ (hash >>> 15)) >>> 0
}
