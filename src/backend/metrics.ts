import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { Jobs } from './jobs/jobs.ts'

/** What a server tells Prometheus: how its requests go, how much is left to do, how its process fares. */
export interface Metrics {
  /** A request of a route, named by its path with the parameters' names. */
  readonly request: (method: string, path: string, status: number, ms: number) => void
  /** Captures that have reached an end. */
  readonly ended: (status: string, count: number) => void
  readonly contentType: string
  readonly text: () => Promise<string>
}

/** Of the process, whatever runs in it: these watch the garbage collector and are made once. */
let ofProcess: Registry | undefined

function processRegistry(): Registry {
  if (ofProcess === undefined) {
    ofProcess = new Registry()
    collectDefaultMetrics({ register: ofProcess })
  }
  return ofProcess
}

/** Makes the metrics of one backend. */
export function createMetrics(jobs: Pick<Jobs, 'count'>): Metrics {
  const own = new Registry()
  const requests = new Histogram({
    name: 'capstan_http_request_seconds',
    help: 'Requests by route and status, and how long they took',
    labelNames: ['method', 'path', 'status'],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10],
    registers: [own],
  })
  const ended = new Counter({
    name: 'capstan_captures_ended_total',
    help: 'Captures that have reached an end, by its kind',
    labelNames: ['status'],
    registers: [own],
  })
  new Gauge({
    name: 'capstan_jobs_open',
    help: 'Jobs that are not done, by queue, of all processes',
    labelNames: ['queue'],
    registers: [own],
    async collect() {
      for (const [queue, count] of Object.entries(await jobs.count())) this.set({ queue }, count)
    },
  })
  return {
    request: (method, path, status, ms) => requests.observe({ method, path, status }, ms / 1_000),
    ended: (status, count) => ended.inc({ status }, count),
    contentType: own.contentType,
    text: () => Registry.merge([processRegistry(), own]).metrics(),
  }
}
