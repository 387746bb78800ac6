import { EventEmitter } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { limitDownloads } from '#main/downloads.ts'
import { createFakeEvent } from './fake-electron.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'capstan-downloads-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function download(url: string, name = 'capstan.csv') {
  const session = new EventEmitter()
  limitDownloads(session as never, () => folder)
  const event = createFakeEvent()
  const item = {
    path: null as string | null,
    getURL: () => url,
    getFilename: () => name,
    setSavePath: (path: string) => (item.path = path),
  }
  session.emit('will-download', event, item)
  return { isRefused: event.isPrevented, path: item.path }
}

it('saves an export in the folder, under a name that no file has yet', () => {
  expect(download('app://kiosk/exports/1.csv')).toEqual({ isRefused: false, path: join(folder, 'capstan.csv') })
  writeFileSync(join(folder, 'capstan.csv'), '')
  expect(download('app://kiosk/exports/1.csv').path).toBe(join(folder, 'capstan 2.csv'))
  writeFileSync(join(folder, 'capstan 2.csv'), '')
  expect(download('app://kiosk/exports/1.csv').path).toBe(join(folder, 'capstan 3.csv'))
})

it('keeps a name inside of the folder', () => {
  expect(download('app://kiosk/exports/1.csv', '../../etc/passwd').path).toBe(join(folder, 'passwd'))
})

it.each([
  'https://evil.example/exports/1.csv',
  'app://kiosk.evil/exports/1.csv',
  'app://kiosk/',
  'app://kiosk/media/abc',
  'blob:app://kiosk/1',
  'data:text/csv,1',
])('refuses %s', (url) => {
  expect(download(url)).toEqual({ isRefused: true, path: null })
})
