import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Writes a file so that after a power failure it is there whole or not at all; a present one is replaced. */
export async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const part = `${path}.${process.pid}.part`
  try {
    const file = await open(part, 'w')
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(part, path)
  } catch (error) {
    await rm(part, { force: true })
    throw error
  }
  await syncDirectory(dirname(path))
}

/** Makes the renaming itself durable. Windows can neither open nor needs to sync a directory. */
async function syncDirectory(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
