import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseArguments, version, type Help } from '#cli/command.ts'
import { help as backend } from '#cli/backend.ts'
import { help as certificate } from '#cli/certificate.ts'
import { help as calibrationSheet } from '#cli/calibration-sheet.ts'
import { help as controlSheet } from '#cli/control-sheet.ts'
import { help as decode } from '#cli/decode.ts'
import { help as support } from '#cli/support.ts'
import { help as doctor } from '#cli/doctor.ts'
import { help as exportHelp } from '#cli/export.ts'
import { help as importHelp } from '#cli/import.ts'
import { help as kiosk } from '#cli/kiosk.ts'
import { help as parse } from '#cli/parse.ts'
import { help as record } from '#cli/record.ts'
import { help as replay } from '#cli/replay.ts'
import { help as shoot } from '#cli/shoot.ts'
import { help as staff } from '#cli/staff.ts'
import { help as station } from '#cli/station.ts'
import { help as dataKey } from '#cli/data-key.ts'
import { help as verify } from '#cli/verify.ts'
import { runCapstan } from './run-capstan.ts'

const helps: readonly Help[] = [
  backend,
  calibrationSheet,
  certificate,
  controlSheet,
  decode,
  doctor,
  support,
  exportHelp,
  importHelp,
  kiosk,
  parse,
  record,
  replay,
  shoot,
  staff,
  station,
  dataKey,
  verify,
]

describe('the help of the commands', () => {
  it.each(helps.map((help) => [help.name, help] as const))('%s: usage and example name real options', (name, help) => {
    const named = [...help.usage.matchAll(/--([a-z-]+)/g)].map(([, option]) => option)
    expect(Object.keys(help.options)).toEqual(expect.arrayContaining(named))
    const [, words = ''] = help.example.split(`capstan ${name} `)
    expect(parseArguments(words.split(/ [<>|]/)[0]?.split(' ') ?? [], help)).toMatchObject({ ok: true })
  })

  it('is there for every command, in the README too', async () => {
    const { code, stdout, stderr } = await runCapstan(['help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const known = [...stdout.toString().matchAll(/^ {2}([a-z-]+) {2,}\w/gm)].map(([, name = '']) => name)
    expect(known.toSorted()).toEqual(expect.arrayContaining(helps.map(({ name }) => name).toSorted()))
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')
    const rows = readme.split('\n').filter((line) => line.startsWith('| `'))
    for (const name of known) expect(rows.some((row) => row.split('|')[1]?.includes(`\`${name}\``))).toBe(true)
  })

  it.each([
    ['record', '--help'],
    ['help', 'record'],
    ['record', '--data', 'x', '-h'],
  ])('goes to standard output, and nothing is done: %s %s', async (...args) => {
    const { code, stdout, stderr } = await runCapstan(args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.toString()).toMatch(
      /^usage: capstan record --data DIR --out FILE .*\n[^]* {2}--redacted {2}\w[^]*\nexample:\n/,
    )
  })

  it('is pointed at by a wrong option, and by a wrong command', async () => {
    const option = await runCapstan(['export', '--fromat', 'csv'])
    expect(option.code).toBe(2)
    expect(JSON.parse(option.stderr)).toEqual({
      error: { code: 'invalid_input', message: "Unknown option '--fromat'; capstan export --help shows the options" },
    })
    const command = await runCapstan(['exprot'])
    expect(command.code).toBe(2)
    expect(command.stderr).toMatch(/^capstan knows no command "exprot"\.\n\nusage: capstan COMMAND/)
    expect(command.stdout.toString()).toBe('')
  })

  it('is not where the version is', async () => {
    const { code, stdout } = await runCapstan(['--version'])
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 0, stdout: `${version}\n` })
  })
})
