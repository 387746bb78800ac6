import { closeSync, openSync, readSync, writeSync } from 'node:fs'

/** The memory of the process that called an ioctl: usbfs passes pointers, FUSE passes them on. */
export interface ClientMemory {
  read(address: bigint, length: number): Buffer
  write(address: bigint, bytes: Buffer): void
  close(): void
}

/** Opens a process's memory; works for processes of the same user and namespace. */
export function openClientMemory(pid: number): ClientMemory {
  const file = openSync(`/proc/${pid}/mem`, 'r+')
  return {
    read(address, length) {
      const bytes = Buffer.alloc(length)
      for (let at = 0; at < length;) {
        const count = readSync(file, bytes, at, length - at, address + BigInt(at))
        if (count <= 0) throw new Error('the client gave a pointer into nothing')
        at += count
      }
      return bytes
    },
    write(address, bytes) {
      // User space ends below 2^47: a number holds it exactly.
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at, bytes.length - at, Number(address) + at)
    },
    close: () => closeSync(file),
  }
}
