import { ok } from '#contract/result.ts'
import { readAssignments } from '#domain/setting-layers.ts'
import { openStationSettings } from '#station/index.ts'
import { parseArguments, printLine, refuse, type Help } from './command.ts'
import { namedDataKey } from './data-key.ts'

export const help = {
  name: 'settings',
  usage: '[explain|get PATH|set PATH=VALUE ...|unset PATH ...] --data DIR',
  options: { data: { type: 'string', value: 'DIR', about: 'the data folder of a station' } },
  example: 'capstan settings set sound.volume=0.5 stationName="Dock 3" --data ~/capstan',
} as const satisfies Help

/**
 * `capstan settings`: what holds at a station and which layer it comes from. One JSON line for each setting; `set` and `unset`
 * change the station's own layer and need the station to be stopped, reading does not.
 *
 * Exit code 0, or 2 with a reason on standard error.
 */
export async function settings(args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, help)
  if (!parsed.ok) return refuse(parsed.error)
  const { values, positionals } = parsed.value
  const [verb = 'explain', ...rest] = positionals
  if (values.data === undefined) return refuse({ code: 'invalid_input', message: 'name the data folder: --data DIR' })
  const isChange = verb === 'set' || verb === 'unset'
  const isRight = isChange
    ? rest.length > 0
    : verb === 'get'
      ? rest.length === 1
      : verb === 'explain' && rest.length === 0
  if (!isRight) {
    return refuse({ code: 'invalid_input', message: 'use explain, get PATH, set PATH=VALUE ... or unset PATH ...' })
  }
  const change =
    verb === 'set' ? readAssignments(rest) : ok(Object.fromEntries(rest.map((path): [string, unknown] => [path, null])))
  if (!change.ok) return refuse(change.error)

  const key = namedDataKey()
  if (!key.ok) return refuse(key.error)
  const opened = openStationSettings(values.data, isChange, key.value)
  if (!opened.ok) return refuse(opened.error)
  const { settings: own, close } = opened.value
  try {
    if (isChange) {
      const changed = own.set(change.value)
      if (!changed.ok) return refuse(changed.error)
    }
    const rows = own.explain().filter(({ path }) => verb === 'explain' || Object.hasOwn(change.value, path))
    if (rows.length === 0) return refuse({ code: 'not_found', message: `${rest[0] ?? ''} is no setting` })
    for (const row of rows) await printLine(row)
    return 0
  } finally {
    close()
  }
}
