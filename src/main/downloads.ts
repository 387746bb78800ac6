import { existsSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import type { DownloadItem, Session } from 'electron'
import { isOwnUrl } from './origin.ts'

/**
 * Saves the station's exports into a folder, without the dialog that would let a visitor walk the disk; every
 * other download is refused.
 */
export function limitDownloads(session: Pick<Session, 'on'>, folder: () => string): void {
  session.on('will-download', (event, item: DownloadItem) => {
    const url = item.getURL()
    if (!isOwnUrl(url) || !new URL(url).pathname.startsWith('/exports/')) {
      event.preventDefault()
      return
    }
    item.setSavePath(freeName(folder(), basename(item.getFilename())))
  })
}

/** The name itself, or with the first number that no file has yet. */
function freeName(folder: string, name: string): string {
  const extension = extname(name)
  const stem = basename(name, extension)
  let path = join(folder, name)
  for (let number = 2; existsSync(path); number += 1) path = join(folder, `${stem} ${number}${extension}`)
  return path
}
