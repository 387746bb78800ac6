import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'
import { loadList } from '#station/gate/list-load.ts'
import { openPassList } from '#station/gate/pass-list.ts'
import { createGateClient } from '#station/remote/gate-client.ts'
import { createDatabase, findPostgres, startPostgres } from '../tests/backend/postgres.ts'

/**
 * `npm run bench -- passes [--passes N] [--engines sqlite,postgres]`: a venue's passes from a file into a backend, and from there page by
 * page into a station's list; then what a gate waits for that asks after one pass was used, which it does again and again.
 * The floor is as many bytes in as many answers of a bare server.
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const key = 'key-of-the-venue'
const headers = { 'x-api-key': key, 'content-type': 'application/json' }
const log = { debug() {}, info() {}, warn() {}, error: console.error, child: () => log }
const valueOf = (index: number): string => `P${String(index).padStart(9, '0')}-${(index * 7_919) % 1_000_003}`

export async function benchPasses(
  { passes, engines = 'sqlite,postgres' }: { readonly passes: number; readonly engines?: string | undefined },
  say: (line: string) => void,
): Promise<void> {
  for (const engine of engines.split(',')) {
    const postgres = engine === 'postgres' ? findPostgres() : undefined
    if (postgres && 'missing' in postgres) say(`passes on ${engine}: skipped, ${postgres.missing}`)
    else await benchOn(engine, postgres?.folder, passes, say)
  }
}

async function benchOn(
  engine: string,
  binaries: string | undefined,
  passes: number,
  say: (line: string) => void,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'capstan-bench-passes-'))
  const server = binaries === undefined ? null : await startPostgres(binaries, true)
  let site: Awaited<ReturnType<typeof startSite>> | null = null
  try {
    const rows = Array.from({ length: passes }, (_, index) => `id${index},${valueOf(index)},day,once`)
    writeFileSync(join(folder, 'passes.csv'), ['passId,value,passType,entries', ...rows].join('\n'))
    const startedMs = performance.now()
    site = await startSite(folder, server && (await createDatabase(server.url)))
    const { url } = site
    const imported = async (): Promise<number> => {
      const page = await fetch(`${url}/api/acme/passes?pageSize=1`, { headers })
      return Number(page.headers.get('x-pagination-total'))
    }
    while ((await imported()) < passes) await delay(1_000)
    const importMs = performance.now() - startedMs

    const asks: { readonly ms: number; readonly bytes: number }[] = []
    const client = createGateClient({
      fetch: async (address, init) => {
        const fromMs = performance.now()
        const answer = await fetch(address, init)
        const body = await answer.arrayBuffer()
        if (new URL(address).pathname === '/gate/v1/list')
          asks.push({ ms: performance.now() - fromMs, bytes: body.byteLength })
        return new Response(answer.status === 204 ? null : body, answer)
      },
      url,
      credential: () => Promise.resolve(key),
      now: () => new Date(),
    })
    const listKey = await client.listKey()
    if (!listKey.ok) throw new Error(listKey.failure.message)
    const list = openPassList({ path: join(folder, 'passes.sqlite'), key: listKey.value, log })
    const load = async (): Promise<number> => {
      const fromMs = performance.now()
      const loaded = await loadList({
        client,
        list,
        log,
        signal: new AbortController().signal,
        key: () => Promise.resolve(listKey.value),
        onProgress: () => undefined,
      })
      if (loaded.outcome !== 'current') throw new Error(JSON.stringify(loaded))
      return performance.now() - fromMs
    }
    const loadMs = await load()
    if (list.state?.values !== passes) throw new Error(`${list.state?.values} of ${passes} values are listed`)
    const pages = asks.splice(0)
    for (let use = 0; use < 50; use += 1) {
      const scan = { data: valueOf(use * 7), type: 'qrcode', scanned_at: new Date().toISOString() }
      const told = { ...scan, client_scan_id: crypto.randomUUID(), device_id: 'bench', gate: 'north' }
      const verdict = await fetch(`${url}/gate/v1/verdicts`, { method: 'POST', headers, body: JSON.stringify(told) })
      if (!verdict.ok) throw new Error(`a verdict failed with ${verdict.status}`)
      await load()
    }
    list.close()
    const at = (of: readonly { readonly ms: number }[], share: number): string =>
      `${(of.map(({ ms }) => ms).toSorted((a, b) => a - b)[Math.floor((of.length - 1) * share)] ?? 0).toFixed(0)} ms`
    const floor = await bareAnswers(pages.map(({ bytes }) => bytes))
    say(
      `passes on ${engine}: ${passes} imported in ${(importMs / 1_000).toFixed(0)} s, loaded by a station in ${(loadMs / 1_000).toFixed(1)} s (goal 60 s for a million), a page p50 ${at(pages, 0.5)}, longest ${at(pages, 1)}, floor a bare answer of its size p50 ${at(floor, 0.5)}`,
    )
    say(`passes on ${engine}: the change of one pass is asked for in p50 ${at(asks, 0.5)}, longest ${at(asks, 1)}`)
  } finally {
    await site?.stop()
    await server?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function startSite(folder: string, database: string | null): Promise<{ url: string; stop(): Promise<unknown> }> {
  const program = join(root, 'src', 'cli', 'capstan.ts')
  const own = [`--data=${join(folder, 'site')}`, '--port=0', `--api-key=${key}`]
  const tenant = ['--tenant=acme', `--tenant-key=${key}`, `--passes=${join(folder, 'passes.csv')}`]
  const where = database === null ? [] : ['--database-url', database]
  const child = spawn(process.execPath, [program, 'backend', ...own, ...tenant, ...where], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, CAPSTAN_LOG: 'error' },
  })
  const ended = once(child, 'exit')
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  return {
    url: (JSON.parse(line) as { listening: string }).listening,
    stop() {
      child.kill()
      return ended
    },
  }
}

/** As many bytes in as many answers, from a server that does nothing else. */
async function bareAnswers(sizes: readonly number[]): Promise<{ ms: number }[]> {
  const server = createServer((request, response) => void response.end(Buffer.alloc(Number(request.url?.slice(1)))))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const times: { ms: number }[] = []
  for (const size of sizes) {
    const fromMs = performance.now()
    await (await fetch(`http://127.0.0.1:${port}/${size}`)).arrayBuffer()
    times.push({ ms: performance.now() - fromMs })
  }
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  return times
}
