import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** Sides of the page where a text's own beginning and end are meant, and moves along its line. */
const sided = /(?:-|\b)(?:left|right)\b[\w-]*\s*:|:[^;{]*\b(?:left|right)\b|translateX/

it('a line of CSS says start and end, never left and right, so that a language written the other way needs nothing', () => {
  expect('  margin-left: auto;').toMatch(sided)
  expect('  text-align: right;').toMatch(sided)
  expect('  border-right: 0;').toMatch(sided)
  expect('.strip-left {').not.toMatch(sided)
  const files = globSync('src/renderer/**/*.css', { cwd: root })
  expect(files.length).toBeGreaterThan(10)
  const found = files.flatMap((file) =>
    readFileSync(root + file, 'utf8')
      .replaceAll(/\/\*[^]*?\*\//g, '')
      .split('\n')
      .filter((line) => sided.test(line))
      .map((line) => `${file}: ${line.trim()}`),
  )
  expect(found).toEqual([])
})
