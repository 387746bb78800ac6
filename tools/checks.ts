import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { findChromium } from '#cli/browsers.ts'
import { findPostgres } from '../tests/backend/postgres.ts'
import { missingKeyStore } from '../tests/electron/key-store.ts'

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

/** When more files fail than this, it is not the machine. */
const mostRepeated = 6

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
  const install = (...those: readonly string[]): boolean =>
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...those], env)
  // One that cannot be had must not keep the others away.
  if (!install(...names)) for (const name of names) install(name)
}

/**
 * What kinds of test need that is not in the registry: Chromium for the end-to-end tests, PostgreSQL for the backend's, a key
 * store for the kiosk in Electron. Debian has all of it to install; where it cannot be had, the test run says so.
 */
function provide(wants: (kind: string) => boolean): void {
  const names = [
    ...(wants('e2e') && 'missing' in findChromium(process.env) ? ['chromium', 'fonts-dejavu-core'] : []),
    ...((wants('postgres') || wants('faults')) && 'missing' in findPostgres() ? ['postgresql'] : []),
    ...(wants('electron') && missingKeyStore() !== null ? ['gnome-keyring', 'dbus'] : []),
  ]
  if (names.length > 0) installPackages(...names)
  const found = findChromium(process.env)
  if (wants('e2e') && 'missing' in found)
    say(`${found.missing}: name one with CAPSTAN_CHROMIUM, or the end-to-end tests fail.`)
}

/** What Vitest's JSON report has of a file of tests; backend's are there once for each database. */
interface TestedFile {
  readonly name: string
  readonly status: string
  readonly assertionResults: readonly { readonly status: string }[]
}

/** Runs Vitest; null when it reports nothing. */
function vitest(args: readonly string[]): { readonly passed: boolean; readonly files: readonly TestedFile[] } | null {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-checks-'))
  const report = join(folder, 'report.json')
  try {
    const passed = run('vitest', [
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
      ...args,
    ])
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as { testResults: readonly TestedFile[] }
    return { passed, files: testResults }
  } catch {
    return null
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * Runs the tests and adds their counts. A run that reports nothing is a failure, not a success. A shared CI machine may
 * stall a browser for seconds; there, and only there, a few files that failed are run once more, alone, and it is said
 * which they were.
 */
function runTests(kinds: readonly string[]): void {
  const chosen = kinds.flatMap((kind) => ['--project', kind])
  const first = vitest(chosen)
  if (first === null) return check('the test run reports its results', false)
  let { passed, files } = first
  const failed = new Set(files.filter(({ status }) => status === 'failed').map(({ name }) => name))
  if (process.env['CI'] && failed.size > 0 && failed.size <= mostRepeated) {
    say(`\nRun once more, alone, since they failed:\n${[...failed].join('\n')}`)
    const second = vitest([...failed, ...chosen, '--no-file-parallelism'])
    if (second !== null) {
      passed = second.passed
      files = [...files.filter(({ name }) => !failed.has(name)), ...second.files]
    }
  }
  const tests = files.flatMap(({ assertionResults }) => assertionResults)
  const count = (...statuses: readonly string[]): number =>
    tests.filter(({ status }) => statuses.includes(status)).length
  results.passed += count('passed')
  results.failed += count('failed')
  results.skipped += count('pending', 'skipped', 'todo')
  if (count('passed', 'failed') === 0) check('tests were found', false)
  if (count('failed') > 0) failures.push(`${count('failed')} tests`)
  // A file that does not load, or an error outside a test, fails the run without a failed test.
  else if (!passed) check('the test run as a whole', false)
}

const kinds = process.argv.slice(2)
if (kinds.length === 0) {
  check('lint', run('oxlint', ['--deny-warnings']))
  check('format', run('oxfmt', ['--check']))
  check('types', run('tsc', ['-b']))
}
provide((kind) => kinds.length === 0 || kinds.includes(kind))
runTests(kinds)
if (failures.length > 0) say(`\nFailed: ${failures.join(', ')}`)
say(`\n${results.passed} passed, ${results.failed} failed${results.skipped > 0 ? `, ${results.skipped} skipped` : ''}`)
process.exitCode = results.failed === 0 ? 0 : 1
