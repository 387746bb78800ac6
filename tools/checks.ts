import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { findChromium } from '#cli/browsers.ts'
import { findPostgres } from '../tests/backend/postgres.ts'

/**
 * Every check of the project, after set-up: lint, format, types and all kinds of test. Ends with the plain line
 * `N passed, N failed` and exits with 1 when something failed. With names of test kinds as arguments
 * (`npm test -- unit faults`) only those tests run.
 */
const root = dirname(import.meta.dirname)
const bin = join(root, 'node_modules', '.bin')
const results = { passed: 0, failed: 0, skipped: 0 }
const failures: string[] = []

/** The tests start the program hundreds of times: compiled once, each start costs half of its processor time. */
const compileCache = join(root, 'node_modules', '.cache', 'capstan-compile')

/** A check that hangs must not keep the others' results from being told: the whole of them takes about a quarter of an hour. */
const limitMs = 45 * 60_000

const say = (line: string): void => void process.stdout.write(`${line}\n`)

function run(command: string, args: readonly string[], env: Record<string, string> = {}): boolean {
  const done = spawnSync(command, [...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      NODE_COMPILE_CACHE: compileCache,
      PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
      ...env,
    },
    shell: process.platform === 'win32',
    timeout: limitMs,
    killSignal: 'SIGKILL',
  })
  return done.status === 0
}

function check(name: string, passed: boolean): void {
  results[passed ? 'passed' : 'failed'] += 1
  if (!passed) failures.push(name)
  say(`${passed ? 'ok    ' : 'FAILED'} ${name}`)
}

/** Installs packages of Debian, where this is one and we may; whether it did is seen by looking for them again. */
function installPackages(...names: readonly string[]): void {
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return
  say(`Installing ${names.join(', ')} (apt-get) ...`)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  run('apt-get', ['update', '-qq'], env)
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], env)
}

/** The backend's tests run on PostgreSQL too, on a server of their own; the test run says it when there is none. */
function providePostgres(): void {
  if ('missing' in findPostgres()) installPackages('postgresql')
}

/** The end-to-end tests need a Chromium; where there is none, Debian has one to install. */
function provideChromium(): void {
  if ('path' in findChromium(process.env)) return
  installPackages('chromium', 'fonts-dejavu-core')
  const found = findChromium(process.env)
  if ('missing' in found) say(`${found.missing}: name one with CAPSTAN_CHROMIUM, or the end-to-end tests fail.`)
}

/** Runs Vitest and adds its counts. A run that reports nothing is a failure, not a success. */
function runTests(kinds: readonly string[]): void {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-checks-'))
  const report = join(folder, 'report.json')
  const chosen = kinds.flatMap((kind) => ['--project', kind])
  const passed = run('vitest', [
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
    ...chosen,
  ])
  try {
    const counts = JSON.parse(readFileSync(report, 'utf8')) as Record<string, number>
    const count = (name: string): number => counts[name] ?? 0
    results.passed += count('numPassedTests')
    results.failed += count('numFailedTests')
    results.skipped += count('numPendingTests') + count('numTodoTests')
    if (count('numPassedTests') + count('numFailedTests') === 0) check('tests were found', false)
    if (count('numFailedTests') > 0) failures.push(`${count('numFailedTests')} tests`)
    // A file that does not load, or an error outside a test, fails the run without a failed test.
    else if (!passed) check('the test run as a whole', false)
  } catch {
    check('the test run reports its results', false)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const kinds = process.argv.slice(2)
if (kinds.length === 0) {
  check('lint', run('oxlint', ['--deny-warnings']))
  check('format', run('oxfmt', ['--check']))
  check('types', run('tsc', ['-b']))
}
if (kinds.length === 0 || kinds.includes('e2e')) provideChromium()
if (kinds.length === 0 || kinds.includes('postgres') || kinds.includes('faults')) providePostgres()
runTests(kinds)
if (failures.length > 0) say(`\nFailed: ${failures.join(', ')}`)
say(`\n${results.passed} passed, ${results.failed} failed${results.skipped > 0 ? `, ${results.skipped} skipped` : ''}`)
process.exitCode = results.failed === 0 ? 0 : 1
