import { fail, ok, type Result } from '#contract/result.ts'
import { settingHelp } from '#contract/station/setting-help.ts'
import { settingLayerSchema, type SettingLayer, type SettingRow } from '#contract/station/setting-rows.ts'
import { settingsSchema, type Settings } from '#contract/station/settings.ts'

/** What a layer sets, by the paths of the settings: `{"sound.volume": 0.5}`. */
export type LayerValues = Readonly<Record<string, unknown>>

/** Objects that are one setting: their parts mean nothing without each other. */
const wholes: ReadonlySet<string> = new Set(['gate.door', 'gate.rules', 'review.keys'])
/** What is of one machine and what is plugged into it, or changes with the work. */
const ofStationsOnly: ReadonlySet<string> = new Set([
  'stationName',
  'wedgeCalibration',
  'scanners.serialPorts',
  'scanners.byId',
  'camera.id',
  'cameras',
  'folders',
  'shoot.list',
])

const defaults = settingsSchema.parse({})
const builtIn: LayerValues = flatten(defaults)

/** The paths of all settings. */
export const settingPaths: readonly string[] = Object.keys(builtIn)

/** Whether a site may set it for its stations. */
export const isFleetSetting = (path: string): boolean => Object.hasOwn(builtIn, path) && !ofStationsOnly.has(path)

/** Settings by their paths. */
export function valuesOf(settings: Settings): LayerValues {
  return flatten(settings)
}

/** What a layer of a site or a group must be: settings that it may set, with values that they can have. */
export function checkLayer(values: LayerValues): Result<LayerValues> {
  return checkValues(values, (path, value) =>
    isFleetSetting(path) ? valueFault(path, value) : 'is of each station alone',
  )
}

/** What a change of a station's own layer must be: the same of any setting; null takes one out of the layer. */
export function checkChange(values: LayerValues): Result<LayerValues> {
  return checkValues(values, (path, value) => (value === null ? null : valueFault(path, value)))
}

function checkValues(
  values: LayerValues,
  faultOf: (path: string, value: unknown) => string | null,
): Result<LayerValues> {
  const faults = Object.entries(values).flatMap(([field, value]) => {
    const message = Object.hasOwn(builtIn, field) ? faultOf(field, value) : 'is no setting'
    return message === null ? [] : [{ field, message }]
  })
  if (faults.length === 0) return ok(values)
  return fail('invalid_input', faults.map(({ field, message }) => `${field}: ${message}`).join('; '), faults)
}

/** `path=value` as people write settings: a value is JSON, and what is no JSON is a text. */
export function readAssignments(lines: readonly string[]): Result<Record<string, unknown>> {
  const values: Record<string, unknown> = {}
  for (const line of lines) {
    const [, path, value] = /^\s*([\w.]+)\s*=\s*(.*)$/s.exec(line) ?? []
    if (path === undefined || value === undefined) {
      return fail('invalid_input', `use setting=value, such as sound.volume=0.5, not "${line}"`)
    }
    values[path] = readValue(value)
  }
  return ok(values)
}

function readValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Why a setting cannot have a value; null when it can. */
export function valueFault(path: string, value: unknown): string | null {
  const parsed = settingsSchema.safeParse(nest({ [path]: value }))
  return parsed.success ? null : parsed.error.issues.map(({ message }) => message).join(', ')
}

/** Whole fields; what is not given stays. */
export type SettingsChange = { readonly [Name in keyof Settings]?: Settings[Name] | undefined }

/** What applies when some layers are there, and which of them each setting comes from. */
export interface Applied {
  readonly settings: Settings
  readonly sources: Readonly<Record<string, SettingLayer>>
}

/** Lays layers over each other. A setting that is none, or a value that it cannot have, is left out. */
export function applyLayers(layers: Readonly<Partial<Record<SettingLayer, LayerValues>>>): Applied {
  const values: Record<string, unknown> = { ...builtIn }
  const sources: Record<string, SettingLayer> = Object.fromEntries(settingPaths.map((path) => [path, 'built_in']))
  for (const layer of settingLayerSchema.options) {
    for (const [path, value] of Object.entries(layers[layer] ?? {})) {
      if (!Object.hasOwn(builtIn, path) || valueFault(path, value) !== null) continue
      values[path] = value
      sources[path] = layer
    }
  }
  return { settings: settingsSchema.parse(nest(values)), sources }
}

/** Each setting, what it is when some layers are there, and where that comes from. */
export function explainLayers(layers: Readonly<Partial<Record<SettingLayer, LayerValues>>>): SettingRow[] {
  const { settings, sources } = applyLayers(layers)
  const values = flatten(settings)
  const all = { ...layers, built_in: builtIn }
  return settingPaths.map((path) => ({
    path,
    value: values[path],
    source: sources[path] ?? 'built_in',
    layers: Object.fromEntries(
      settingLayerSchema.options.flatMap((layer) => {
        const said = all[layer] ?? {}
        return Object.hasOwn(said, path) ? [[layer, said[path]]] : []
      }),
    ),
    isFleet: isFleetSetting(path),
    help: settingHelp[path] ?? '',
  }))
}

/**
 * The station's own layer after its settings were changed: what is another value than before is set there, or nowhere any
 * more when it is what the layers below say anyway.
 */
export function changeOwn(
  layers: Readonly<Partial<Record<SettingLayer, LayerValues>>>,
  change: SettingsChange,
): LayerValues {
  const { station = {}, ...others } = layers
  const { settings } = applyLayers(layers)
  const before = flatten(settings)
  const below = flatten(applyLayers(others).settings)
  const own: Record<string, unknown> = { ...station }
  const given = Object.entries(change).filter(([, value]) => value !== undefined)
  for (const [path, value] of Object.entries(flatten({ ...settings, ...Object.fromEntries(given) }))) {
    if (isSame(value, before[path])) continue
    if (isSame(value, below[path])) delete own[path]
    else own[path] = value
  }
  return own
}

/** What two settings by their paths do not have in common. */
export function differences(before: LayerValues, after: LayerValues): readonly string[] {
  const paths = new Set([...Object.keys(before), ...Object.keys(after)])
  return [...paths].filter((path) => !isSame(before[path], after[path]))
}

/** The own layer of a station that kept all its settings together: what is not as built in was chosen there. */
export function ownOf(settings: Settings): LayerValues {
  return Object.fromEntries(Object.entries(flatten(settings)).filter(([path, value]) => !isSame(value, builtIn[path])))
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}

/** As the built-in settings are nested: what is empty there, or a list, is a value. */
function flatten(settings: Settings): Record<string, unknown> {
  const flat: Record<string, unknown> = {}
  const walk = (value: unknown, template: unknown, path: string): void => {
    if (!isBranch(template) || wholes.has(path)) {
      flat[path] = value
      return
    }
    for (const name of Object.keys(template)) {
      const part = isBranch(value) ? value[name] : undefined
      walk(part, template[name], path === '' ? name : `${path}.${name}`)
    }
  }
  walk(settings, defaults, '')
  return flat
}

function isBranch(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0
}

function nest(values: LayerValues): Record<string, unknown> {
  const root: Record<string, unknown> = {}
  for (const [path, value] of Object.entries(values)) {
    const names = path.split('.')
    const last = names.pop() ?? ''
    let at = root
    for (const name of names) at = (at[name] ??= {}) as Record<string, unknown>
    at[last] = value
  }
  return root
}
