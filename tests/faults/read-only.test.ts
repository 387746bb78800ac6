import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { newRecoveryKey } from '#station/index.ts'
import { runCapstan } from '../unit/cli/run-capstan.ts'
import { temporaryFolder } from '../unit/station/parts.ts'

const mount = (...args: string[]): boolean => spawnSync('mount', args).status === 0
const input = '{"data":"A"}\n{"data":"B"}\n{"data":"C"}\n'

/** A station's folder with three scans on a file system of its own; null where that is not allowed. */
async function fill(env: Record<string, string>): Promise<string | null> {
  const data = temporaryFolder()
  if (!mount('-t', 'tmpfs', '-o', 'size=2m', 'capstan-read-only', data)) return null
  onTestFinished(() => void spawnSync('umount', ['-l', data]))
  expect((await runCapstan(['station', '--data', data, '--stdin', '--no-drain'], input, env)).lines).toHaveLength(3)
  return data
}

describe.each([
  ['read-only', false, (data: string) => expect(mount('-o', 'remount,ro', data)).toBe(true)],
  ['read-only, and is encrypted', true, (data: string) => expect(mount('-o', 'remount,ro', data)).toBe(true)],
  [
    'full to the last byte',
    false,
    (data: string) =>
      expect(() => writeFileSync(join(data, 'filler'), Buffer.alloc(4 * 1024 * 1024))).toThrow(/ENOSPC/),
  ],
])('a data folder that has become %s', (_, isEncrypted, spoil) => {
  it('is not scanned into, says what to do, and gives back everything it has', async ({ skip }) => {
    const keyFile = join(temporaryFolder(), 'recovery-key.txt')
    writeFileSync(keyFile, newRecoveryKey())
    const env: Record<string, string> = isEncrypted ? { CAPSTAN_DATA_KEY_FILE: keyFile } : {}
    const run = (...[args, given = '']: Parameters<typeof runCapstan>) => runCapstan(args, given, env)
    const data = await fill(env)
    if (data === null) return skip('needs the right to mount a small file system: run it as root on Linux')
    spoil(data)

    const scanned = await run(['station', '--data', data, '--stdin', '--no-drain'], '{"data":"D"}\n')
    // It ends at once and is not restarted by itself: an answer and a code, no loop and no stack.
    expect({ code: scanned.code, lines: scanned.lines }).toEqual({ code: 2, lines: [] })
    expect(JSON.parse(scanned.stderr)).toMatchObject({
      error: { code: 'storage_full', message: expect.stringContaining('cannot be written') as string },
    })
    const doctor = await run(['doctor', '--data', data, '--json'])
    expect(doctor.lines.find((finding) => finding['check'] === 'store')).toMatchObject({ state: 'ok' })
    expect(doctor.lines.filter((finding) => finding['state'] === 'fault')).not.toEqual([])

    const exported = await run(['export', '--data', data, '--format', 'ndjson'])
    expect(exported.lines.map((row) => row['raw'])).toEqual(['A', 'B', 'C'])
    expect((await run(['verify', '--data', data, '--json'])).lines).toMatchObject([{ whole: true, captures: 3 }])
  })
})
