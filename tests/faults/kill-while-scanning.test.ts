import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { newRecoveryKey } from '#station/index.ts'

const capstan = fileURLToPath(new URL('../../src/cli/capstan.ts', import.meta.url))
const total = 10_000

interface Saved {
  readonly saved: string
  readonly sequence: number
}

describe('a station that is killed again and again', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'capstan-kill-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const withKey = (keyFile: string | null) => ({
    ...process.env,
    ...(keyFile === null ? {} : { CAPSTAN_DATA_KEY_FILE: keyFile }),
  })

  /** Feeds lines until the process is killed after `killAfter` answers or all are fed; answers what was acknowledged. */
  const feed = (from: number, killAfter: number, keyFile: string | null): Promise<Saved[]> =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [capstan, 'station', '--data', folder, '--stdin', '--no-drain'], {
        stdio: ['pipe', 'pipe', 'pipe'],
        env: withKey(keyFile),
      })
      const lines = createInterface({ input: child.stdout })
      const acknowledged: Saved[] = []
      let log = ''
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        log += text
      })
      lines.on('line', (line) => {
        // A torn last line was not heard: only whole lines are acknowledgements.
        if (!line.endsWith('}')) return
        acknowledged.push(JSON.parse(line) as Saved)
        if (acknowledged.length === killAfter) child.kill('SIGKILL')
      })
      child.stdin.on('error', () => undefined)
      // A few lines a turn, so that a kill falls between, into and behind commits, not after all of them.
      let index = from
      const write = (): void => {
        // Nor are more than these ever without an answer: a kill that comes late falls among them.
        const ahead = from + acknowledged.length + 200
        for (const end = Math.min(index + 25, ahead, total); index < end; index += 1) {
          child.stdin.write(`{"data":"SCAN-${String(index).padStart(5, '0')}"}\n`)
        }
        if (index >= total || child.exitCode !== null || child.signalCode !== null) child.stdin.end()
        else setTimeout(write, 1)
      }
      // Not before the station runs: what piles up during its start would be answered in one go.
      lines.once('line', write)
      child.stdin.write(`{"data":"SCAN-${String(index++).padStart(5, '0')}"}\n`)
      child.once('close', (code, signal) => {
        if (signal === 'SIGKILL' || code === 0) resolve(acknowledged)
        else reject(new Error(`the station ended with ${code ?? signal}: ${log}`))
      })
    })

  it('has a row for every acknowledged scan, in order, once, and is encrypted on the way', async () => {
    const keyFile = join(folder, 'key-of-the-test.txt')
    writeFileSync(keyFile, newRecoveryKey())
    const acknowledged: (Saved & { raw: string })[] = []
    let next = 0
    let kills = 0
    // A seeded walk over kill points: early, late, in the middle of a commit.
    let seed = 20_261_121
    const random = (): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
      return seed / 2_147_483_648
    }
    while (next < total) {
      const killAfter = kills < 25 ? 1 + Math.floor(random() * 600) : Number.POSITIVE_INFINITY
      const heard = await feed(next, killAfter, kills < 8 ? null : keyFile)
      for (const [index, saved] of heard.entries())
        acknowledged.push({ ...saved, raw: `SCAN-${String(next + index).padStart(5, '0')}` })
      next += heard.length
      if (next < total) kills += 1
    }
    expect(kills).toBeGreaterThanOrEqual(10)
    expect(readFileSync(join(folder, 'station.sqlite')).includes('SCAN-0')).toBe(false)
    expect(acknowledged).toHaveLength(total)

    const exported = spawnSync(process.execPath, [capstan, 'export', '--data', folder, '--format', 'ndjson'], {
      env: withKey(keyFile),
      encoding: 'utf8',
      maxBuffer: 256 * 1024 * 1024,
    })
    expect(exported.status).toBe(0)
    const rows = exported.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { id: string; sequence: number; raw: string })

    // Rows without an acknowledgement may exist (killed between commit and answer); the reverse never.
    const byId = new Map(rows.map((row) => [row.id, row]))
    expect(byId.size).toBe(rows.length)
    for (const saved of acknowledged)
      expect(byId.get(saved.saved)).toMatchObject({ sequence: saved.sequence, raw: saved.raw })
    const order = acknowledged.map((saved) => saved.sequence)
    expect(order).toEqual(order.toSorted((a, b) => a - b))
    const sequences = rows.map((row) => row.sequence)
    expect(sequences).toEqual(sequences.map((_, index) => index + 1))
  })
})
