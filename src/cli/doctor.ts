import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fail, ok, type Result } from '#contract/result.ts'
import { readinessSchema } from '#contract/backend/operation.ts'
import {
  createScannerClient,
  checkStore,
  isEncrypted,
  readHeartbeat,
  udevRules,
  udevRulesPath,
} from '#station/index.ts'
import { parseOptions, printLine, refuse, tell, version, type Help } from './command.ts'
import { namedDataKey } from './data-key.ts'

/** One check: what was looked at, how it is, and for a fault the next step. */
interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warning' | 'fault'
  readonly detail: string
  readonly nextStep: string
}

const lowDiskBytes = 500 * 1024 * 1024
/** Codes and syncs are not hurt by this much, expiry dates and signatures are hurt by more. */
const clockToleranceMs = 60_000
/** Six beats: a kiosk that said nothing for so long hangs, or was killed. */
const oldBeatMs = 30_000

export const help = {
  name: 'doctor',
  usage: '[--data DIR] [--backend URL --api-key KEY] [--json] [--fix] [--root DIR]',
  options: {
    data: { type: 'string', value: 'DIR', about: 'the data folder to check' },
    backend: { type: 'string', value: 'URL', about: 'the backend to check; https, or http on this machine' },
    'api-key': { type: 'string', value: 'KEY', about: 'its key; else CAPSTAN_API_KEY from the environment' },
    json: { type: 'boolean', default: false, about: 'a JSON object a check' },
    fix: {
      type: 'boolean',
      default: false,
      about: 'first write the udev rules that let accounts open scanners (Linux, as root)',
    },
    root: {
      type: 'string',
      value: 'DIR',
      about: 'with --fix: the root of another system, as an image that is being built',
    },
  },
  example: 'capstan doctor --data ~/capstan',
} as const satisfies Help

/**
 * `capstan doctor`: checks Node, data folder, disk space, store integrity, the kiosk's heartbeat, cameras, USB permissions, backend and clock.
 * With `--fix` it first writes the rules that let the account open scanners.
 *
 * Prints a line a check (`--json`: a JSON object a line). Exit code 0 without faults, 1 with one, 2 when it could not fix.
 */
export async function doctor(args: readonly string[]): Promise<number> {
  const options = parseOptions(args, help)
  if (!options.ok) return refuse(options.error)
  const { data, backend, json, fix, root } = options.value

  if (root !== undefined && !fix) return refuse({ code: 'invalid_input', message: '--root goes with --fix' })
  if (fix) {
    const fixed = installUdevRules(root)
    if (!fixed.ok) return refuse(fixed.error)
  }
  const findings = [
    checkNode(),
    ...(data === undefined
      ? [skipped('data folder', '--data DIR')]
      : [checkFolder(data), await checkDisk(data), checkIntegrity(data), checkKiosk(data)]),
    checkCameras(),
    checkUsb(),
    ...(backend === undefined
      ? [skipped('backend', '--backend URL')]
      : await checkBackend(backend, options.value['api-key'] ?? process.env['CAPSTAN_API_KEY'] ?? null)),
  ]
  for (const finding of findings) {
    if (json) await printLine(finding)
    else {
      const mark = { ok: 'ok     ', warning: 'look   ', fault: 'FAULT  ' }[finding.state]
      process.stdout.write(`${mark} ${finding.check}: ${finding.detail}\n`)
      if (finding.nextStep !== '') process.stdout.write(`        -> ${finding.nextStep}\n`)
    }
  }
  return findings.some((finding) => finding.state === 'fault') ? 1 : 0
}

const good = (check: string, detail: string): Finding => ({ check, state: 'ok', detail, nextStep: '' })
const skipped = (check: string, option: string): Finding => ({
  check,
  state: 'warning',
  detail: 'not checked',
  nextStep: `Name it with ${option}.`,
})

function checkNode(): Finding {
  const major = Number(process.versions.node.split('.')[0])
  return major >= 24
    ? good('Node', `version ${process.versions.node}`)
    : {
        check: 'Node',
        state: 'fault',
        detail: `version ${process.versions.node} is too old`,
        nextStep: 'Run npm ci: it brings Node 24 for the npm scripts; then use npm run --silent capstan -- doctor.',
      }
}

function checkFolder(data: string): Finding {
  try {
    mkdirSync(data, { recursive: true })
    accessSync(data, constants.R_OK | constants.W_OK)
    return good('data folder', `${data} can be written`)
  } catch (error) {
    return {
      check: 'data folder',
      state: 'fault',
      detail: `${data}: ${(error as Error).message}`,
      nextStep: 'Give the account that runs Capstan the right to write there, or name another folder with --data.',
    }
  }
}

