import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { PhotoQuality } from '#contract/station/photo-quality.ts'
import { builtInShotLists, shotListsFileSchema, shotListsSchema, type ShotList } from '#contract/station/shot-list.ts'
import { photoRoleSchema } from '#contract/station/camera-settings.ts'
import { faultsInItem, missingOf, nextView, planShots, viewOfNew, viewsOf } from '#domain/shooting.ts'

const list: ShotList = {
  id: 'one',
  name: 'One',
  views: [
    { view: 'front', required: true, expects: [] },
    { view: 'nutrition', required: true, expects: ['print'] },
    { view: 'recycling', required: false, expects: [] },
  ],
}
const quality = (legibility: number | null): PhotoQuality => ({
  verdict: 'good',
  faults: [],
  legibility,
  measures: {
    textLines: 1,
    textHeightPixels: 20,
    tiltDegrees: 0,
    edgeWidthPixels: 1,
    darkest: 0,
    middle: 100,
    brightest: 200,
    glareShare: 0,
    cutOffShare: 0,
  },
  repeats: null,
  improves: null,
})
const gtin = '04006381333931'

const anyList = fc
  .uniqueArray(fc.constantFrom(...photoRoleSchema.options), { minLength: 1 })
  .chain((views) =>
    fc.tuple(
      ...views.map((view) =>
        fc.record({ view: fc.constant(view), required: fc.boolean(), expects: fc.constant<('code' | 'print')[]>([]) }),
      ),
    ),
  )
  .map((views): ShotList => ({ id: 'any', name: 'Any', views }))
const anyPhotos = fc.array(
  fc.record({
    view: fc.constantFrom(...photoRoleSchema.options),
    verdict: fc.constantFrom('good', 'check', 'retake', null),
  }),
)

describe('a shot list', () => {
  it('counts the best photo of each view', () => {
    const views = viewsOf(list, [
      { view: 'front', verdict: 'retake' },
      { view: 'front', verdict: 'good' },
      { view: 'nutrition', verdict: 'retake' },
    ])
    expect(views.map(({ state, photos }) => [state, photos])).toEqual([
      ['good', 2],
      ['retake', 1],
      ['missing', 0],
    ])
    expect(nextView(views)).toBe('nutrition')
    expect(missingOf(views)).toBe(1)
  })

  it('wants what is required before what is welcome, and nothing when each view is there', () => {
    fc.assert(
      fc.property(anyList, anyPhotos, (any, photos) => {
        const views = viewsOf(any, photos)
        const next = views.find(({ view }) => view === nextView(views))
        if (missingOf(views) > 0) expect(next?.required).toBe(true)
        else expect(next === undefined || next.state === 'missing').toBe(true)
        const all = viewsOf(
          any,
          any.views.map(({ view }) => ({ view, verdict: 'good' as const })),
        )
        expect(nextView(all)).toBeNull()
      }),
    )
  })

  it('is complete after as many shots of one camera as it has views', () => {
    fc.assert(
      fc.property(anyList, (any) => {
        const photos: { view: (typeof any.views)[number]['view']; verdict: 'good' }[] = []
        for (const _ of any.views) photos.push({ view: viewOfNew(null, viewsOf(any, photos)), verdict: 'good' })
        expect(photos.map(({ view }) => view).toSorted()).toEqual(any.views.map(({ view }) => view).toSorted())
      }),
    )
  })

  it('is read from a file, and a file that is none is refused with the place of the fault', () => {
    expect(shotListsSchema.safeParse(builtInShotLists).success).toBe(true)
    const file = { format: 'capstan-shot-lists', version: 1, lists: builtInShotLists }
    expect(shotListsFileSchema.parse(JSON.parse(JSON.stringify(file)))).toEqual(file)
    const twice = { ...file, lists: [{ ...list, views: [list.views[0], list.views[0]] }] }
    expect(shotListsFileSchema.safeParse(twice).error?.issues[0]).toMatchObject({
      path: ['lists', 0, 'views'],
      message: 'each view stands in a list once',
    })
  })
})

describe('the next shot', () => {
  const rig = [
    { key: 'a', role: 'front' as const },
    { key: 'b', role: 'nutrition' as const },
    { key: 'c', role: null },
  ]
  const shot = (views: readonly ('front' | 'nutrition' | 'recycling')[]) =>
    viewsOf(
      list,
      views.map((view) => ({ view, verdict: 'good' as const })),
    )

  it('is of all cameras whose views are owed', () => {
    expect(planShots(rig, shot([]), null)).toEqual([
      { key: 'a', view: 'front' },
      { key: 'b', view: 'nutrition' },
    ])
    expect(planShots(rig, shot(['front']), null)).toEqual([{ key: 'b', view: 'nutrition' }])
  })

  it('is of a free camera where none has the view that is wanted', () => {
    expect(planShots(rig, shot(['front', 'nutrition']), null)).toEqual([{ key: 'c', view: 'recycling' }])
    expect(planShots(rig.slice(0, 1), shot(['front']), null)).toEqual([{ key: 'a', view: 'nutrition' }])
  })

  it('is of the view that a person has chosen, and of all cameras when nothing is wanted any more', () => {
    expect(planShots(rig, shot(['front', 'nutrition', 'recycling']), 'front')).toEqual([{ key: 'a', view: 'front' }])
    expect(planShots(rig, shot(['front', 'nutrition', 'recycling']), null)).toHaveLength(3)
    expect(planShots([], shot([]), null)).toEqual([])
  })
})

describe('a photo of an item', () => {
  const faults = (change: Partial<Parameters<typeof faultsInItem>[0]>) =>
    faultsInItem({ gtin, view: 'back', codes: [], expects: [], quality: quality(1), ...change })

  it('is of another product where its only code is one of another, and to be looked at where both are there', () => {
    expect(faults({ codes: [{ gtin, degrees: 0 }] })).toEqual([])
    expect(faults({ codes: [{ gtin: '05901234123457', degrees: 0 }] })).toEqual(['other_product'])
    expect(
      faults({
        codes: [
          { gtin: '05901234123457', degrees: 0 },
          { gtin, degrees: 0 },
        ],
      }),
    ).toEqual(['other_pack'])
    expect(faults({ gtin: null, codes: [{ gtin: '05901234123457', degrees: 0 }] })).toEqual([])
  })

  it('is upside down where all its codes are', () => {
    expect(faults({ codes: [{ gtin, degrees: 190 }] })).toEqual(['upside_down'])
    expect(faults({ codes: [{ gtin, degrees: 90 }] })).toEqual([])
    expect(
      faults({
        codes: [
          { gtin, degrees: 180 },
          { gtin: null, degrees: 2 },
        ],
      }),
    ).toEqual([])
  })

  it('has what its view is wanted for', () => {
    expect(faults({ expects: ['code'] })).toEqual(['no_code'])
    expect(faults({ expects: ['print'], quality: quality(0.3) })).toEqual(['not_legible'])
    expect(faults({ expects: ['print'], quality: quality(null) })).toEqual(['not_legible'])
    expect(faults({ expects: ['print'], quality: quality(0.9) })).toEqual([])
  })

  it('lacks no code while its codes are being read, and is legible or not already', () => {
    expect(faults({ codes: null, expects: ['code', 'print'], quality: quality(0.3) })).toEqual(['not_legible'])
    expect(faults({ codes: null, expects: ['code', 'print'], quality: quality(0.9) })).toEqual([])
  })
})
