import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { fail, ok, type Result } from '#contract/result.ts'
import type { Session } from '#contract/station/session.ts'
import type { Shot } from '#contract/station/shoot.ts'
import type { StationStatus } from '#contract/station/status.ts'
import { transportPath, type Transport } from '#contract/transport.ts'
import { createWebSocketTransport, type Socket } from '#contract/web-socket-transport.ts'
import { createWebHost } from '#web/index.ts'
import { findChromium } from './browsers.ts'
import { createLog, parseOptions, printLine, refuse, tell, type Help } from './command.ts'
import { usualPort } from './kiosk.ts'
import { openStation } from './station.ts'

export const help = {
  name: 'shoot',
  usage: '--station ADDRESS | --data DIR',
  options: {
    station: { type: 'string', value: 'ADDRESS', about: 'a running kiosk, as capstan kiosk --host web printed it' },
    data: { type: 'string', value: 'DIR', about: 'the data folder of a station that no kiosk runs on' },
  },
  example: 'capstan shoot --data ~/capstan',
} as const satisfies Help

/** Cameras are slow to open, a whole rig on one bus above all. */
const readyMs = 30_000
const pollMs = 300

/** A station to ask, however it was reached. */
interface Asked {
  readonly transport: Pick<Transport, 'call'>
  close(): Promise<void>
}

/**
 * `capstan shoot`: has all cameras of the station's window take a photo at once, and prints a JSON line a camera.
 *
 * Cameras belong to a browser's page. With `--station ADDRESS`, the one that `capstan kiosk --host web` printed, the
 * window of that kiosk shoots, into its session. With `--data DIR` and no kiosk on that folder, the command opens the
 * window itself, in a Chromium that nobody sees, which is allowed the cameras, and ends it afterwards.
 *
 * Exit codes: 0 every camera gave a photo that is saved; 1 one did not; 2 nothing could be asked.
 */
export async function shoot(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, help)
  if (!options.ok) return refuse(options.error)
  const { station, data } = options.value
  if ((station === undefined) === (data === undefined)) {
    return refuse({
      code: 'invalid_input',
      message: 'name a running kiosk (--station ADDRESS) or a folder (--data DIR)',
    })
  }
  const asked = station === undefined ? await openHidden(resolve(data ?? '')) : await connect(station)
  if (!asked.ok) return refuse(asked.error)
  try {
    const session = await sessionFor(asked.value.transport)
    if (!session.ok) return refuse(session.error)
    const shots = await shootWhenReady(asked.value.transport)
    if (session.value.isOwn) await asked.value.transport.call('session.end', { id: session.value.id })
    if (!shots.ok) return refuse(shots.error)
    for (const { camera, photo, error } of shots.value) await printLine({ camera, photo, ...(error && { error }) })
    return shots.value.every(({ photo }) => photo !== null) ? 0 : 1
  } finally {
    await asked.value.close()
  }
}

/** Photos need a session that takes them; one that a person opened is used as it is. */
async function sessionFor(
  transport: Pick<Transport, 'call'>,
): Promise<Result<{ readonly id: string; readonly isOwn: boolean }>> {
  const current = (await transport.call('session.current', {})) as Result<Session | null>
  if (!current.ok) return current
  if (current.value?.captureMode === 'barcode_scan') {
    return fail('conflict', 'the active session takes no photos: end it, or set it to photos')
  }
  if (current.value) return ok({ id: current.value.id, isOwn: false })
  const opened = (await transport.call('session.open', {
    label: 'capstan shoot',
    captureMode: 'product_photography',
  })) as Result<Session>
  return opened.ok ? ok({ id: opened.value.id, isOwn: true }) : opened
}

