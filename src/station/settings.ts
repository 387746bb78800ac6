import type { CheckInAnswer } from '#contract/backend/fleet.ts'
import { layerSchema, layerSettingsSchema } from '#contract/backend/fleet.ts'
import type { Log } from '#contract/ports.ts'
import { ok, type Result } from '#contract/result.ts'
import type { SettingRow } from '#contract/station/setting-rows.ts'
import { settingsSchema, type Settings } from '#contract/station/settings.ts'
import {
  applyLayers,
  changeOwn,
  checkChange,
  checkLayer,
  differences,
  explainLayers,
  ownOf,
  settingPaths,
  valueFault,
  valuesOf,
  type LayerValues,
  type SettingsChange,
} from '#domain/setting-layers.ts'
import type { Store } from '#station/store/store.ts'

/** The station's settings: its own, over those of its group, its site, and the built-in ones. */
export interface StationSettings {
  current(): Settings
  /** Each setting, what it is and where that comes from. */
  explain(): SettingRow[]
  /** Changes whole fields of the station's own. */
  change(change: SettingsChange): void
  /** Sets single settings by their paths; null lets the layers below say it again. `invalid_input` names what is wrong. */
  set(values: LayerValues): Result<null>
  /**
   * Takes the layers of the site as they are now; null for a station that is of none. Each one is taken whole or not at all,
   * and then what it was before stays. Answers whether anything applies otherwise now.
   */
  adopt(layers: Pick<CheckInAnswer, 'site' | 'groupLayer'> | null): boolean
  /** Which layers apply, and why a newer one was refused. */
  layers(): { readonly site: string | null; readonly group: string | null; readonly refused: string | null }
}

/** A layer of the site as it is kept here. */
interface Kept {
  readonly revision: string
  readonly settings: LayerValues
}

const facts = { own: 'settings_own', site: 'settings_site', group: 'settings_group', whole: 'settings' } as const

/** Opens the settings of a store. Each change is in the ledger. */
export function openSettings(store: Pick<Store, 'facts' | 'ledger' | 'transaction'>, log: Log): StationSettings {
  let own = readOwn(store, log)
  let site: Kept | null = store.facts.read(facts.site, layerSchema)
  let group: Kept | null = store.facts.read(facts.group, layerSchema)
  let refused: string | null = null
  const layersOf = (mine: LayerValues, ofSite: Kept | null, ofGroup: Kept | null) => ({
    site: ofSite?.settings ?? {},
    group: ofGroup?.settings ?? {},
    station: mine,
  })
  const layers = () => layersOf(own, site, group)
  let applied = applyLayers(layers())

  /** The ledger has what each layer sets otherwise than before. */
  const record = (
    layer: 'site' | 'group' | 'station',
    revision: string | null,
    before: LayerValues,
    after: LayerValues,
  ): void => {
    const paths = differences(before, after)
    if (paths.length === 0) return
    const changes = paths.map((path) => ({ path, value: Object.hasOwn(after, path) ? shown(after[path]) : null }))
    store.ledger.append({ kind: 'settings.changed', layer, revision, changes })
  }
  /** Nothing here is changed before it is kept. */
  const keep = (nextOwn: LayerValues, nextSite: Kept | null, nextGroup: Kept | null): void => {
    const next = applyLayers(layersOf(nextOwn, nextSite, nextGroup))
    store.transaction(() => {
      record('station', null, own, nextOwn)
      record('site', nextSite?.revision ?? null, site?.settings ?? {}, nextSite?.settings ?? {})
      record('group', nextGroup?.revision ?? null, group?.settings ?? {}, nextGroup?.settings ?? {})
      store.facts.set(facts.own, JSON.stringify(nextOwn))
      store.facts.set(facts.site, JSON.stringify(nextSite))
      store.facts.set(facts.group, JSON.stringify(nextGroup))
      // An older Capstan, to which an update may have to go back, knows these only.
      store.facts.set(facts.whole, JSON.stringify(next.settings))
    })
    own = nextOwn
    site = nextSite
    group = nextGroup
    applied = next
  }
  const take = (
    layer: 'site' | 'group',
    before: Kept | null,
    given: CheckInAnswer['site'],
  ): { readonly next: Kept | null; readonly fault: string | null } => {
    if (given === null) return { next: null, fault: null }
    const checked = checkLayer(given.settings)
    if (checked.ok) return { next: { revision: given.revision, settings: checked.value }, fault: null }
    return { next: before, fault: `${layer} ${given.revision}: ${checked.error.message}`.slice(0, 500) }
  }

  return {
    current: () => applied.settings,
    explain: () => explainLayers(layers()),
    change: (change) => keep(changeOwn(layers(), change), site, group),
    set(values) {
      const checked = checkChange(values)
      if (!checked.ok) return checked
      const next = Object.entries({ ...own, ...values }).filter(([, value]) => value !== null)
      keep(Object.fromEntries(next), site, group)
      return ok(null)
    },
    adopt(given) {
      const [nextSite, nextGroup] = [
        take('site', site, given?.site ?? null),
        take('group', group, given?.groupLayer ?? null),
      ]
      const faults = [nextSite.fault, nextGroup.fault].filter((fault) => fault !== null)
      const fault = faults.length === 0 ? null : faults.join('; ').slice(0, 500)
      if (fault !== null && fault !== refused) log.error({ fault }, 'settings of the site were refused')
      refused = fault
      const before = valuesOf(applied.settings)
      if (nextSite.next?.revision === site?.revision && nextGroup.next?.revision === group?.revision) return false
      keep(own, nextSite.next, nextGroup.next)
      return differences(before, valuesOf(applied.settings)).length > 0
    },
    layers: () => ({ site: site?.revision ?? null, group: group?.revision ?? null, refused }),
  }
}

/** What the station itself sets; a store from before there were layers kept all its settings together. */
function readOwn({ facts: kept }: Pick<Store, 'facts'>, log: Log): LayerValues {
  const own = kept.read(facts.own, layerSettingsSchema)
  if (own === null) {
    const whole = kept.read(facts.whole, layerSettingsSchema)
    return whole === null ? {} : ownOf(readSettings(whole, log))
  }
  const right = Object.entries(own).filter(
    ([path, value]) => settingPaths.includes(path) && valueFault(path, value) === null,
  )
  if (right.length < Object.keys(own).length) log.warn({ left: right.length }, 'some settings could not be read')
  return Object.fromEntries(right)
}

/** Settings that an older or newer Capstan wrote are read as far as they fit; the rest falls back to the defaults. */
function readSettings(stored: LayerValues, log: Log): Settings {
  const parsed = settingsSchema.safeParse(stored)
  if (parsed.success) return parsed.data
  log.warn({ issues: parsed.error.issues.length }, 'some settings could not be read')
  const kept = Object.entries(stored).filter(
    ([name, value]) =>
      Object.hasOwn(settingsSchema.shape, name) &&
      settingsSchema.shape[name as keyof Settings].safeParse(value).success,
  )
  return settingsSchema.parse(Object.fromEntries(kept))
}

/** A ledger is for ever: of a long list the beginning is enough to know it by. */
function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'null').slice(0, 200)
}
