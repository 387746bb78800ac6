import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { judgeImport, rooms } from '../../tools/rooms.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const oxlint = join(root, 'node_modules', 'oxlint', 'bin', 'oxlint')

const judge = judgeImport as (file: string, specifier: string) => string | null
const table = rooms as Record<string, { rooms: string[]; packages: string[] }>

describe('the walls between rooms', () => {
  let folder: string
  beforeEach(() => {
    // Inside the project, so that the same configuration and the same linter judge it.
    folder = mkdtempSync(join(root, 'node_modules', '.cache-rooms-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  const lint = (file: string, text: string): { code: number | null; output: string } => {
    const path = join(folder, 'src', file)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    const config = join(folder, 'oxlintrc.json')
    writeFileSync(
      config,
      JSON.stringify({
        plugins: [],
        jsPlugins: [join(root, 'tools', 'rooms.mjs')],
        categories: {},
        rules: { 'capstan/rooms': 'error' },
      }),
    )
    const run = spawnSync(process.execPath, [oxlint, '--no-ignore', '-c', config, path], {
      cwd: folder,
      encoding: 'utf8',
    })
    return { code: run.status, output: run.stdout + run.stderr }
  }

  it('makes the linter fail on a planted violation', () => {
    const { code, output } = lint(
      'station/capture/planted.ts',
      `import { createSync } from '#station/sync/sync.ts'\ncreateSync\n`,
    )
    expect(output).toContain('the room station/capture may not import the room station/sync')
    expect(code).not.toBe(0)
  })

  it('lets a permitted import through the same linter', () => {
    const { code, output } = lint('station/capture/planted.ts', `import { ok } from '#contract/result.ts'\nok(1)\n`)
    expect(output).not.toContain('capstan(rooms)')
    expect(code).toBe(0)
  })

  it('catches types, re-exports and dynamic imports too', () => {
    for (const text of [
      `import type { Sync } from '#station/sync/sync.ts'\nexport type S = Sync\n`,
      `export { createSync } from '#station/sync/sync.ts'\n`,
      `export * from '#station/sync/sync.ts'\n`,
      `await import('#station/sync/sync.ts')\n`,
    ]) {
      expect(lint('station/capture/planted.ts', text).code, text).not.toBe(0)
    }
  })

  it.each([
    ['station/sync/a.ts', '#station/capture/capture.ts', 'sync and capture meet in the store only'],
    ['backend/a.ts', '#station/index.ts', 'backend and station meet over HTTP'],
    ['station/index.ts', '#backend/index.ts', 'backend and station meet over HTTP'],
    ['renderer/app/a.tsx', '#station/index.ts', 'the window speaks through the contract'],
    ['renderer/app/a.tsx', 'electron', 'the window knows no Electron'],
    ['web/a.ts', 'electron', 'only main and preload know Electron'],
    ['web/a.ts', '#station/store/store.ts', 'hosts enter by the door'],
    ['domain/a.ts', 'node:fs', 'the domain is pure'],
    ['domain/a.ts', 'zod', 'the domain is pure'],
    ['station/store/a.ts', '../../domain/gtin.ts', 'rooms are crossed with #'],
    ['renderer/features/scan/a.tsx', '../queue/b.tsx', 'features do not know each other'],
    ['somewhere/a.ts', '#contract/result.ts', 'every file is in a room'],
  ])('refuses %s -> %s: %s', (file, specifier) => {
    expect(judge(file, specifier)).not.toBeNull()
  })

  it.each([
    ['station/store/a.ts', './database.ts'],
    ['station/index.ts', '#station/store/store.ts'],
    ['web/a.ts', '#station/index.ts'],
    ['cli/a.ts', '#backend/index.ts'],
    ['renderer/features/scan/a.tsx', '#contract/station/capture.ts'],
    ['renderer/app/a.tsx', '../features/scan/b.tsx'],
  ])('permits %s -> %s', (file, specifier) => {
    expect(judge(file, specifier)).toBeNull()
  })

  it('has the same table in docs/ARCHITECTURE.md', () => {
    const page = readFileSync(join(root, 'docs', 'ARCHITECTURE.md'), 'utf8')
    for (const [name, { rooms: allowed, packages }] of Object.entries(table)) {
      const row = page.split('\n').find((line) => line.startsWith(`| \`${name}\` |`))
      expect(row, `a row for ${name}`).toBeDefined()
      const cells = row?.split('|').map((cell) => cell.trim()) ?? []
      const words = (cell: string | undefined): string[] =>
        [...(cell ?? '').matchAll(/`([^`]+)`/g)].map((match) => String(match[1])).toSorted()
      expect(words(cells[2]), `rooms of ${name}`).toEqual(allowed.toSorted())
      expect(words(cells[3]), `packages of ${name}`).toEqual(packages.toSorted())
    }
  })

  it('has a room for every folder of src, with a README of at most 15 lines', () => {
    const houses = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
    for (const house of houses) {
      expect(Object.keys(table)).toContain(house.name)
      const readme = readFileSync(join(root, 'src', house.name, 'README.md'), 'utf8')
      expect(readme.trimEnd().split('\n').length, house.name).toBeLessThanOrEqual(15)
    }
  })
})
