import { spawnSync } from 'node:child_process'
import { openSync, read, writevSync } from 'node:fs'

/** A file that a client has open. */
export interface OpenFile {
  /** Bytes at an offset, or null when the device is gone. */
  read(offset: number, size: number): Buffer | null
  /** A result of at least 0, or a negative errno; a promise for calls that block. */
  ioctl(pid: number, command: number, argument: bigint): number | Promise<number>
  /** Poll events that are true now; a `wake` that is given replaces the one before and is called when that changes. */
  poll(wake: (() => void) | null): number
  release(): void
}

/** What the file system shows: one folder with numbered files in it. */
export interface FileTree {
  readonly folder: string
  names(): string[]
  /** Size and mode of a file, or null when there is none of that name. */
  stat(name: string): { readonly size: number; readonly mode: number } | null
  /** The open file or a negative errno. */
  open(name: string, pid: number): OpenFile | number
}

const noEntry = -2
const noDevice = -19
const notImplemented = -38

/**
 * Mounts a FUSE file system (protocol 7.31) that shows `tree`, and serves it until it is unmounted.
 *
 * A file's node id is `fileNode` plus its number. Nothing is cached by the kernel, so a file disappears with its device.
 */
export function mountFuse(mountPoint: string, tree: FileTree, onEnd: () => void): void {
  const file = openSync('/dev/fuse', 'r+')
  const options = 'fd=3,rootmode=40755,user_id=0,group_id=0,allow_other,nosuid,nodev'
  const mount = spawnSync('mount', ['-i', '-t', 'fuse', '-o', options, 'capstan-usb', mountPoint], {
    stdio: ['ignore', 'inherit', 'inherit', file],
  })
  if (mount.status !== 0) throw new Error('the emulated usbfs could not be mounted')

  const rootNode = 1n
  const folderNode = 2n
  const fileNode = 0x1000n
  const files = new Map<bigint, OpenFile>()
  let nextHandle = 1n

  const reply = (unique: bigint, error: number, ...parts: Buffer[]): void => {
    const header = Buffer.alloc(16)
    header.writeUInt32LE(16 + parts.reduce((sum, part) => sum + part.length, 0), 0)
    header.writeInt32LE(error, 4)
    header.writeBigUInt64LE(unique, 8)
    try {
      writevSync(file, [header, ...parts])
    } catch {
      // The client has given the request up.
    }
  }
  const wakePoller = (handle: bigint): void => {
    const body = Buffer.alloc(8)
    body.writeBigUInt64LE(handle)
    reply(0n, 1 /* FUSE_NOTIFY_POLL */, body)
  }
  const nameOf = (node: bigint) => String(node - fileNode).padStart(3, '0')
  const attributes = (node: bigint): Buffer | null => {
    const isFolder = node <= folderNode
    const stat = isFolder ? { size: 0, mode: 0o755 } : tree.stat(nameOf(node))
    if (!stat) return null
    const bytes = Buffer.alloc(88)
    bytes.writeBigUInt64LE(node, 0)
    bytes.writeBigUInt64LE(BigInt(stat.size), 8)
    bytes.writeUInt32LE((isFolder ? 0o040000 : 0o100000) | stat.mode, 60)
    bytes.writeUInt32LE(isFolder ? 2 : 1, 64)
    bytes.writeUInt32LE(4096, 80)
    return bytes
  }
  const lookUp = (node: bigint, name: string): bigint | null => {
    if (node === rootNode) return name === tree.folder ? folderNode : null
    return node === folderNode && tree.stat(name) ? fileNode + BigInt(Number(name)) : null
  }

  const handle = (message: Buffer): void => {
    const operation = message.readUInt32LE(4)
    const unique = message.readBigUInt64LE(8)
    const node = message.readBigUInt64LE(16)
    const pid = message.readUInt32LE(32)
    const body = message.subarray(40)
    const opened = () => files.get(body.readBigUInt64LE(0))

    switch (operation) {
      case 26: {
        // INIT
        const answer = Buffer.alloc(64)
        answer.writeUInt32LE(7, 0)
        answer.writeUInt32LE(31, 4)
        answer.writeUInt16LE(64, 16)
        answer.writeUInt16LE(48, 18)
        answer.writeUInt32LE(65_536, 20)
        answer.writeUInt32LE(1, 24)
        return reply(unique, 0, answer)
      }
      case 1: {
        // LOOKUP
        const found = lookUp(node, body.subarray(0, body.indexOf(0)).toString())
        const attribute = found === null ? null : attributes(found)
        if (found === null || !attribute) return reply(unique, noEntry)
        const answer = Buffer.alloc(40)
        answer.writeBigUInt64LE(found, 0)
        answer.writeBigUInt64LE(1n, 8)
        return reply(unique, 0, answer, attribute)
      }
      case 2: // FORGET
      case 42: // BATCH_FORGET
      case 36: // INTERRUPT: all waits here are short, or end with data
        return
      case 3: // GETATTR
      case 4: {
        // SETATTR
        const attribute = attributes(node)
        return attribute ? reply(unique, 0, Buffer.alloc(16), attribute) : reply(unique, noDevice)
      }
      case 34: // ACCESS
      case 25: // FLUSH
      case 29: // RELEASEDIR
        return reply(unique, 0)
      case 17: {
        // STATFS
        const answer = Buffer.alloc(80)
        answer.writeUInt32LE(4096, 40)
        answer.writeUInt32LE(255, 44)
        return reply(unique, 0, answer)
      }
      case 27: // OPENDIR
        return reply(unique, 0, Buffer.alloc(16))
      case 28: {
        // READDIR
        const from = Number(body.readBigUInt64LE(8))
        const entries: [bigint, string, number][] =
          node === rootNode
            ? [[folderNode, tree.folder, 4]]
            : tree.names().map((name) => [fileNode + BigInt(Number(name)), name, 8])
        const parts = entries.slice(from).map(([inode, name, type], index) => {
          const entry = Buffer.alloc(24 + Math.ceil(name.length / 8) * 8)
          entry.writeBigUInt64LE(inode, 0)
          entry.writeBigUInt64LE(BigInt(from + index + 1), 8)
          entry.writeUInt32LE(name.length, 16)
          entry.writeUInt32LE(type, 20)
          entry.write(name, 24)
          return entry
        })
        return reply(unique, 0, ...parts)
      }
      case 14: {
        // OPEN
        const result = tree.open(nameOf(node), pid)
        if (typeof result === 'number') return reply(unique, result)
        const own = nextHandle++
        files.set(own, result)
        const answer = Buffer.alloc(16)
        answer.writeBigUInt64LE(own, 0)
        answer.writeUInt32LE(1 /* DIRECT_IO */ | 32 /* NOFLUSH */, 8)
        return reply(unique, 0, answer)
      }
      case 15: {
        // READ
        const bytes = opened()?.read(Number(body.readBigUInt64LE(8)), body.readUInt32LE(16))
        return bytes ? reply(unique, 0, bytes) : reply(unique, noDevice)
      }
      case 18: // RELEASE
        opened()?.release()
        files.delete(body.readBigUInt64LE(0))
        return reply(unique, 0)
      case 39: {
        // IOCTL
        const answer = (result: number): void => {
          if (result < 0) return reply(unique, result)
          const bytes = Buffer.alloc(16)
          bytes.writeInt32LE(result, 0)
          reply(unique, 0, bytes)
        }
        const result = opened()?.ioctl(pid, body.readUInt32LE(12), body.readBigUInt64LE(16)) ?? noDevice
        if (typeof result === 'number') answer(result)
        else void result.then(answer)
        return
      }
      case 40: {
        // POLL
        const target = opened()
        if (!target) return reply(unique, noDevice)
        const poller = body.readBigUInt64LE(8)
        const wants = (body.readUInt32LE(16) & 1) !== 0
        const answer = Buffer.alloc(8)
        answer.writeUInt32LE(target.poll(wants ? () => wakePoller(poller) : null), 0)
        return reply(unique, 0, answer)
      }
      default:
        return reply(unique, notImplemented)
    }
  }

  const buffer = Buffer.alloc(256 * 1024)
  const next = (): void => {
    read(file, buffer, 0, buffer.length, null, (error, count) => {
      if (error) {
        if (['ENOENT', 'EINTR', 'EAGAIN'].includes(error.code ?? '')) return next()
        return onEnd()
      }
      handle(Buffer.from(buffer.subarray(0, count)))
      next()
    })
  }
  next()
}
