import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { checkDigit } from '#domain/gtin.ts'

const capstan = fileURLToPath(new URL('../../src/cli/capstan.ts', import.meta.url))
const items = 400

/** EAN, Digital Link and GS1 DataMatrix of each item, one after the other. */
const codes = Array.from({ length: items }, (_, index) => {
  const body = `400638${String(index).padStart(6, '0')}`
  const ean = body + checkDigit(body)
  return [ean, `https://id.gs1.org/01/0${ean}`, `010${ean}10LOT-${index}`]
}).flat()

interface Answer {
  readonly saved: string
  readonly outcome?: string
}

it('a station that is killed while codes join keeps each that it acknowledged, with its item', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-kill-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))

  const feed = (from: number, killAfter: number): Promise<Answer[]> =>
    new Promise((resolve, reject) => {
      const options = ['--data', folder, '--stdin', '--no-drain', '--marks-window', '10000']
      const child = spawn(process.execPath, [capstan, 'station', ...options], { stdio: ['pipe', 'pipe', 'inherit'] })
      const heard: Answer[] = []
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (!line.endsWith('}')) return
        heard.push(JSON.parse(line) as Answer)
        if (heard.length === killAfter) child.kill('SIGKILL')
        // A few at a time, so that the kill falls between them.
        else if (heard.length % 4 === 0) write()
      })
      child.stdin.on('error', () => undefined)
      let next = from
      const write = (): void => {
        for (const end = Math.min(next + 4, codes.length); next < end; next += 1) {
          const data = codes[next] ?? ''
          child.stdin.write(`${JSON.stringify({ data, ...(/^01\d{14}/.test(data) ? { aim: ']d2' } : {}) })}\n`)
        }
        if (next >= codes.length) child.stdin.end()
      }
      write()
      child.once('close', (code, signal) => {
        if (signal === 'SIGKILL' || code === 0) resolve(heard)
        else reject(new Error(`the station ended with ${code ?? signal}`))
      })
    })

  const acknowledged: Answer[] = []
  let kills = 0
  for (const killAfter of [5, 101, 222, 77, 310, Number.POSITIVE_INFINITY]) {
    acknowledged.push(...(await feed(acknowledged.length, killAfter)))
    if (acknowledged.length < codes.length) kills += 1
  }
  expect(acknowledged).toHaveLength(codes.length)
  expect(kills).toBe(5)

  const exported = spawnSync(process.execPath, [capstan, 'export', '--data', folder, '--format', 'ndjson'], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  })
  const rows = exported.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { id: string; raw: string; marks: { raw: string }[] })
  const codesOf = new Map(rows.map(({ id, raw, marks }) => [id, new Set([raw, ...marks.map((mark) => mark.raw)])]))
  for (const [index, { saved }] of acknowledged.entries()) expect(codesOf.get(saved)).toContain(codes[index])
  // What a dead process has read is no company for what the next one reads, and a code whose answer was cut off is fed
  // again: at most two items more for each kill.
  expect(rows.length).toBeGreaterThanOrEqual(items)
  expect(rows.length).toBeLessThanOrEqual(items + 2 * kills)
  expect(acknowledged.filter(({ outcome }) => outcome === 'joined').length).toBeGreaterThanOrEqual(
    2 * (items - 2 * kills),
  )
})
