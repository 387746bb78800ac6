// Plain JavaScript for Node 20 and nothing but Node: it runs before anything is installed.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's folder. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** Node 24, as the dev dependency `node` installs it; whatever Node runs npm does not matter. */
export const node = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')

const built = join(root, 'out', '.built')

/** Says what is being done, on standard error: standard output belongs to results. */
export function say(sentence) {
  process.stderr.write(`${sentence}\n`)
}

/**
 * Runs a program to its end, its output on our standard error (or where `stdout` says), and answers its exit code.
 * With `limitMs` it is ended after that time and the answer is null.
 */
export function run(program, args, { limitMs, env, stdout = 2 } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: root,
      stdio: ['ignore', stdout, 2],
      env: { ...process.env, ...env },
      // On Windows npm is a script, which only a shell can start.
      shell: process.platform === 'win32' && program === 'npm',
    })
    let isLate = false
    const end = () => {
      isLate = true
      child.kill('SIGKILL')
    }
    const timer = limitMs === undefined ? undefined : setTimeout(end, limitMs)
    child.once('error', reject)
    child.once('exit', (code) => {
      clearTimeout(timer)
      resolve(isLate ? null : (code ?? 1))
    })
  })
}

/** Installs the locked dependencies unless they are there already, whoever installed them. */
export async function install() {
  if (isInstalled()) return
  say('Installing the dependencies (npm ci) ...')
  // `npm start --silent` would silence the reason of a failure as well.
  const code = await run('npm', ['ci', '--no-audit', '--no-fund'], {
    // onnxruntime-node would fetch parts for graphics cards that nothing here uses, from outside of the registry.
    env: { npm_config_loglevel: 'error', ONNXRUNTIME_NODE_INSTALL: 'skip' },
  })
  if (code !== 0) throw new Error('npm ci failed; its words are above')
}

/** Whether what npm says it installed is what the lock file asks for; packages of other platforms may be missing. */
function isInstalled() {
  const packagesOf = (file) => JSON.parse(readFileSync(join(root, file), 'utf8')).packages
  if (!existsSync(node) || !existsSync(join(root, 'node_modules', '.package-lock.json'))) return false
  const there = packagesOf('node_modules/.package-lock.json')
  return Object.entries(packagesOf('package-lock.json')).every(
    ([path, wanted]) => path === '' || there[path]?.version === wanted.version || (wanted.optional && !there[path]),
  )
}

/** Builds main, preload and window into out/ unless nothing has changed since the last build. */
export async function build() {
  const sources = ['electron.vite.config.ts', 'vite.config.ts', 'package.json', 'package-lock.json']
    .map((name) => join(root, name))
    .filter((path) => existsSync(path))
  if (isAtLeastAsNewAs(built, [...sources, ...filesUnder(join(root, 'src'))])) return
  say('Building the kiosk ...')
  const startedAt = new Date()
  rmSync(join(root, 'out'), { recursive: true, force: true })
  // Started as a script: the command in .bin depends on what npm did with it.
  const builder = join(root, 'node_modules', 'electron-vite', 'bin', 'electron-vite.js')
  if ((await run(node, [builder, 'build', '--logLevel', 'warn'])) !== 0)
    throw new Error('the build failed; its words are above')
  writeFileSync(built, '')
  // A file that was saved while the build ran is newer than what was built.
  utimesSync(built, startedAt, startedAt)
}

function isAtLeastAsNewAs(marker, paths) {
  if (!existsSync(marker)) return false
  const since = statSync(marker).mtimeMs
  return paths.every((path) => statSync(path).mtimeMs <= since)
}

function filesUnder(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
}
