import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { drillProgressSchema, drillReportSchema, type DrillReport, type Rehearsal } from '#contract/station/drill.ts'

const capstan = fileURLToPath(new URL('../capstan.ts', import.meta.url))

/**
 * Runs `capstan drill` as a process of its own, so that a station in this one goes on undisturbed. Rejects with its last
 * words when it ends without a sheet. `further` are options of the command. A signal ends it with everything that it has started.
 */
export async function drillInProcess(
  folder: string,
  tell: (rehearsed: Rehearsal, total: number) => void,
  signal: AbortSignal,
  further: readonly string[] = [],
): Promise<DrillReport> {
  const child = spawn(process.execPath, [capstan, 'drill', '--json', '--progress', '--folder', folder, ...further], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const closed = once(child, 'close')
  const stop = (): boolean => child.kill('SIGTERM')
  signal.addEventListener('abort', stop)
  let words = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-500)
  })
  let report: DrillReport | null = null
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const said: unknown = JSON.parse(line)
      const progress = drillProgressSchema.safeParse(said)
      if (progress.success) tell(progress.data.rehearsed, progress.data.total)
      else report = drillReportSchema.parse(said)
    }
    await closed
  } finally {
    signal.removeEventListener('abort', stop)
    stop()
  }
  if (report === null) throw new Error(words.trim() || 'the drill ended without a word')
  return report
}
