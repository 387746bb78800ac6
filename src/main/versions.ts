import { execFileSync } from 'node:child_process'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'

/**
 * The versions of Capstan on a Linux machine that keeps them side by side (docs/adr/0015-updates.md):
 *
 *     launch            what the system starts: packaging/linux/launch, a few lines of shell
 *     versions/0.1.0/   a whole unpacked application each
 *     current           a link to the one that runs, previous to the one before it
 *     trial             while the current one has not shown that it works: how often it was started
 *     failed            the versions that did not, a line each
 *     rolled-back       until the version before has taken its data over again
 */
export interface Versions {
  /** Unpacks a downloaded, checked package beside the others and makes it the one that starts next, on trial. */
  begin(packagePath: string, version: string): void
  isOnTrial(): boolean
  /** The current version works: the trial is over, and all versions but it and the one before are removed. */
  confirm(): void
  /** Versions that were tried and taken back; they are not tried again. */
  failed(): readonly string[]
  /** Whether the version before was put back, and has not been told yet. */
  isRolledBack(): boolean
  rolledBackIsDone(): void
  /** What starts the current version. */
  readonly launcher: string
}

/** The versions that a running program is one of; null where it was installed in another way. */
export function findVersions(execPath: string): Versions | null {
  const versionsFolder = dirname(dirname(execPath))
  const home = dirname(versionsFolder)
  const at = (name: string): string => join(home, name)
  if (basename(versionsFolder) !== 'versions' || !existsSync(at('launch')) || !existsSync(at('current'))) return null
  const program = basename(execPath)
  /** Whole or not at all: a link is made beside and put in its place. */
  const link = (name: string, target: string): void => {
    rmSync(at(`${name}.part`), { force: true })
    symlinkSync(target, at(`${name}.part`))
    renameSync(at(`${name}.part`), at(name))
  }
  return {
    launcher: at('launch'),
    begin(packagePath, version) {
      const part = join(versionsFolder, `${version}.part`)
      const folder = join(versionsFolder, version)
      for (const stale of [part, folder]) rmSync(stale, { recursive: true, force: true })
      mkdirSync(part, { recursive: true })
      execFileSync('tar', ['-xzf', packagePath, '-C', part, '--strip-components=1', '--no-same-owner'])
      accessSync(join(part, program), constants.X_OK)
      // On the disk before anything points at it.
      execFileSync('sync', ['-f', part])
      renameSync(part, folder)
      link('previous', readlinkSync(at('current')))
      writeFileSync(at('trial'), '0\n')
      link('current', join('versions', version))
    },
    isOnTrial: () => existsSync(at('trial')),
    confirm() {
      rmSync(at('trial'), { force: true })
      const kept = ['current', 'previous'].flatMap((name) =>
        existsSync(at(name)) ? basename(readlinkSync(at(name))) : [],
      )
      for (const name of readdirSync(versionsFolder)) {
        if (!kept.includes(name)) rmSync(join(versionsFolder, name), { recursive: true, force: true })
      }
    },
    failed: () => (existsSync(at('failed')) ? readFileSync(at('failed'), 'utf8').split('\n').filter(Boolean) : []),
    isRolledBack: () => existsSync(at('rolled-back')),
    rolledBackIsDone: () => rmSync(at('rolled-back'), { force: true }),
  }
}
