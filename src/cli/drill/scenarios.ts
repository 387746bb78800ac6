import { spawnSync } from 'node:child_process'
import type { FaultRates } from '#backend/index.ts'
import { pause, type HereStage, type ProcessStage } from './stage.ts'

interface ScenarioBase {
  /** In the names of folders and of codes. */
  readonly name: string
  readonly title: string
  /** A sentence: what goes wrong, and what that is to show. */
  readonly shows: string
  /** The station is connected with the server itself, which is what goes wrong. */
  readonly isDirect?: true
  /** Which bad answers to a scan are in order here; without it, every scan has to be saved. */
  readonly allows?: 'refused' | 'silence'
  /** Why it cannot be rehearsed on this machine; null when it can. */
  readonly whyNot?: () => string | null
}

/** Lets it go wrong while codes are scanned, and puts it right; answers how often it went wrong. */
export type Scenario = ScenarioBase &
  (
    | { readonly station: 'here'; readonly fault: (stage: HereStage) => Promise<number> }
    | { readonly station: 'process'; readonly fault: (stage: ProcessStage) => Promise<number> }
  )

/** Scans while it goes wrong. */
const scans = 60
const hourMs = 3_600_000

/** A network, or a server, that does so. */
const behind = (name: string, title: string, shows: string, rates: FaultRates): Scenario => ({
  name,
  title,
  shows,
  station: 'here',
  async fault({ network, scan }) {
    network.setRates(rates)
    await scan(scans)
    // What waits is tried at least once.
    await pause(500)
    network.setRates({})
    return Object.values(network.counts).reduce((sum, count) => sum + count, 0)
  },
})

export const scenarios: readonly Scenario[] = [
  {
    name: 'NO-NETWORK',
    title: 'No network',
    shows: 'The server cannot be reached at all, and comes back: scans are saved meanwhile and sent after.',
    station: 'here',
    isDirect: true,
    async fault({ server, scan, backend }) {
      await server.stop()
      await scan(scans)
      const wasSeen = (await backend()) === 'offline'
      await server.restart()
      return wasSeen ? 1 : 0
    },
  },
  behind('SLOW', 'Slow network', 'Every answer takes up to a second: no scan waits for one.', { delayed: 1 }),
  behind('CUT-BEFORE', 'Cut before', 'Every other connection ends before the server hears of the request.', {
    cut: 0.5,
  }),
  behind(
    'CUT-AFTER',
    'Cut after',
    'Two answers in three are lost or torn off after the server has committed: nothing may be sent twice.',
    { lost: 0.4, truncated: 0.26 },
  ),
  behind(
    'ERROR-500',
    'Errors of the server',
    'Every other request is answered with 500, or with 502 after it was done.',
    {
      failed: 0.3,
      error: 0.2,
    },
  ),
  behind('ERROR-429', 'Too many requests', 'Every other request is answered with 429 and Retry-After: 1.', {
    busy: 0.5,
  }),
  {
    name: 'ERROR-401',
    title: 'Key refused',
    shows: 'The server refuses the key until a person puts the right one back: everything waits for it.',
    station: 'here',
    async fault({ server, setKey, scan, backend, tryNow }) {
      setKey(`not-${server.apiKey}`)
      await scan(scans)
      const wasSeen = await eventually(async () => (await backend()) === 'unauthorised')
      setKey(server.apiKey)
      await tryNow()
      return wasSeen ? 1 : 0
    },
  },
  {
    name: 'CLOCK',
    title: 'Wrong clock',
    shows: 'The clock goes three hours forward, a day back and forward again: order and sending do not depend on it.',
    station: 'here',
    async fault({ scan, shiftClock }) {
      const shifts = [3 * hourMs, -24 * hourMs, 21 * hourMs]
      for (const byMs of shifts) {
        shiftClock(byMs)
        await scan(scans / shifts.length)
      }
      return shifts.length
    },
  },
  {
    name: 'DISK',
    title: 'Full disk',
    shows:
      'No file can grow (a limit of the system on the size of files): what is not saved is said, and scans go on after.',
    station: 'process',
    allows: 'refused',
    whyNot: () => (limitFiles(process.pid) === null ? 'it needs prlimit, of Linux (util-linux)' : null),
    async fault({ pid, scan, heard }) {
      const before = limitFiles(pid)
      setFileLimit(pid, '4096')
      await scan(scans)
      setFileLimit(pid, before ?? 'unlimited')
      return heard('refused')
    },
  },
  {
    name: 'KILLED',
    title: 'Killed process',
    shows: 'The station is killed in the middle of scanning and sending, and started again, three times.',
    station: 'process',
    allows: 'silence',
    async fault({ scan, kill, restart, random }) {
      const kills = 3
      let killed = 0
      for (let index = 0; index < kills; index += 1) {
        const scanning = scan(scans / kills)
        await pause(random() * 200)
        if (await kill()) killed += 1
        await scanning
        await restart()
      }
      return killed
    },
  },
  {
    name: 'UNPLUGGED',
    title: 'Unplugged scanner',
    shows:
      'The scanner (its wire is emulated, its driver is not) is pulled out in a code and right behind one: no half code is saved.',
    station: 'here',
    allows: 'silence',
    async fault({ scan, scanAndPull, scanner }) {
      for (const how of ['half', 'whole', 'half', 'whole'] as const) {
        await scan(scans / 4)
        scanAndPull(how)
        await pause(100)
        scanner.plug()
        // Until the driver has found it again, nobody hears it.
        await eventually(() => scanner.isOpen())
      }
      return [...(scanner.driver.details?.().values() ?? [])].reduce((sum, { counts }) => sum + counts.ends, 0)
    },
  },
  behind('ALL', 'All at once', 'A network that does everything wrong that a network can do.', {
    cut: 0.1,
    late: 0.05,
    lost: 0.1,
    truncated: 0.05,
    delayed: 0.2,
    echoed: 0.05,
    error: 0.05,
    failed: 0.1,
    busy: 0.02,
  }),
]

async function eventually(isSo: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let look = 0; look < 200; look += 1) {
    if (await isSo()) return true
    await pause(50)
  }
  return false
}

/** How large a file of a process may become, as `prlimit` says it; null where there is no such thing. */
function limitFiles(pid: number): string | null {
  const { status, stdout } = spawnSync('prlimit', [
    '--pid',
    String(pid),
    '--fsize',
    '--raw',
    '--noheadings',
    '-o',
    'SOFT',
  ])
  return status === 0 ? stdout.toString().trim() : null
}

function setFileLimit(pid: number, limit: string): void {
  const { status } = spawnSync('prlimit', ['--pid', String(pid), `--fsize=${limit}:`])
  if (status !== 0) throw new Error('the limit on the size of files could not be set')
}
