import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** Writes a small file whole or not at all, and durably: on the disk when it returns. Throws what the file system throws. */
export function writeDurably(path: string, text: string): void {
  const part = `${path}.part`
  const file = openSync(part, 'w', 0o600)
  try {
    writeFileSync(file, text)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(part, path)
  syncFolder(dirname(path))
}

/** Has names that were given or taken in a folder on the disk. Windows keeps them without, and opens no folder. */
export function syncFolder(path: string): void {
  if (process.platform !== 'win32') syncFile(path, 'r')
}

/** Has what a file holds on the disk. */
export function syncFile(path: string, flags = 'r+'): void {
  const file = openSync(path, flags)
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
