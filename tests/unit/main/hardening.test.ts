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
