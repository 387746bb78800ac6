import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findChromium, findElectron, hasDisplay } from '#cli/browsers.ts'
import { defaultDataFolder } from '#cli/data-folder.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'capstan-browsers-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const put = (...path: string[]) => {
  mkdirSync(join(folder, ...path.slice(0, -1)), { recursive: true })
  writeFileSync(join(folder, ...path), '')
  return join(folder, ...path)
}

describe('Electron', () => {
  const env = () => ({ ELECTRON_OVERRIDE_DIST_PATH: folder })

  it.each([
    ['linux', ['electron']],
    ['win32', ['electron.exe']],
    ['darwin', ['Electron.app', 'Contents', 'MacOS', 'Electron']],
  ] as const)('is found on %s', (platform, path) => {
    expect(findElectron(env(), platform)).toMatchObject({ missing: expect.stringContaining(folder) as string })
    const binary = put(...path)
    writeFileSync(join(folder, 'version'), 'v45.4.1\n')
    expect(findElectron(env(), platform)).toEqual({ path: binary })
  })

  it('is not taken when its Node has no node:sqlite', () => {
    put('electron')
    writeFileSync(join(folder, 'version'), '33.4.11')
    expect(findElectron(env(), 'linux')).toEqual({ missing: expect.stringContaining('33.4.11 is too old') as string })
    writeFileSync(join(folder, 'version'), '39.0.0')
    expect(findElectron(env(), 'linux')).toEqual({ path: join(folder, 'electron') })
  })
})

describe('Chromium', () => {
  it('is the one that CAPSTAN_CHROMIUM names, and no other when that is not there', () => {
    const named = put('my-chromium')
    expect(findChromium({ CAPSTAN_CHROMIUM: named, PATH: '/usr/bin' }, 'linux')).toEqual({ path: named })
    expect(findChromium({ CAPSTAN_CHROMIUM: join(folder, 'none'), PATH: '/usr/bin' }, 'linux')).toHaveProperty(
      'missing',
    )
  })

  it('is found on the PATH, Chromium before the others', () => {
    expect(findChromium({ PATH: folder }, 'linux')).toHaveProperty('missing')
    const chrome = put('google-chrome')
    expect(findChromium({ PATH: `/nowhere:${folder}` }, 'linux')).toEqual({ path: chrome })
    const chromium = put('chromium')
    expect(findChromium({ PATH: `/nowhere:${folder}` }, 'linux')).toEqual({ path: chromium })
  })

  it('is found where Windows installs it', () => {
    const edge = put('x86', 'Microsoft', 'Edge', 'Application', 'msedge.exe')
    const env = { PROGRAMFILES: join(folder, 'programs'), 'PROGRAMFILES(X86)': join(folder, 'x86') }
    expect(findChromium(env, 'win32')).toEqual({ path: edge })
  })
})

describe('a display', () => {
  it('can only be missing on Linux', () => {
    expect(hasDisplay({}, 'linux')).toBe(false)
    expect(hasDisplay({ DISPLAY: '' }, 'linux')).toBe(false)
    expect(hasDisplay({ DISPLAY: ':0' }, 'linux')).toBe(true)
    expect(hasDisplay({ WAYLAND_DISPLAY: 'wayland-0' }, 'linux')).toBe(true)
    expect(hasDisplay({}, 'darwin')).toBe(true)
    expect(hasDisplay({}, 'win32')).toBe(true)
  })
})

describe('the data folder', () => {
  it('is where Electron puts the data of the same application', () => {
    expect(defaultDataFolder({}, 'linux', '/home/a')).toBe('/home/a/.config/Capstan/data')
    expect(defaultDataFolder({ XDG_CONFIG_HOME: '/c' }, 'linux', '/home/a')).toBe('/c/Capstan/data')
    expect(defaultDataFolder({}, 'darwin', '/Users/a')).toBe('/Users/a/Library/Application Support/Capstan/data')
    expect(defaultDataFolder({ APPDATA: '/r' }, 'win32', '/u')).toBe('/r/Capstan/data')
  })
})
