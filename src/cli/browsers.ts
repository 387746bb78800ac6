import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The oldest Electron whose Node has `node:sqlite`. */
const oldestElectron = 39

export type Found = { readonly path: string } | { readonly missing: string }

/**
 * Electron's binary, looked for as the `electron` package does: `ELECTRON_OVERRIDE_DIST_PATH`, then the package's
 * own folder. The package itself is never imported: in plain Node that starts a download.
 */
export function findElectron(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): Found {
  const installed = fileURLToPath(new URL('../../node_modules/electron/dist', import.meta.url))
  const folder = env['ELECTRON_OVERRIDE_DIST_PATH'] ?? installed
  const path = join(folder, electronNames[platform] ?? 'electron')
  if (!existsSync(path)) return { missing: `there is no Electron binary in ${folder}` }
  const version = readVersion(folder)
  if (version !== null && Number.parseInt(version, 10) < oldestElectron) {
    return { missing: `Electron ${version} is too old: its Node has no node:sqlite (${oldestElectron} has)` }
  }
  return { path }
}

const electronNames: Partial<Record<NodeJS.Platform, string>> = {
  darwin: 'Electron.app/Contents/MacOS/Electron',
  win32: 'electron.exe',
}

function readVersion(folder: string): string | null {
  try {
    return readFileSync(join(folder, 'version'), 'utf8').trim().replace(/^v/, '')
  } catch {
    return null
  }
}

/** A Chromium to show the web host's window in: `CAPSTAN_CHROMIUM`, else where browsers usually are. */
export function findChromium(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): Found {
  const named = env['CAPSTAN_CHROMIUM']
  if (named !== undefined) {
    return existsSync(named) ? { path: named } : { missing: `CAPSTAN_CHROMIUM names ${named}, which is not there` }
  }
  const path = chromiumPlaces(env, platform).find((place) => existsSync(place))
  return path === undefined ? { missing: 'there is no Chromium, Chrome or Edge on this machine' } : { path }
}

function chromiumPlaces(env: NodeJS.ProcessEnv, platform: NodeJS.Platform): readonly string[] {
  if (platform === 'darwin') {
    return ['Google Chrome', 'Chromium', 'Microsoft Edge'].map(
      (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
    )
  }
  if (platform === 'win32') {
    const roots = [env['PROGRAMFILES'], env['PROGRAMFILES(X86)'], env['LOCALAPPDATA']].filter(
      (root) => root !== undefined,
    )
    const programs = [
      'Google/Chrome/Application/chrome.exe',
      'Chromium/Application/chrome.exe',
      'Microsoft/Edge/Application/msedge.exe',
    ]
    return programs.flatMap((program) => roots.map((root) => join(root, program)))
  }
  const names = [
    'chromium',
    'chromium-browser',
    'google-chrome',
    'google-chrome-stable',
    'microsoft-edge',
    'microsoft-edge-stable',
  ]
  const folders = (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
  return [...names.flatMap((name) => folders.map((folder) => join(folder, name))), ...playwrightPlaces(env)]
}

/** Where Playwright keeps the browsers it has fetched for its users, newest first. */
function playwrightPlaces(env: NodeJS.ProcessEnv): readonly string[] {
  const cache = env['PLAYWRIGHT_BROWSERS_PATH'] ?? join(homedir(), '.cache', 'ms-playwright')
  if (!existsSync(cache)) return []
  return readdirSync(cache)
    .filter((name) => /^chromium-\d+$/.test(name))
    .toSorted((a, b) => Number(b.slice(9)) - Number(a.slice(9)))
    .flatMap((name) => ['chrome-linux64', 'chrome-linux'].map((folder) => join(cache, name, folder, 'chrome')))
}

/** Whether a window can be shown at all; only Linux can lack a display. */
export function hasDisplay(env: NodeJS.ProcessEnv, platform: NodeJS.Platform = process.platform): boolean {
  return platform !== 'linux' || Boolean(env['DISPLAY']) || Boolean(env['WAYLAND_DISPLAY'])
}
