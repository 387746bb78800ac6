import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { missing, openDisplay, processTree } from '../tests/electron/open-kiosk.ts'
import { packageKiosk } from '../tests/electron/package-kiosk.ts'
import { build } from './set-up.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const startBoundMs = 10_000

function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0)
}

/**
 * `npm run bench -- package`: packs the kiosk as electron-builder.yml says, around the runtime of the Electron suite, starts the
 * result three times, and prints its size, its fuses and how long it takes to be ready to scan.
 */
export async function benchPackage(say: (line: string) => void): Promise<void> {
  if (missing !== null || process.platform !== 'linux') return say(`package: skipped, ${missing ?? 'only on Linux'}`)
  await build()
  const folder = mkdtempSync(join(tmpdir(), 'capstan-package-'))
  const display = await openDisplay()
  try {
    const unpacked = await packageKiosk(join(folder, 'dist'))
    const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(0)} MB`
    const archive = statSync(join(unpacked, 'resources/app.asar')).size
    say(`package: unpacked ${megabytes(bytesIn(unpacked))}, of it the application ${megabytes(archive)} in its archive`)
    const program = join(unpacked, 'capstan')
    const fuses = execFileSync(join(root, 'node_modules/.bin/electron-fuses'), ['read', '--app', program], {
      encoding: 'utf8',
    })
    for (const [, name, state] of fuses.matchAll(/(\w+) is (Enabled|Disabled)/g)) say(`  fuse ${name}: ${state}`)
    for (let round = 1; round <= 3; round += 1) {
      const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : []
      const child = spawn(program, [...sandbox, '--data', join(folder, 'data')], {
        env: { ...process.env, ...(display === null ? {} : { DISPLAY: display.name }) },
        stdio: ['ignore', 'pipe', 'pipe'],
      })
      let output = ''
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (output += String(piece)))
      const found = await new Promise<string | null>((resolve) => {
        const ready = (): string | undefined => /"sinceStartMs":(\d+)/.exec(output)?.[1]
        const timer = setInterval(() => ready() !== undefined && resolve(ready() ?? null), 20)
        child.once('exit', () => resolve(ready() ?? null))
        setTimeout(() => (clearInterval(timer), resolve(ready() ?? null)), 60_000).unref()
      })
      const isReached = found !== null && Number(found) <= startBoundMs
      if (!isReached) process.exitCode = 1
      say(
        `  start ${round}: ${found === null ? `never ready:\n${output.slice(-2_000)}` : `ready to scan after ${found} ms`}`,
      )
      const ended = new Promise((resolve) => child.once('exit', resolve))
      for (const pid of processTree(child.pid ?? 0).toReversed()) process.kill(pid, 'SIGTERM')
      await ended
    }
  } finally {
    display?.server.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}
