import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const source = fileURLToPath(new URL('../../../src', import.meta.url))
const files = ['main', 'preload'].flatMap((room) =>
  readdirSync(join(source, room), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ name: `${room}/${name}`, text: readFileSync(join(source, room, name), 'utf8') })),
)

it('looks at the sources of both rooms', () => {
  expect(files.length).toBeGreaterThan(10)
})

it.each([
  ['a browser is never opened', /\bopenExternal\b|\bshell\b.*from 'electron'/],
  ['certificate errors are never overridden', /certificate-error|setCertificateVerifyProc/],
  ['the page gets no Node', /nodeIntegration\w*: true|sandbox: false|contextIsolation: false|webviewTag: true/],
  ['web security stays on', /webSecurity|allowRunningInsecureContent|experimentalFeatures/],
  ['the policy is not bypassed', /bypassCSP|corsEnabled: true/],
  ['no page is loaded from a file', /loadFile\(|['"`]file:/],
])('%s', (_what, pattern) => {
  // Comments may say the words; code may not.
  const code = (text: string) => text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
  expect(files.filter(({ text }) => pattern.test(code(text))).map(({ name }) => name)).toEqual([])
})

/** Electron's newest line on a day: 40 came on 13 January 2026, and another one comes with every second Chromium, each 8 weeks. */
const newestLine = (at: Date): number => 40 + Math.floor((at.getTime() - Date.UTC(2026, 0, 13)) / (56 * 86_400_000))

it('the pinned Electron is of a line that gets fixes, the newest three: raise it when this fails', () => {
  const { devDependencies } = JSON.parse(readFileSync(join(source, '../package.json'), 'utf8')) as {
    devDependencies: Record<string, string>
  }
  const [, line = ''] = /^(\d+)\.\d+\.\d+$/.exec(devDependencies['electron'] ?? '') ?? []
  const isSupported = (of: number, at: Date): boolean => of >= newestLine(at) - 2
  expect(isSupported(Number(line), new Date())).toBe(true)
  // By the same calendar, what would fail and when.
  expect([newestLine(new Date('2026-11-22')), isSupported(42, new Date('2026-11-22'))]).toEqual([45, false])
  expect([isSupported(45, new Date('2027-04-05')), isSupported(45, new Date('2027-04-07'))]).toEqual([true, false])
})
