import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import type { BusDevice } from './bus/bus.ts'

/** A scan that was sent: what, and when its last byte was in the device (`process.hrtime`, milliseconds). */
export interface SentScan {
  readonly code: string
  readonly atMs: number
}

/** Lets the scanners read in turn, `perSecond` codes in all, each code once: `A-0`, `B-0`, `C-0`, `A-1`, ... */
export async function scanSteadily(
  devices: readonly BusDevice[],
  { perSecond, durationMs }: { readonly perSecond: number; readonly durationMs: number },
): Promise<SentScan[]> {
  const sent: SentScan[] = []
  const beganMs = performance.now()
  const count = Math.round((perSecond * durationMs) / 1_000)
  for (let index = 0; index < count; index++) {
    const waitMs = beganMs + (index * 1_000) / perSecond - performance.now()
    if (waitMs > 0) await delay(waitMs)
    const at = index % devices.length
    const code = `${String.fromCharCode(65 + at)}-${Math.floor(index / devices.length)}`
    sent.push({ code, atMs: (await devices[at]?.scan(code)) ?? 0 })
  }
  return sent
}

/** What the disk holds of what was sent. */
export interface Account {
  readonly sent: number
  readonly lost: number
  readonly doubled: number
  /** Scans that stand before an earlier one of their own scanner. */
  readonly disordered: number
}

/** Compares what was sent with what is stored, in the order of the commits. */
export function account(sent: readonly SentScan[], stored: readonly string[]): Account {
  const seen = new Map<string, number>()
  for (const code of stored) seen.set(code, (seen.get(code) ?? 0) + 1)
  const last = new Map<string, number>()
  let disordered = 0
  for (const code of stored) {
    const [scanner = '', number] = code.split('-')
    if (Number(number) < (last.get(scanner) ?? -1)) disordered++
    last.set(scanner, Number(number))
  }
  return {
    sent: sent.length,
    lost: sent.filter(({ code }) => !seen.has(code)).length,
    doubled: [...seen.values()].filter((times) => times > 1).length,
    disordered,
  }
}

/** The codes in a data folder, in the order of their commits. */
export function storedCodes(dataDir: string): string[] {
  const database = new DatabaseSync(join(dataDir, 'station.sqlite'), { readOnly: true })
  const rows = database.prepare('SELECT raw FROM captures ORDER BY sequence').all()
  database.close()
  return rows.map((row) => String(row['raw']))
}

const writer = `
  const { openSync, ftruncateSync, writeSync, fsyncSync } = require('node:fs')
  const file = openSync(process.argv[1], 'w')
  const bytes = Buffer.alloc(Number(process.argv[2]), 7)
  process.stdin.resume().on('end', () => process.exit())
  const next = () => { ftruncateSync(file, 0); writeSync(file, bytes, 0, bytes.length, 0); fsyncSync(file); setImmediate(next) }
  next()
`

/**
 * Makes the disk of a folder slow for everybody: another process writes a new file of so many `megabytes` there and waits
 * for the disk (fsync), over and over. Answers how to end it.
 */
export function slowDown(folder: string, megabytes: number): () => Promise<void> {
  const child = spawn(process.execPath, ['-e', writer, join(folder, 'slow'), String(megabytes * 1024 * 1024)], {
    stdio: ['pipe', 'ignore', 'inherit'],
  })
  const exited = once(child, 'exit')
  return async () => {
    child.stdin.end()
    await exited
  }
}
