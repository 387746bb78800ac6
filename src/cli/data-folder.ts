import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where a kiosk keeps its data when nobody says: the folder that Electron's `userData` is, so that both hosts agree. */
export function defaultDataFolder(
  env: NodeJS.ProcessEnv,
  platform: NodeJS.Platform = process.platform,
  home: string = homedir(),
): string {
  const root =
    platform === 'darwin'
      ? join(home, 'Library', 'Application Support')
      : platform === 'win32'
        ? (env['APPDATA'] ?? join(home, 'AppData', 'Roaming'))
        : env['XDG_CONFIG_HOME'] || join(home, '.config')
  return join(root, 'Capstan', 'data')
}
