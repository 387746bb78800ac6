import { createReadStream } from 'node:fs'
import { defaultMarksWindowMs, longestMarksWindowMs } from '#contract/station/session.ts'
import { createReplayDriver } from '#station/index.ts'
import { parseArguments, refuse, stopSignal, type Help } from './command.ts'
import { createOutput, openSession, openStation } from './station.ts'

export const help = {
  name: 'replay',
  usage: 'FILE --data DIR [--speed N]',
  options: {
    data: { type: 'string', value: 'DIR', about: 'the data folder; it is made where there is none' },
    speed: {
      type: 'string',
      default: '1',
      value: 'N',
      about: '2 is twice as fast as recorded, 0 without any wait; 1 unless said',
    },
  },
  example: 'capstan replay scanners.trace --data ~/capstan-replay --speed 10',
} as const satisfies Help

/**
 * `capstan replay FILE`: plays a recorded trace into a station as if its scanners were here, and prints the same lines
 * as `capstan station --stdin`. `--speed 2` plays twice as fast, `--speed 0` without any wait.
 */
export async function replay(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, help)
  if (!parsed.ok) return refuse(parsed.error)
  const { values, positionals: files } = parsed.value
  const [path] = files
  if (path === undefined || files.length > 1 || values.data === undefined) {
    return refuse({ code: 'invalid_input', message: `usage: capstan replay ${help.usage}` })
  }
  const speed = Number(values.speed)
  if (!Number.isFinite(speed) || speed < 0) {
    return refuse({ code: 'invalid_input', message: `--speed takes a number from 0 on, not "${values.speed}"` })
  }

  const stopped = stopSignal()
  const opened = await openStation(values.data, null)
  if (!opened.ok) return refuse(opened.error)
  const station = opened.value
  await openSession(station, { label: 'replay', marksWindowMs: marksWindowAt(speed) })
  const output = createOutput()
  let line = 0
  const driver = createReplayDriver(
    createReadStream(path),
    speed === 0 ? Number.POSITIVE_INFINITY : speed,
    (_event, result) => output.answer(++line, result),
  )
  station.drive(driver)
  const played = await Promise.race([driver.ended, stopped])
  await station.close()
  await output.flushed()
  if (typeof played === 'object' && !played.ok) return refuse(played.error)
  return 0
}

/** A trigger's time as it is at that speed; without any wait, nothing tells the triggers apart, and each code stays alone. */
function marksWindowAt(speed: number): number {
  return speed === 0 ? 0 : Math.min(longestMarksWindowMs, Math.round(defaultMarksWindowMs / speed))
}