async function checkDisk(data: string): Promise<Finding> {
  const disk = await statfs(data).catch(() => null)
  if (!disk)
    return {
      check: 'disk space',
      state: 'warning',
      detail: 'cannot be measured',
      nextStep: 'Check the data folder first.',
    }
  const freeBytes = disk.bavail * disk.bsize
  const detail = `${(freeBytes / 1024 ** 3).toFixed(1)} GiB free`
  return freeBytes >= lowDiskBytes
    ? good('disk space', detail)
    : { check: 'disk space', state: 'fault', detail, nextStep: 'Free at least 500 MiB: a full disk stops scanning.' }
}

function checkIntegrity(data: string): Finding {
  const key = namedDataKey()
  if (!key.ok || (key.value === null && isEncrypted(data))) {
    return {
      check: 'store',
      state: 'fault',
      detail: key.ok ? 'encrypted: it cannot be looked into without its key' : key.error.message,
      nextStep: 'Name a file with its recovery key in CAPSTAN_DATA_KEY_FILE; the site of the station has it.',
    }
  }
  const faults = checkStore(data, key.value)
  return faults.length === 0
    ? good('store', 'whole')
    : {
        check: 'store',
        state: 'fault',
        detail: `damaged: ${faults.slice(0, 3).join('; ')}`,
        nextStep:
          'Copy the data folder, then start the station: it sets the damaged file aside and carries over what can be read.',
      }
}

/** The kiosk beats every five seconds, and takes its file away when it ends on purpose. */
function checkKiosk(data: string): Finding {
  const beat = readHeartbeat(data)
  if (!beat) return good('kiosk', 'none runs on this folder')
  const ageMs = Date.now() - Date.parse(beat.at)
  const process = `process ${beat.pid}`
  if (ageMs > oldBeatMs)
    return {
      check: 'kiosk',
      state: 'fault',
      detail: `${process} has said nothing for ${Math.round(ageMs / 1_000)} s`,
      nextStep: 'End it if it still runs, and start it again: what was acknowledged is in the store.',
    }
  if (!beat.isReady)
    return {
      check: 'kiosk',
      state: 'warning',
      detail: `${process} runs, and no window of it listens to scanners yet`,
      nextStep: 'Wait a moment. If it stays so, look at its screen and its log.',
    }
  return good('kiosk', `${process} runs and is ready to scan`)
}

/** Cameras of the window belong to the browser; what the system shows of them can be checked from here on Linux. */
function checkCameras(): Finding {
  if (process.platform !== 'linux') {
    return {
      check: 'cameras',
      state: 'warning',
      detail: 'the window finds them by itself here',
      nextStep: 'Open Settings, Camera in the kiosk.',
    }
  }
  const cameras = existsSync('/dev') ? readdirSync('/dev').filter((name) => /^video\d+$/.test(name)) : []
  if (cameras.length === 0) {
    return {
      check: 'cameras',
      state: 'warning',
      detail: 'none is attached',
      nextStep: 'Plug a camera in if you want to read codes with one; scanners do not need it.',
    }
  }
  const closed = cameras.filter((name) => !canUse(`/dev/${name}`))
  return closed.length === 0
    ? good('cameras', cameras.join(', '))
    : {
        check: 'cameras',
        state: 'fault',
        detail: `${closed.join(', ')} may not be opened`,
        nextStep: 'Add the account to the group "video" and log in again: sudo usermod -aG video $USER',
      }
}

/** Keyboard scanners need no permission; raw USB access is what later drivers need. */
function checkUsb(): Finding {
  if (process.platform !== 'linux')
    return good('USB permissions', 'nothing to set on this system for keyboard scanners')
  const bus = '/dev/bus/usb'
  const nodes = existsSync(bus)
    ? readdirSync(bus, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory())
    : []
  if (nodes.length === 0)
    return {
      check: 'USB permissions',
      state: 'warning',
      detail: 'no USB bus is visible',
      nextStep: 'Nothing to do for keyboard scanners and cameras.',
    }
  const closed = nodes.filter((node) => !canUse(`${node.parentPath}/${node.name}`))
  return closed.length === 0
    ? good('USB permissions', `${nodes.length} devices may be opened`)
    : {
        check: 'USB permissions',
        state: 'warning',
        detail: `${closed.length} of ${nodes.length} devices may not be opened`,
        nextStep: 'Keyboard scanners work all the same. For scanners in another mode run as root: capstan doctor --fix',
      }
}

