import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../station/parts.ts'
import { runCapstan } from './run-capstan.ts'

describe.each(['control-sheet', 'calibration-sheet'])('capstan %s', (command) => {
  it('writes a PDF', async () => {
    const out = join(temporaryFolder(), 'sheet.pdf')
    const { code } = await runCapstan([command, '--out', out])
    expect(code).toBe(0)
    expect(readFileSync(out).toString('latin1')).toMatch(/^%PDF-1\..*%%EOF\s*$/s)
  })

  it.each([
    ['no file', [], 'invalid_input'],
    ['a folder that is not there', ['--out', '/nowhere/at/all.pdf'], 'storage_full'],
    ['an unknown option', ['--paper', 'letter'], 'invalid_input'],
  ])('says what is wrong with %s', async (_, args, error) => {
    const { code, stderr } = await runCapstan([command, ...args])
    expect(code).toBe(2)
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: error } })
  })
})
