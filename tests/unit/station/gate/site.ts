import { gateRulesSchema, type GateRules } from '#contract/gate/rules.ts'
import { listHeaders, verdictRequestSchema } from '#contract/gate/site.ts'
import { unused, type GatePass } from '#contract/gate/pass.ts'
import { judge } from '#domain/gate/judge.ts'
import type { z } from 'zod'
import { startServer, type Said, type ScriptedServer } from '../scripted-server.ts'
import { createVenue, type Change } from './venue.ts'

/** A site over real HTTP that judges by the passes it has, each as unused, and can be told to fail. */
export interface TestSite extends ScriptedServer {
  readonly told: z.output<typeof verdictRequestSchema>[]
  readonly undone: string[]
  /** What it says instead, to every request, or to those of one path. */
  fault: ((path: string) => Said | null) | null
  rules: GateRules
}

export async function startSite(passes: ReadonlyMap<string, GatePass>, port = 0): Promise<TestSite> {
  const venue = createVenue()
  const told: TestSite['told'] = []
  const undone: string[] = []
  const changes: Change[] = [...passes].map(([value, pass]) => ({ value, pass }))
  const site: { fault: TestSite['fault']; rules: GateRules } = {
    fault: null,
    rules: gateRulesSchema.parse({ gate: 'north', version: 'site-1' }),
  }
  const server = await startServer((request, response) => {
    const fault = site.fault?.(request.path)
    if (fault) return fault
    const url = new URL(request.path, 'http://site')
    if (url.pathname === '/gate/v1/rules') return { status: 200, body: site.rules }
    if (url.pathname === '/gate/v1/list/key') return { status: 200, body: venue.key }
    if (url.pathname === '/gate/v1/list') {
      const after = Number(url.searchParams.get('after'))
      if (after >= changes.length) return { status: 204 }
      // One at a time, so that a load can be interrupted.
      const page = venue.page(after, changes.slice(after, after + 1), { left: changes.length - after - 1 })
      response.writeHead(200, { [listHeaders.head]: page.head, [listHeaders.signature]: page.signature })
      response.end(page.body)
      return 'silence'
    }
    const undo = /^\/gate\/v1\/verdicts\/(.+)\/undo$/.exec(url.pathname)?.[1]
    if (undo) {
      undone.push(undo)
      return { status: 200, body: {} }
    }
    // The other half of a backend: it has none.
    if (url.pathname !== '/gate/v1/verdicts') return { status: 404 }
    const asked = verdictRequestSchema.parse(request.json)
    told.push(asked)
    const judgement = judge({
      rules: site.rules,
      pass: passes.get(asked.data) ?? null,
      use: unused,
      inside: 3,
      now: new Date(asked.scanned_at),
      clock: { leastMs: 0, mostMs: 0 },
      mode: 'online',
      dataAgeMs: null,
    })
    const agrees = asked.offline && asked.offline.code === judgement.code
    return { status: 200, body: { judgement, inside: 3, agrees, doubles: null, change: 1_000_000 } }
  }, port)
  return Object.assign(site, { url: server.url, requests: server.requests, close: server.close, told, undone })
}
