import { BaseUpdater, MacUpdater, NsisUpdater, type AppUpdater } from 'electron-updater'
import type { Log } from '#contract/ports.ts'
import type { UpdateSource } from './updates.ts'
import type { Versions } from './versions.ts'

interface Downloads {
  download(url: URL, path: string, options: object): Promise<string>
}

/** For Linux, where electron-updater replaces the one file that it runs from: ours keeps versions side by side. */
class VersionsUpdater extends BaseUpdater {
  readonly #versions: Versions
  readonly #restart: () => void
  #version = ''

  constructor(versions: Versions, restart: () => void) {
    super()
    this.#versions = versions
    this.#restart = restart
  }

  protected override doDownloadUpdate(
    options: Parameters<BaseUpdater['doDownloadUpdate']>[0],
  ): ReturnType<BaseUpdater['doDownloadUpdate']> {
    const { provider, info } = options.updateInfoAndProvider
    const fileInfo = provider.resolveFiles(info).find(({ url }) => url.pathname.endsWith('.tar.gz'))
    if (!fileInfo) throw new Error('the update has no package for this machine')
    this.#version = info.version
    return this.executeDownload({
      fileExtension: 'tar.gz',
      fileInfo,
      downloadUpdateOptions: options,
      task: async (path, downloadOptions) => {
        // Every updater of the package does the same; its types leave it out.
        const { httpExecutor } = this as unknown as { readonly httpExecutor: Downloads }
        await httpExecutor.download(fileInfo.url, path, downloadOptions)
      },
    })
  }

  protected override doInstall(): boolean {
    if (this.installerPath === null) return false
    this.#versions.begin(this.installerPath, this.#version)
    this.#restart()
    return true
  }
}

/**
 * Updates by electron-updater from a site's server. Null where this installation is not updated by Capstan itself: a Linux
 * package of the system's, or no package at all.
 */
export function createUpdateSource(ports: {
  readonly platform: NodeJS.Platform
  readonly isPackaged: boolean
  readonly versions: Versions | null
  readonly restart: () => void
  readonly log: Log
}): UpdateSource | null {
  const { platform, versions, log } = ports
  if (!ports.isPackaged) return null
  let updater: AppUpdater | null = null
  if (platform === 'win32') updater = new NsisUpdater()
  else if (platform === 'darwin') updater = new MacUpdater()
  else if (versions !== null) updater = new VersionsUpdater(versions, ports.restart)
  if (updater === null) return null
  const made = updater
  const say = (message?: unknown): void => log.debug({}, String(message))
  const warn = (message?: unknown): void => log.warn({ error: String(message) }, 'of the update')
  made.logger = { info: say, debug: say, warn, error: warn }
  made.autoDownload = false
  // Only when we say so: the end of the program may be the end of the machine's day.
  made.autoInstallOnAppQuit = false
  made.disableDifferentialDownload = platform === 'linux'
  // Told by the promises; without a listener an error would end the program.
  made.on('error', () => {})
  return {
    async check(address, ring) {
      made.setFeedURL({ provider: 'generic', url: address })
      made.channel = ring
      // The channel's setter allows it.
      made.allowDowngrade = false
      const found = await made.checkForUpdates()
      return found?.isUpdateAvailable ? found.updateInfo : null
    },
    async download() {
      await made.downloadUpdate()
    },
    install: () => made.quitAndInstall(true, true),
  }
}
