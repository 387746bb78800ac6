import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fromDrillSchema, type FromDrill, type ToDrill } from '#contract/station/drill-process.ts'
import type { DrillReport } from '#contract/station/drill.ts'
import type { RunDrill } from '#station/index.ts'
import type { UtilityChild } from './utility.ts'

/**
 * Runs drills as utility processes of this program: the drill, its server and the stations that it kills, each of which is
 * started here and ends with the drill. It is rehearsed in a folder in `folder`, which is removed unless it ends in no go.
 */
export function createDrillRunner(ports: {
  readonly folder: string
  readonly version: string
  readonly spawn: (name: 'drill' | 'drill-station' | 'backend') => UtilityChild
}): RunDrill {
  return async (tell, signal) => {
    mkdirSync(ports.folder, { recursive: true })
    const folder = mkdtempSync(join(ports.folder, 'capstan-drill-'))
    const children = new Map<number, UtilityChild>()
    const ending: Promise<void>[] = []
    const begin = (child: UtilityChild): UtilityChild => {
      ending.push(new Promise((resolve) => child.onExit(() => resolve())))
      return child
    }
    const drill = begin(ports.spawn('drill'))
    const say = (message: ToDrill): void => drill.send(message)
    const relay = (said: Extract<FromDrill, { id: number }>): void => {
      const { id } = said
      if (said.kind === 'send') return children.get(id)?.send(said.message)
      if (said.kind === 'kill') return children.get(id)?.kill('at once')
      const child = begin(ports.spawn(said.process))
      children.set(id, child)
      child.onStart((pid) => say({ kind: 'started', id, pid }))
      child.onMessage((message) => say({ kind: 'message', id, message }))
      child.onExit((reason) => {
        children.delete(id)
        say({ kind: 'exit', id, reason })
      })
    }

    let report: DrillReport | null = null
    try {
      report = await new Promise<DrillReport>((resolve, reject) => {
        const stop = (): void => reject(new Error('the drill was stopped'))
        if (signal.aborted) stop()
        signal.addEventListener('abort', stop, { once: true })
        drill.onExit((reason) => reject(new Error(`the drill ended with ${reason}`)))
        drill.onMessage((message) => {
          const said = fromDrillSchema.parse(message)
          if (said.kind === 'rehearsed') tell(said.rehearsed, said.total)
          else if (said.kind === 'report') resolve(said.report)
          else if (said.kind === 'failed') reject(new Error(said.message))
          else relay(said)
        })
        say({ kind: 'begin', folder, version: ports.version })
      })
      return report
    } finally {
      for (const child of [drill, ...children.values()]) child.kill('at once')
      await Promise.all(ending)
      if (report?.verdict !== 'no-go') rmSync(folder, { recursive: true, force: true })
    }
  }
}
