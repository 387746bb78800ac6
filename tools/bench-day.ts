import sharp from 'sharp'
import { type Kiosk, missing, openKiosk } from '../tests/electron/open-kiosk.ts'

const hours = 24
const bound = 0.1

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length

/** Megabytes by process, garbage that has not been collected yet included. */
async function memoryOf(kiosk: Kiosk): Promise<Record<string, number>> {
  return await kiosk.app.evaluate(({ app }) =>
    Object.fromEntries(
      app
        .getAppMetrics()
        .filter(({ type, name }) => type === 'Browser' || type === 'Tab' || name === 'backend')
        .map(({ type, name, memory }) => [name ?? type, memory.workingSetSize / 1_000]),
    ),
  )
}

/** What is alive in the window once everything that can be is collected: what grows here is kept by somebody. */
async function aliveIn({ page }: Kiosk): Promise<string> {
  const session = await page.context().newCDPSession(page)
  try {
    await session.send('Performance.enable')
    await session.send('HeapProfiler.collectGarbage')
    const { metrics } = await session.send('Performance.getMetrics')
    const of = (name: string): number => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN
    const megabytes = (of('JSHeapUsedSize') / 1_000_000).toFixed(1)
    return `${megabytes} MB, ${of('Nodes')} nodes, ${of('JSEventListeners')} listeners`
  } finally {
    await session.detach()
  }
}

/**
 * `npm run bench -- day [--captures N]`: the work of 24 hours at a real kiosk as fast as it goes: each hour a session with an equal
 * share of the scans (4,800 unless said), a few photos, and a walk through the screens. Prints the memory of the
 * processes by the hour; what the last six hours need beside hours 4 to 9 has to be the same within a tenth.
 */
export async function benchDay(say: (line: string) => void, captures = 4_800): Promise<void> {
  if (missing !== null) return say(`day: skipped, ${missing}`)
  const kiosk = await openKiosk()
  const samples: Record<string, number>[] = []
  const alive: string[] = []
  try {
    await kiosk.page.getByRole('heading', { level: 1 }).first().waitFor()
    for (let hour = 0; hour < hours; hour += 1) {
      const answer = (await kiosk.call('session.open', { label: `hour ${hour}` })) as { value?: { id: string } }
      for (let index = 0; index < captures / hours; index += 1)
        await kiosk.call('scan.submit', { data: `H${hour}-${index}`, source: 'manual' })
      for (let index = 0; index < 3; index += 1) {
        const background = { r: hour * 10, g: index * 80, b: 60 }
        const photo = await sharp({ create: { width: 1_600, height: 1_200, channels: 3, background } })
          .jpeg()
          .toBuffer()
        await kiosk.page.evaluate(async (base64) => {
          const body = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0))
          await fetch('/media/photos', { method: 'PUT', body })
        }, photo.toString('base64'))
      }
      for (const screen of [2, 3, 4, 5, 9, 1]) await kiosk.page.keyboard.press(`Alt+${screen}`)
      await kiosk.call('session.end', { id: answer.value?.id ?? '' })
      samples.push(await memoryOf(kiosk))
      if (hour % 8 === 7) alive.push(`after hour ${hour + 1}: ${await aliveIn(kiosk)}`)
    }
  } finally {
    await kiosk.close()
  }
  const all = samples.map((sample) => Object.values(sample).reduce((sum, value) => sum + value, 0))
  say(
    `day: ${captures} scans and ${hours * 3} photos in ${hours} sessions; MB by the hour: ${all.map((mb) => mb.toFixed(0)).join(' ')}`,
  )
  for (const name of Object.keys(samples.at(-1) ?? {})) {
    const of = (from: number, to: number): number => mean(samples.slice(from, to).map((sample) => sample[name] ?? 0))
    say(`  ${name}: ${of(3, 9).toFixed(0)} MB in hours 4 to 9, ${of(18, 24).toFixed(0)} MB in hours 19 to 24`)
  }
  say(`  alive in the window ${alive.join('; ')}`)
  const growth = mean(all.slice(18)) / mean(all.slice(3, 9)) - 1
  const isReached = Math.abs(growth) <= bound
  if (!isReached) process.exitCode = 1
  say(`  altogether ${(growth * 100).toFixed(1)} %; within 10 %: ${isReached ? 'reached' : 'NOT reached'}`)
}