/** Writes the udev rules for scanners and loads them; into the file system of another root they are only written. */
function installUdevRules(root: string | undefined): Result<string> {
  if (root === undefined) {
    if (process.platform !== 'linux') return fail('invalid_input', '--fix writes udev rules, which only Linux has')
    if (process.getuid?.() !== 0)
      return fail('invalid_input', 'run capstan doctor --fix as root: it writes to /etc/udev')
  }
  const path = join(root ?? '/', udevRulesPath)
  try {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, udevRules())
  } catch (error) {
    return fail('invalid_input', `${path} cannot be written: ${(error as Error).message}`)
  }
  if (root === undefined) {
    for (const step of ['control --reload', 'trigger']) spawnSync('udevadm', step.split(' '), { stdio: 'ignore' })
  }
  tell(
    `The rules are in ${path}. ${root === undefined ? 'Plug the scanners in again.' : 'They hold from its next start on.'}`,
  )
  return ok(path)
}

function canUse(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
    return true
  } catch {
    return false
  }
}

async function checkBackend(url: string, apiKey: string | null): Promise<Finding[]> {
  if (!URL.canParse(url)) {
    return [
      {
        check: 'backend',
        state: 'fault',
        detail: `"${url}" is no address`,
        nextStep: 'Give it as http://host:port or https://host.',
      },
    ]
  }
  let serverDate: string | null = null
  const startedMs = Date.now()
  const client = createScannerClient({
    url,
    credential: () => Promise.resolve(apiKey),
    userAgent: `Capstan/${version}`,
    now: () => new Date(),
    async fetch(address, init) {
      const response = await fetch(address, init)
      serverDate = response.headers.get('date')
      return response
    },
  })
  const reached = await client.probe()
  if (!reached.ok) {
    return [
      {
        check: 'backend',
        state: 'fault',
        detail: `${url} does not answer: ${reached.failure.message}`,
        nextStep: 'Check the address, the network and that the backend runs. Scans are kept meanwhile.',
      },
    ]
  }
  const roundTripMs = Date.now() - startedMs
  const known = await client.findProduct('04006381333931')
  const credential: Finding =
    !known.ok && known.failure.kind === 'unauthorised'
      ? {
          check: 'API key',
          state: 'fault',
          detail: known.failure.message,
          nextStep: 'Ask for a new key and start with --api-key KEY. Scans are kept meanwhile.',
        }
      : known.ok
        ? good('API key', 'is accepted')
        : { check: 'API key', state: 'warning', detail: known.failure.message, nextStep: 'Try again later.' }
  return [
    good('backend', `${url} answers in ${roundTripMs} ms`),
    credential,
    ...(await checkPhotosRead(url)),
    checkClock(serverDate, startedMs, roundTripMs),
  ]
}

/** What the backend reads on photos; nothing about a server that does not tell, such as Closient's own. */
async function checkPhotosRead(url: string): Promise<Finding[]> {
  const told = await fetch(`${url}/readyz`)
    .then((response) => response.json())
    .catch(() => null)
  const ready = readinessSchema.safeParse(told)
  if (!ready.success) return []
  const { codes, labels } = ready.data.photos
  if (codes && labels) return [good('photos', 'the backend reads their codes and what is printed on them')]
  return [
    {
      check: 'photos',
      state: 'warning',
      detail: codes
        ? 'the backend reads their codes, not what is printed on them: it proposes nothing'
        : 'the backend does not read them: no codes, no proposals',
      nextStep: 'Run capstan backend as the site’s server, and give its address to the station.',
    },
  ]
}

function checkClock(serverDate: string | null, startedMs: number, roundTripMs: number): Finding {
  if (serverDate === null)
    return { check: 'clock', state: 'warning', detail: 'the backend states no time', nextStep: '' }
  const differenceMs = startedMs + roundTripMs / 2 - Date.parse(serverDate)
  const detail = `${Math.abs(differenceMs / 1_000).toFixed(0)} s ${differenceMs < 0 ? 'behind' : 'ahead of'} the backend`
  return Math.abs(differenceMs) <= clockToleranceMs
    ? good('clock', detail)
    : {
        check: 'clock',
        state: 'fault',
        detail,
        nextStep: 'Switch on automatic time (NTP) on this machine, or on the server if that one is wrong.',
      }
}
