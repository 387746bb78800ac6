import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCapstan } from './run-capstan.ts'

const scan = (atMs: number, data: string, aim: string | null = null) => ({
  event: 'scan',
  atMs,
  deviceId: 'usb:0c2e:1007:1',
  deviceName: 'Aisle scanner',
  hex: Buffer.from(data).toString('hex'),
  data,
  aim,
})

describe('capstan replay', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'capstan-replay-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const write = (lines: readonly object[]): string => {
    const path = join(folder, 'trace.ndjson')
    writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    return path
  }
  const rows = async () => {
    const { stdout } = await runCapstan(['export', '--data', join(folder, 'data')])
    return stdout
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  it('plays every scan of a trace into the store, in order, from the device that read it', async () => {
    const trace = write([
      { trace: 'capstan-devices', version: 1 },
      scan(0, '4006381333931', ']E0'),
      scan(900, '0104006381333931\u001d10A', ']d2'),
      scan(1_000_000, '00012'),
    ])
    const { code, stdout } = await runCapstan(['replay', trace, '--data', join(folder, 'data'), '--speed', '0'])
    expect(code).toBe(0)
    expect(stdout.toString().match(/"saved"/g)).toHaveLength(3)
    expect((await rows()).map(({ raw, device, source }) => [raw, device, source])).toEqual([
      ['4006381333931', 'Aisle scanner', 'device'],
      ['0104006381333931\u001d10A', 'Aisle scanner', 'device'],
      ['00012', 'Aisle scanner', 'device'],
    ])
  })

  it('names the line that is no event, and keeps what came before it', async () => {
    const trace = write([{ trace: 'capstan-devices', version: 1 }, scan(0, 'A1'), { event: 'scan' }])
    const { code, stderr } = await runCapstan(['replay', trace, '--data', join(folder, 'data'), '--speed', '0'])
    expect(code).toBe(2)
    expect(stderr).toContain('line 3')
    expect((await rows()).map(({ raw }) => raw)).toEqual(['A1'])
  })

  it.each([
    [['nothing.ndjson', '--speed', 'fast'], 'speed'],
    [[], 'usage'],
  ])('refuses %j with the reason', async (args, reason) => {
    const { code, stderr } = await runCapstan(['replay', ...args, '--data', join(folder, 'data')])
    expect(code).toBe(2)
    expect(stderr).toContain(reason)
  })

  it('says so when the file is not there', async () => {
    const { code, stderr } = await runCapstan(['replay', join(folder, 'none'), '--data', join(folder, 'data')])
    expect(code).toBe(2)
    expect(stderr).toContain('none')
  })
})
