import { readdir, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import type { Storage, StorageKind } from '#contract/station/upkeep.ts'

/** What the first part of a path in the data folder belongs to. */
const kindOf = (name: string): StorageKind => {
  if (name.startsWith('station.')) return 'store'
  if (name.startsWith('passes.')) return 'passes'
  if (name === 'media') return 'photos'
  if (name === 'set-aside') return 'aside'
  if (name === 'log' || name === 'backend') return name
  return 'other'
}

/** Measures what lies in a data folder, and the disk below it. */
export async function measureStorage(dataDir: string): Promise<Pick<Storage, 'kinds' | 'freeBytes' | 'totalBytes'>> {
  const kinds = new Map<StorageKind, { bytes: number; files: number }>()
  const walk = async (folder: string, kind: StorageKind | null): Promise<void> => {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const of = kind ?? kindOf(entry.name)
      const path = join(folder, entry.name)
      if (entry.isDirectory()) await walk(path, of)
      const size = entry.isFile() ? (await stat(path).catch(() => null))?.size : undefined
      if (size === undefined) continue
      const { bytes, files } = kinds.get(of) ?? { bytes: 0, files: 0 }
      kinds.set(of, { bytes: bytes + size, files: files + 1 })
    }
  }
  await walk(dataDir, null)
  const disk = await statfs(dataDir).catch(() => null)
  return {
    kinds: [...kinds].map(([kind, used]) => ({ kind, ...used })).toSorted((a, b) => b.bytes - a.bytes),
    freeBytes: disk && disk.bavail * disk.bsize,
    totalBytes: disk && disk.blocks * disk.bsize,
  }
}
