import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { databaseUrl, temporaryFolder } from './fixture.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (name: string): string => readFileSync(join(root, name), 'utf8')
const dockerfile = read('Dockerfile')
const listOf = (instruction: string): string[] => {
  const lines = [...dockerfile.matchAll(new RegExp(`^${instruction} (\\[.*\\])$`, 'gm'))]
  return JSON.parse(lines.at(-1)?.[1] ?? '[]') as string[]
}

/** What the image has: the files it copies, and the packages that are not for development. */
function layOut(folder: string): void {
  const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = '']) => names.split(' '))
  expect(copied).toContain('src')
  const permitted = read('.dockerignore').split('\n')
  for (const name of copied) {
    expect(existsSync(join(root, name)), name).toBe(true)
    expect(permitted, name).toContain(`!${name}`)
    cpSync(join(root, name), join(folder, name), { recursive: true })
  }
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, { dev?: boolean; devOptional?: boolean }>
  }
  for (const [path, { dev, devOptional }] of Object.entries(packages)) {
    const isTop = path.startsWith('node_modules/') && path.split('node_modules/').length === 2
    if (!isTop || dev === true || devOptional === true || !existsSync(join(root, path))) continue
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    symlinkSync(join(root, path), join(folder, path))
  }
}

describe('the image', () => {
  it('has all that its command needs, and is healthy when that listens', async () => {
    const folder = await temporaryFolder()
    layOut(folder)
    const data = await temporaryFolder()
    const [program, ...entry] = listOf('ENTRYPOINT')
    expect(program).toBe('node')
    const args = [...entry, ...listOf('CMD')].map((word) => {
      if (word === '/data') return data
      if (word === '0.0.0.0') return '127.0.0.1'
      return word === '4800' ? '0' : word
    })
    expect(args).toContain(data)
    const url = await databaseUrl(data)
    const child = spawn(process.execPath, ['--preserve-symlinks', ...args], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        PATH: process.env['PATH'],
        CAPSTAN_API_KEY: 'of the compose file',
        ...(url ? { CAPSTAN_DATABASE_URL: url } : {}),
      },
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
    const { listening, apiKey } = JSON.parse(line) as { listening: string; apiKey: string }
    expect(apiKey).toBe('of the compose file')
    const check = /fetch\('http:\/\/127\.0\.0\.1:4800(\/\w+)'\)/.exec(dockerfile)?.[1]
    expect((await fetch(`${listening}${check}`)).status).toBe(200)
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
  })

  it('is what the compose file runs', () => {
    const compose = read('compose.yaml')
    const command = read('src/cli/backend.ts')
    for (const [, name = ''] of compose.matchAll(/^ +(CAPSTAN_\w+):/gm)) expect(command).toContain(`'${name}'`)
    expect(compose).toMatch(/^ +- photos:\/data$/m)
    expect(compose).toContain(`127.0.0.1:4800:${/^EXPOSE (\d+)$/m.exec(dockerfile)?.[1]}`)
  })
})
