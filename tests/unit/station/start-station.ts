import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { createBackend, type Backend, type BackendOptions } from '#backend/index.ts'
import type { ScanOutcome } from '#contract/station/capture.ts'
import type { ProcedureInput, ProcedureName, ProcedureOutput } from '#contract/station/procedures.ts'
import type { Result } from '#contract/result.ts'
import { createStation, forkImaging, type Station, type StationPorts } from '#station/index.ts'
import { createKeptLog, temporaryFolder, valueOf, type KeptLog } from './parts.ts'

/** A reference backend whose catalogue knows one pen. */
export async function startBackend(options: Partial<BackendOptions> = {}): Promise<Backend> {
  const dataDir = temporaryFolder()
  const productsCsv = join(dataDir, 'products.csv')
  writeFileSync(productsCsv, 'gtin,product_name,brand,net_content\n4006381333931,Marker Boss,Stabilo,1 pc\n')
  const backend = await createBackend({ dataDir, port: 0, productsCsv, ...options })
  onTestFinished(() => backend.close())
  return backend
}

export type AnyCall = <N extends ProcedureName>(name: N, input: ProcedureInput<N>) => Promise<ProcedureOutput<N>>

export interface StartedStation {
  readonly station: Station
  readonly log: KeptLog
  /** Calls a procedure; the test fails when it is refused. */
  readonly call: AnyCall
  /** Submits a code that is an item's. */
  scan(data: string): Promise<ScanOutcome>
  /** Calls a procedure and answers the Result, whatever it is. */
  ask<N extends ProcedureName>(name: N, input: unknown): Promise<Result<ProcedureOutput<N>>>
}

/** A station in a folder of its own, closed when the test ends. */
export async function startStation(
  backend: { url: string; apiKey: string } | null,
  ports: Partial<StationPorts> = {},
): Promise<StartedStation> {
  const log = createKeptLog()
  const station = valueOf(
    await createStation({
      dataDir: temporaryFolder(),
      host: 'cli',
      version: '0.0.0',
      log,
      fetch,
      backend: backend && { url: backend.url, credential: () => Promise.resolve(backend.apiKey) },
      spawnImaging: forkImaging(),
      ...ports,
    }),
  )
  onTestFinished(() => station.close())
  const ask = async <N extends ProcedureName>(name: N, input: unknown): Promise<Result<ProcedureOutput<N>>> =>
    (await station.call(name, input)) as Result<ProcedureOutput<N>>
  return {
    station,
    log,
    ask,
    call: async (name, input) => valueOf(await ask(name, input)),
    async scan(data) {
      const answer = valueOf(await ask('scan.submit', { data }))
      if (answer.outcome === 'control' || answer.outcome === 'checked') throw new Error('no capture')
      return answer
    },
  }
}
