import { spawnSync, type ChildProcess } from 'node:child_process'
import { on, once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { spawnTold } from './bus/bus.ts'
import { storedCodes } from './load.ts'
import { openPty, whyNoPty, type Pty } from './pty.ts'

const reason = whyNoPty()
if (reason) console.log(`skipped: ${reason}`)

const program = fileURLToPath(new URL('station-process.ts', import.meta.url))
const acknowledged = '06'
const refused = '15'

describe.skipIf(reason !== null)('a station with a scanner on a serial line', () => {
  let folder: string
  let pty: Pty
  let station: ChildProcess | null = null
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'capstan-serial-station-'))
    pty = await openPty()
  })
  afterEach(async () => {
    try {
      await end('SIGKILL')
    } finally {
      await pty.close()
      spawnSync('umount', ['-l', folder])
      rmSync(folder, { recursive: true, force: true })
    }
  })

  const end = async (signal?: NodeJS.Signals): Promise<void> => {
    const ending = station
    station = null
    if (ending === null || ending.exitCode !== null || ending.signalCode !== null) return
    const exited = once(ending, 'exit')
    if (signal) ending.kill(signal)
    else ending.send('close')
    await exited
  }
  /** Starts the station; `own` are the settings of the port. */
  const start = async (own: object = {}): Promise<void> => {
    const id = `serial:${pty.path}`
    const settings = { serialPorts: [pty.path], byId: { [id]: { acknowledge: true, ...own } } }
    station = spawnTold(process.execPath, [program, folder, JSON.stringify(settings)])
    for await (const [ready] of on(station, 'message')) if ((ready as string[]).includes(id)) return
  }
  /** Sends a code and waits for its answer, as a scanner in host-acknowledge mode does. */
  const scan = async (line: string): Promise<string> => {
    const before = pty.heard().length
    pty.send(line)
    await vi.waitFor(() => expect(pty.heard().length).toBeGreaterThan(before), { timeout: 20_000, interval: 5 })
    return pty.heard().slice(before)
  }

  it('has on disk every code that it acknowledged, also when it is killed at the ACK', async () => {
    const sent: string[] = []
    for (let life = 0; life < 3; life++) {
      await start()
      for (let count = 0; count < 5 + life; count++) {
        sent.push(`life-${life}-${count}`)
        expect(await scan(`${sent.at(-1)}\r`)).toBe(acknowledged)
      }
      await end('SIGKILL')
      expect(storedCodes(folder)).toEqual(sent)
    }
  })

  it('says NAK while the disk is full, so that the scanner does not beep, and ACK when there is room again', async ({
    skip,
  }) => {
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'capstan-serial', folder]).status !== 0)
      return skip('needs the right to mount a small file system: run it as root on Linux')
    await start()
    const kept: string[] = []
    const lost: string[] = []
    const send = async (): Promise<string> => {
      const code = `${'X'.repeat(400)}-${kept.length + lost.length}`
      const answer = await scan(`${code}\r`)
      ;(answer === acknowledged ? kept : lost).push(code)
      return answer
    }
    while ((await send()) === acknowledged);
    expect(lost).toHaveLength(1)
    expect(await send()).toBe(refused)
    expect(spawnSync('mount', ['-o', 'remount,size=64m', folder]).status).toBe(0)
    for (let count = 0; count < 3; count++) expect(await send()).toBe(acknowledged)
    await end()
    expect(kept.length).toBeGreaterThan(3)
    expect(storedCodes(folder)).toEqual(kept)
  })

  it.each([
    ['CR LF where CR is set', '\r\n', 'cr'],
    ['CR LF where LF is set', '\r\n', 'lf'],
    ['LF where CR LF is set', '\n', 'crlf'],
    ['CR where CR LF is set', '\r', 'crlf'],
  ])('keeps codes apart and whole with %s', async (_, suffix, terminator) => {
    await start({ serial: { terminator, silenceMs: 60 } })
    for (const code of ['4006381333931', '0104012345\u001d21A', 'three'])
      expect(await scan(`${code}${suffix}`)).toBe(acknowledged)
    await end()
    expect(storedCodes(folder)).toEqual(['4006381333931', '0104012345\u001d21A', 'three'])
  })
})