/** The first question has the window open its cameras; the shot is taken once none of them is on its way any more. */
async function shootWhenReady(transport: Pick<Transport, 'call'>): Promise<Result<Shot[]>> {
  const endMs = performance.now() + readyMs
  let told = ''
  for (;;) {
    const devices = await camerasOf(transport)
    const opening = devices.filter(({ state }) => state === 'opening').length
    const ready = devices.filter(({ state }) => state === 'ready').length
    const isSettled = devices.length === 0 || opening === 0
    if (isSettled) {
      const shots = (await transport.call('camera.shoot', {})) as Result<Shot[]>
      if (shots.ok || shots.error.code !== 'device_unavailable' || performance.now() > endMs) return shots
    } else if (performance.now() > endMs) return fail('device_unavailable', 'the cameras do not open')
    const now = `${ready} of ${devices.length} cameras are ready`
    if (devices.length > 0 && now !== told) tell(now)
    told = now
    for (const { name, advice } of devices) if (advice !== '' && performance.now() > endMs) tell(`${name}: ${advice}`)
    await delay(pollMs)
  }
}

async function camerasOf(transport: Pick<Transport, 'call'>): Promise<StationStatus['devices']> {
  const status = (await transport.call('station.status', {})) as Result<StationStatus>
  return status.ok ? status.value.devices.filter(({ kind }) => kind === 'camera') : []
}

/** Reaches a running kiosk by the address that it printed, with the token in it. */
async function connect(address: string): Promise<Result<Asked>> {
  const url = URL.parse(address)
  if (!url) return fail('invalid_input', `"${address}" is no address`)
  const answer = await fetch(url, { redirect: 'manual' }).catch((error: Error) => error)
  if (answer instanceof Error) return fail('device_unavailable', `no kiosk answers at ${url.origin}`)
  const cookie = answer.headers.get('set-cookie')?.split(';')[0]
  if (cookie === undefined)
    return fail('invalid_input', 'the address is not the one that the kiosk printed, token included')
  const socketUrl = `${url.origin.replace(/^http/, 'ws')}${transportPath}`
  // Node's WebSocket takes headers, which the browser's type does not know.
  const NodeSocket = WebSocket as unknown as new (to: string, init: { headers: Record<string, string> }) => Socket
  const transport = createWebSocketTransport({
    connect: () => new NodeSocket(socketUrl, { headers: { cookie, origin: url.origin } }),
    later: (run, waitMs) => void setTimeout(run, waitMs).unref(),
  })
  return ok({
    transport,
    close() {
      transport.close()
      return Promise.resolve()
    },
  })
}

/** Opens station and window for this command alone. Fails with `conflict` while a kiosk has the folder. */
async function openHidden(dataDir: string): Promise<Result<Asked>> {
  const chromium = findChromium(process.env)
  if ('missing' in chromium) return fail('not_found', chromium.missing)
  const assetsDir = fileURLToPath(new URL('../../out/renderer', import.meta.url))
  if (!existsSync(join(assetsDir, 'index.html'))) {
    return fail('not_found', 'the window is not built yet: run "npm run build"')
  }
  const opened = await openStation(dataDir, null)
  if (!opened.ok) {
    const hint = 'for a running kiosk give --station with the address that it printed'
    return fail(opened.error.code, `${opened.error.message}; ${hint}`)
  }
  const station = opened.value
  const listen = (port: number) => createWebHost({ station, assetsDir, port, log: createLog() })
  // The kiosk's own port and browser folder, if they are free: there the cameras have the ids that are remembered.
  const host = await listen(usualPort).catch(() => listen(0))
  const window = spawn(
    chromium.path,
    [
      '--headless=new',
      `--user-data-dir=${join(dataDir, 'chromium')}`,
      '--use-fake-ui-for-media-stream',
      '--no-first-run',
      '--no-default-browser-check',
      '--window-size=1280,800',
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      host.oneTimeUrl(),
    ],
    { stdio: 'ignore' },
  )
  return ok({
    transport: station,
    async close() {
      await ended(window)
      await host.close()
      await station.close()
    },
  })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = new Promise((resolve) => child.once('exit', resolve))
  child.kill()
  await exit
}
