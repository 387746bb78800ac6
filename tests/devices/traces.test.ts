import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createStation, forkImaging } from '#station/index.ts'
import type { TraceEvent } from '#station/device/trace.ts'
import { runCapstan } from '../unit/cli/run-capstan.ts'
import { createKeptLog } from '../unit/station/parts.ts'
import { openBus, whyNoBus, type Bus } from './bus/bus.ts'
import { cdcAcm, hidKeyboard, hidPosA, hidPosB, simpleCom, undocumented, type Model } from './bus/models.ts'
import { toSettings } from './scanners.ts'

const reason = whyNoBus()
if (reason) console.log(`skipped: recording traces anew: ${reason}`)

const capstan = fileURLToPath(new URL('../../src/cli/capstan.ts', import.meta.url))
const traces = fileURLToPath(new URL('traces/', import.meta.url))

const plain = ['4006381333931', '0104012345678901\u001d21AB-7', 'third']
const long = `${'x'.repeat(56)}${'y'.repeat(56)}z`

/** Every emulated model and what it reads in its trace; `vitest -u` records the traces anew. */
const models: readonly (readonly [name: string, model: Model, codes: readonly (string | Buffer)[]])[] = [
  ['hid-pos-a', hidPosA(), [...plain, long, Buffer.from([0x47, 0x72, 0xfc, 0xdf, 0x65])]],
  ['hid-pos-b', hidPosB(), [...plain, long]],
  ['hid-keyboard', hidKeyboard(), [...plain, 'Ab-7/x']],
  ['cdc-acm', cdcAcm(), [...plain, 'Gr\u00fc\u00dfe']],
  ['simple-com', simpleCom(), [...plain, 's'.repeat(100)]],
  ['undocumented', undocumented(), []],
]

const temporary = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-trace-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

describe.skipIf(reason !== null)('a trace of each emulated scanner', () => {
  let bus: Bus
  beforeAll(async () => {
    bus = await openBus()
  })
  afterAll(() => bus.close())
  beforeEach(() => bus.pullAll())

  it.each(models)('is what "capstan record" writes today: %s', async (name, model, codes) => {
    const folder = temporary()
    await prepare(folder)
    const file = join(folder, 'trace.ndjson')
    const device = await bus.plug(model)
    const recorder = bus.start(capstan, ['record', '--data', folder, '--out', file])
    const exited = once(recorder, 'exit')
    const lines = () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [])
    const recorded = (text: string, count: number) =>
      vi.waitFor(() => expect(lines().filter((line) => line.includes(text))).toHaveLength(count), 20_000)
    await recorded(codes.length > 0 ? '"state":"ready"' : '"state":"failed"', 1)
    for (const [at, code] of codes.entries()) {
      await device.scan(code)
      await recorded('"event":"scan"', at + 1)
    }
    recorder.kill('SIGTERM')
    expect((await exited)[0]).toBe(0)
    await expect(withEvenTimes(lines())).toMatchFileSnapshot(join(traces, `${name}.ndjson`))
  })
})

describe('the trace of each emulated scanner', () => {
  it.each(models)('plays into a station as what was read: %s', async (name) => {
    const path = join(traces, `${name}.ndjson`)
    const folder = temporary()
    const { code, lines } = await runCapstan(['replay', path, '--data', folder, '--speed', '0'])
    expect(code).toBe(0)
    const scans = readFileSync(path, 'utf8')
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => JSON.parse(line) as TraceEvent)
      .filter((event) => event.event === 'scan')
    expect(lines.map((line) => line['saved'])).toEqual(scans.map(() => expect.any(String)))
    const database = new DatabaseSync(join(folder, 'station.sqlite'), { readOnly: true })
    const rows = database
      .prepare('SELECT raw, device_name AS deviceName, symbology_identifier AS aim FROM captures ORDER BY sequence')
      .all()
      .map((row) => ({ ...row }))
    database.close()
    expect(rows).toEqual(scans.map(({ data, deviceName, aim }) => ({ raw: data, deviceName, aim })))
  })
})

/** Keyboard scanners are claimed, and nothing is taken for a stale report. */
async function prepare(dataDir: string): Promise<void> {
  const opened = await createStation({
    dataDir,
    host: 'cli',
    version: '0.0.0',
    log: createKeptLog(),
    fetch,
    backend: null,
    spawnImaging: forkImaging(),
  })
  if (!opened.ok) throw new Error(opened.error.message)
  const changed = await opened.value.call('settings.change', {
    scanners: toSettings({ staleMs: 0, claimKeyboards: true }),
  })
  await opened.value.close()
  expect(changed).toMatchObject({ ok: true })
}

/** Times differ from run to run: in the stored trace its events are a tenth of a second apart. */
function withEvenTimes(lines: readonly string[]): string {
  const even = lines.map((line, index) =>
    index === 0 ? line : JSON.stringify({ ...(JSON.parse(line) as object), atMs: index * 100 }),
  )
  return `${even.join('\n')}\n`
}
