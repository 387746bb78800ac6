import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { certificateSchema } from '#contract/station/ledger.ts'
import { openDatabase } from '#station/store/database.ts'
import { temporaryFolder } from '../station/parts.ts'
import { runCapstan } from './run-capstan.ts'

describe('capstan verify', () => {
  it('finds a station whole, and names in its copy what somebody changed', async () => {
    const data = temporaryFolder()
    await runCapstan(['station', '--data', data, '--stdin', '--no-drain'], '{"data":"A"}\n{"data":"B"}\n')
    const whole = await runCapstan(['verify', '--data', data])
    expect({ code: whole.code, lines: whole.lines }).toEqual({ code: 0, lines: [] })
    expect(whole.stderr).toMatch(/^Whole: \d+ entries tell 2 captures/)

    const copy = temporaryFolder()
    cpSync(data, copy, { recursive: true })
    const database = openDatabase(join(copy, 'station.sqlite'))
    database.run(`UPDATE captures SET quantity = 2 WHERE raw = 'B'`)
    database.close()
    const changed = await runCapstan(['verify', '--data', copy, '--json'])
    expect(changed.code).toBe(1)
    expect(changed.lines).toMatchObject([
      {
        whole: false,
        captures: 2,
        problem: { kind: 'capture', message: expect.stringContaining('capture 2') as string },
      },
    ])
    expect((await runCapstan(['verify', '--data', data, '--json'])).lines).toMatchObject([
      { whole: true, problem: null },
    ])
  })

  it('checks a ledger against a certificate, as a file or as the text of its code', async () => {
    const data = temporaryFolder()
    await runCapstan(['station', '--data', data, '--stdin', '--no-drain'], '{"data":"A"}\n')
    const output = join(temporaryFolder(), 'certificate.json')
    const written = await runCapstan(['certificate', '--data', data, '--output', output])
    expect(written.lines).toMatchObject([{ counts: { scanned: 1, saved: 1, pending: 1 } }])
    const { station, ledger } = certificateSchema.parse(JSON.parse(readFileSync(output, 'utf8')))
    const verified = await runCapstan(['verify', '--data', data, '--certificate', output])
    expect({ code: verified.code, stderr: verified.stderr }).toEqual({
      code: 0,
      stderr: expect.stringContaining('issued from this ledger') as string,
    })
    const code = `capstan:${station.id}:${ledger.sequence - 1}:${ledger.hash}`
    expect(await runCapstan(['verify', '--data', data, '--certificate', code, '--json'])).toMatchObject({
      code: 1,
      lines: [{ problem: { kind: 'certificate', sequence: ledger.sequence - 1 } }],
    })
  })

  it('says why it cannot look', async () => {
    expect((await runCapstan(['verify'])).stderr).toContain('--data')
    const nothing = await runCapstan(['verify', '--data', temporaryFolder()])
    expect({ code: nothing.code, stderr: nothing.stderr }).toEqual({
      code: 2,
      stderr: expect.stringContaining('no station store') as string,
    })
  })
})
