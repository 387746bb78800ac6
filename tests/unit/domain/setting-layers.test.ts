import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { settingHelp } from '#contract/station/setting-help.ts'
import { settingsSchema, type Settings } from '#contract/station/settings.ts'
import { applyLayers, changeOwn, checkLayer, explainLayers, ownOf, settingPaths } from '#domain/setting-layers.ts'

const layer = fc.record(
  {
    'sound.volume': fc.double({ min: 0, max: 1, noNaN: true }),
    'sound.enabled': fc.boolean(),
    theme: fc.constantFrom('system', 'light', 'dark'),
    'gate.showMs': fc.integer({ min: 500, max: 60_000 }),
  },
  { requiredKeys: [] },
)

describe('the layers of settings', () => {
  it('say of each setting the last word of those that say anything', () => {
    fc.assert(
      fc.property(layer, layer, layer, (site, group, station) => {
        for (const { path, value, source } of explainLayers({ site, group, station })) {
          const said = (
            [
              ['station', station],
              ['group', group],
              ['site', site],
            ] as const
          ).find(([, one]) => Object.hasOwn(one, path))
          expect(source).toBe(said?.[0] ?? 'built_in')
          if (said) expect(value).toEqual((said[1] as Record<string, unknown>)[path])
        }
      }),
    )
  })

  it('hold what a person sets, and nothing of it twice', () => {
    const { settings: builtIn } = applyLayers({})
    fc.assert(
      fc.property(layer, layer, layer, (site, station, wish) => {
        const layers = { site, station }
        const change = { sound: applyLayers({ station: wish }).settings.sound, theme: builtIn.theme }
        const own = changeOwn(layers, change)
        const { settings } = applyLayers({ site, station: own })
        expect(settings.sound).toEqual(change.sound)
        expect(settings.theme).toBe(change.theme)
        expect(settings.gate).toEqual(applyLayers(layers).settings.gate)
        // The same again changes nothing.
        expect(changeOwn({ site, station: own }, change)).toEqual(own)
      }),
    )
  })

  it('leave alone what was not changed: a field that is given as it is stays what the layer below says', () => {
    const site = { 'sound.volume': 0.3 }
    const { sound } = applyLayers({ site }).settings
    expect(changeOwn({ site }, { sound: { ...sound, enabled: false } })).toEqual({ 'sound.enabled': false })
    expect(changeOwn({ site, station: { 'sound.volume': 1 } }, { sound })).toEqual({})
    expect(changeOwn({}, { language: undefined })).toEqual({})
  })

  it('keep of settings that were kept together what was chosen, and make the same of it', () => {
    const chosen: Settings = settingsSchema.parse({
      stationName: 'Dock 3',
      sound: { volume: 0.1 },
      gate: { door: { kind: 'serial', path: '/dev/ttyS1' } },
      folders: [{ id: 'a', path: '/photos' }],
    })
    const own = ownOf(chosen)
    expect(Object.keys(own).toSorted()).toEqual(['folders', 'gate.door', 'sound.volume', 'stationName'])
    expect(applyLayers({ station: own }).settings).toEqual(chosen)
  })

  it('of a site hold no setting of one machine, none that is none, and no value that it cannot have', () => {
    expect(checkLayer({ theme: 'dark', 'gate.door': { kind: 'none' } }).ok).toBe(true)
    for (const path of [
      'stationName',
      'cameras',
      'folders',
      'scanners.byId',
      '__proto__',
      'sound',
      'constructor.name',
    ]) {
      const values = JSON.parse(`{${JSON.stringify(path)}:{}}`) as Record<string, unknown>
      expect(checkLayer(values).ok, path).toBe(false)
      // And where one came in all the same, it does not apply.
      expect(applyLayers({ site: { ...values, 'sound.volume': 99 } }).settings.sound.volume).toBe(0.8)
    }
  })

  it('have words for every setting, the same in the window', () => {
    expect(Object.keys(settingHelp).toSorted()).toEqual([...settingPaths].toSorted())
    const texts = JSON.parse(
      readFileSync(new URL('../../../src/renderer/app/texts/en.json', import.meta.url), 'utf8'),
    ) as { settings: { help: Record<string, string> } }
    expect(texts.settings.help).toEqual(
      Object.fromEntries(Object.entries(settingHelp).map(([path, text]) => [path.replaceAll('.', '_'), text])),
    )
  })
})
