// `npm start`: sets up, builds and opens the kiosk. On a fresh clone it needs npm and any Node from 20 on.
import { spawn } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, install, node, root, run, say } from './set-up.mjs'

const electronDir = join(root, 'node_modules', 'electron')
const triedElectron = join(electronDir, '.tried')
const electronLimitMs = 120_000

try {
  await install()
  await build()
  await fetchElectron()
  await openKiosk()
} catch (error) {
  say(error.message)
  process.exitCode = 1
}

/** Electron's package downloads its binary when it is first asked to. Tried once; the web host does without. */
async function fetchElectron() {
  if (process.env.ELECTRON_OVERRIDE_DIST_PATH || existsSync(join(electronDir, 'dist')) || existsSync(triedElectron))
    return
  if (process.argv.includes('web')) return
  say('Fetching Electron (once; two minutes at most) ...')
  const code = await run(node, [join(electronDir, 'install.js')], { limitMs: electronLimitMs }).catch(() => 1)
  if (code === 0) return
  writeFileSync(triedElectron, '')
  say('Electron could not be fetched; the kiosk opens in a Chromium window instead.')
}

/** The kiosk with our arguments; signals are passed on and its exit code is ours. */
function openKiosk() {
  const cli = join(root, 'src', 'cli', 'capstan.ts')
  const child = spawn(node, [cli, 'kiosk', ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    // From a terminal Ctrl+C reaches the kiosk by itself; a second one would end it before it has closed.
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY ? undefined : child.kill(signal)))
  }
  // npm hands a signal to the shell between us, which ends without passing it on; we notice by our new parent.
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    child.kill('SIGTERM')
  }, 1_000)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      clearInterval(watch)
      process.exitCode = code ?? (signal ? 1 : 0)
      resolve()
    })
  })
}
