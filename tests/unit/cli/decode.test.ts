import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { drawCode } from '../../barcode-image.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const sharedCodes = join(root, '../shared/data/codes')

interface Line {
  readonly file: string
  readonly ms: number
  readonly codes: readonly { readonly format: string; readonly text: string }[]
  readonly error: { readonly code: string; readonly message: string } | null
}

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'capstan-decode-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Runs the command in a process of its own, as a person does. */
function run(args: readonly string[]): Promise<{ exitCode: number; lines: Line[]; stderr: string }> {
  const program = "import { decode } from '#cli/decode.ts'; process.exitCode = await decode(process.argv.slice(1))"
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--input-type=module', '-e', program, '--', ...args],
      { cwd: root, maxBuffer: 64 * 1024 * 1024 },
      (_error, stdout, stderr) => {
        const lines = stdout.split('\n').filter((line) => line !== '')
        resolve({ exitCode: child.exitCode ?? -1, lines: lines.map((line) => JSON.parse(line) as Line), stderr })
      },
    )
  })
}

describe('capstan decode', () => {
  it('prints a line a file, in order, and goes on after one that cannot be read', async () => {
    const ean = join(folder, 'ean.png')
    const broken = join(folder, 'broken.jpg')
    const missing = join(folder, 'missing.jpg')
    const qr = join(folder, 'qr.png')
    await writeFile(ean, await drawCode({ format: 'EAN13', text: '4006381333931' }))
    await writeFile(broken, 'no image')
    await writeFile(qr, await drawCode({ format: 'QRCode', text: 'A\u001dB' }))
    const { exitCode, lines } = await run(['--json', ean, broken, missing, qr])
    expect(exitCode).toBe(1)
    expect(lines).toMatchObject([
      { file: ean, codes: [{ format: 'EAN13', text: '4006381333931', symbologyIdentifier: ']E0' }], error: null },
      { file: broken, codes: [], error: { code: 'unreadable_image' } },
      { file: missing, codes: [], error: { code: 'not_found' } },
      { file: qr, codes: [{ format: 'QR', text: 'A\u001dB' }], error: null },
    ])
    expect(Object.keys(lines[0]!)).toEqual(['file', 'ms', 'codes', 'error'])
    expect(Object.keys(lines[0]!.codes[0]!)).toEqual([
      'format',
      'text',
      'bytes',
      'symbologyIdentifier',
      'position',
      'pass',
      'confidence',
      'addOn',
    ])
    expect(lines.every((line) => line.ms > 0)).toBe(true)
  })

  it('ends with 0 when every file was read, and with 2 and how it is used when there is none', async () => {
    const ean = join(folder, 'alone.png')
    await writeFile(ean, await drawCode({ format: 'EAN8', text: '96385074' }))
    expect(await run(['--json', ean])).toMatchObject({ exitCode: 0, stderr: '' })
    expect(await run(['--json'])).toMatchObject({ exitCode: 2, lines: [], stderr: expect.stringContaining('usage:') })
    expect(await run(['--formats', 'EAN99', ean])).toMatchObject({ exitCode: 2, lines: [] })
    expect(await run(['--formats', 'QRCode', ean])).toMatchObject({ exitCode: 0, lines: [{ codes: [] }] })
    expect(await run(['--nonsense', ean])).toMatchObject({ exitCode: 2, lines: [] })
  })

  it('looks for the codes of one group alone', async () => {
    const ean = join(folder, 'group-ean.png')
    const qr = join(folder, 'group-qr.png')
    await writeFile(ean, await drawCode({ format: 'EAN13', text: '4006381333931' }))
    await writeFile(qr, await drawCode({ format: 'QRCode', text: 'A' }))
    const { exitCode, lines } = await run(['--json', '--formats', 'retail', ean, qr])
    expect([exitCode, lines.map(({ codes }) => codes.map(({ format }) => format))]).toEqual([0, [['EAN13'], []]])
  })

  const sampled = existsSync(join(sharedCodes, 'manifest.json')) ? it : it.skip
  sampled('reads most of the shared photos (skipped where ../shared is absent)', async () => {
    const manifest = JSON.parse(await readFile(join(sharedCodes, 'manifest.json'), 'utf8')) as {
      readonly file: string
      readonly expected: readonly { readonly format: string; readonly text: string | null }[]
    }[]
    const sample = manifest.filter((photo, index) => index % 40 === 0 && photo.expected.length > 0)
    const { lines } = await run(['--json', ...sample.map((photo) => join(sharedCodes, photo.file))])
    const read = sample.filter((photo, index) =>
      photo.expected.every(({ format, text }) =>
        lines[index]?.codes.some((code) => text === null || plain(format, code.text) === plain(format, text)),
      ),
    )
    expect(lines).toHaveLength(sample.length)
    expect(read.length / sample.length).toBeGreaterThan(0.85)
  })
})

/** The sets of photos disagree on leading zeros, start and stop characters and brackets; none of them matters here. */
function plain(format: string, text: string): string {
  if (format === 'UPCE' && text.length === 8) return expandedUpce(text)
  if (/^(EAN|UPC)/.test(format)) return text.replace(/^0+/, '').slice(0, 13)
  if (format === 'Codabar') return text.replace(/^[A-D]|[A-D]$/g, '')
  if (format.startsWith('DataBar'))
    return text
      .replace(/[()]/g, '')
      .replaceAll('\u001d', '')
      .replace(/^01(?=\d{14}$)/, '')
  return text
}

function expandedUpce(text: string): string {
  const [a, b, c, d, e, last] = text.slice(1, 7)
  const body =
    last === '3'
      ? `${a}${b}${c}00000${d}${e}`
      : last === '4'
        ? `${a}${b}${c}${d}00000${e}`
        : `${a}${b}${c}${d}${e}0000${last}`
  const digits = Number(last) < 3 ? `${a}${b}${last}0000${c}${d}${e}` : body
  return `${text[0]}${digits}${text[7]}`.replace(/^0+/, '')
}
