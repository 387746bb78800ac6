import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const programs = { bus: 'dbus-daemon', ask: 'dbus-send', keyring: 'gnome-keyring-daemon' }

/** Why no key store of Linux can be started here; null where one can. */
export const missingKeyStore = (): string | null =>
  Object.values(programs).every((program) => spawnSync(program, ['--version']).error === undefined)
    ? null
    : 'no gnome-keyring and D-Bus (on Debian: apt-get install gnome-keyring dbus)'

/** Nothing on it but who is told to be: a bus of the user would start a keyring of its own, with a prompt for people. */
const configuration = (
  path: string,
) => `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path=${path}</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>`

/** The key store of a Linux desktop, gnome-keyring, on a bus of its own and in a folder of its own. */
export interface KeyStore {
  /** What a kiosk needs in its environment to find it, and on its command line to look for it. */
  readonly env: Readonly<Record<string, string>>
  readonly arguments: readonly string[]
  /** Starts the keyring of this name, a new one where there is none; `locked` as after a sign-in without a password. */
  start(name: string, state?: 'open' | 'locked'): Promise<void>
  /** Ends the keyring; the bus stays. */
  stop(): Promise<void>
  close(): Promise<void>
}

export async function openKeyStore(): Promise<KeyStore> {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-keys-'))
  const address = join(folder, 'bus')
  writeFileSync(join(folder, 'bus.conf'), configuration(address))
  const env = { DBUS_SESSION_BUS_ADDRESS: `unix:path=${address}` }
  const bus = spawn(programs.bus, [`--config-file=${join(folder, 'bus.conf')}`, '--nofork', '--print-address=1'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  await new Promise<void>((resolve, reject) => {
    bus.once('error', reject)
    bus.once('exit', (code) => reject(new Error(`the bus ended with ${code}`)))
    bus.stdout.once('data', () => resolve())
  })
  let keyring: ChildProcess | null = null

  /** Whether the keyring is on the bus, and as it is to be. */
  const is = (state: 'open' | 'locked'): boolean =>
    spawnSync(
      programs.ask,
      [
        '--session',
        '--print-reply=literal',
        '--dest=org.freedesktop.secrets',
        '/org/freedesktop/secrets/collection/login',
        'org.freedesktop.DBus.Properties.Get',
        'string:org.freedesktop.Secret.Collection',
        'string:Locked',
      ],
      { env: { ...process.env, ...env }, encoding: 'utf8', timeout: 30_000 },
    ).stdout.includes(`boolean ${state === 'locked'}`)

  const stop = async (): Promise<void> => {
    await end(keyring)
    keyring = null
  }
  return {
    env,
    arguments: ['--password-store=gnome-libsecret'],
    async start(name, state = 'open') {
      const home = join(folder, name)
      mkdirSync(join(home, 'run'), { recursive: true, mode: 0o700 })
      const begun = spawn(
        programs.keyring,
        ['--foreground', '--components=secrets', ...(state === 'open' ? ['--unlock'] : [])],
        {
          env: { ...process.env, ...env, HOME: home, XDG_DATA_HOME: home, XDG_RUNTIME_DIR: join(home, 'run') },
          stdio: ['pipe', 'ignore', 'ignore'],
        },
      )
      keyring = begun
      // One that ends before it has read the password is told of below.
      begun.stdin.on('error', () => {}).end('password')
      while (!is(state)) {
        if (begun.exitCode !== null) throw new Error(`the keyring ended with ${begun.exitCode}`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
    stop,
    async close() {
      await stop()
      await end(bus)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function end(child: ChildProcess | null): Promise<void> {
  if (child === null || child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}
