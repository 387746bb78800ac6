import { spawnSync } from 'node:child_process'
import { describe, expect, it, onTestFinished } from 'vitest'
import { runCapstan, startCapstan, toLines } from '../unit/cli/run-capstan.ts'
import { temporaryFolder, until } from '../unit/station/parts.ts'

const mount = (...args: string[]): boolean => spawnSync('mount', args).status === 0

/** A file system of its own that is soon full; null where that is not allowed. */
function mountSmall(): string | null {
  const folder = temporaryFolder()
  if (!mount('-t', 'tmpfs', '-o', 'size=1m', 'capstan-disk-full', folder)) return null
  onTestFinished(() => void spawnSync('umount', ['-l', folder]))
  return folder
}

describe('a station whose disk becomes full', () => {
  it('refuses what it cannot keep, keeps what it acknowledged, and goes on when there is room', async ({ skip }) => {
    const data = mountSmall()
    if (data === null) return skip('needs the right to mount a small file system: run it as root on Linux')

    const run = startCapstan(['station', '--data', data, '--stdin'])
    const scan = (n: number): void => void run.child.stdin.write(`{"data":"${'X'.repeat(400)}-${n}"}\n`)
    let sent = 0
    while (!run.stdout().includes('storage_full')) {
      const upTo = sent + 50
      while (sent < upTo) scan((sent += 1))
      await until(() => run.stdout().split('\n').length > sent)
    }
    expect(mount('-o', 'remount,size=64m', data)).toBe(true)
    // Whatever the disk did, the same process saves again.
    const before = sent
    while (sent < before + 10) scan((sent += 1))
    run.child.stdin.end()
    const { code, stdout } = await run.ended
    expect(code).toBe(1)

    const answers = toLines(stdout.toString())
    expect(answers).toHaveLength(sent)
    expect(answers.slice(before).every((answer) => 'saved' in answer)).toBe(true)
    const acknowledged = answers.filter((answer) => 'saved' in answer).map((answer) => answer['saved'])
    const rows = (await runCapstan(['export', '--data', data, '--format', 'ndjson'])).lines
    expect(rows.map((row) => row['id'])).toEqual(acknowledged)
    expect((await runCapstan(['verify', '--data', data, '--json'])).lines).toMatchObject([{ whole: true }])
    for (const answer of answers.filter((each) => 'error' in each))
      expect(answer['error']).toMatchObject({ code: 'storage_full' })
  })
})
