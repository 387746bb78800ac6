import { describe, expect, it } from 'vitest'
import { settingsChangeSchema, settingsSchema } from '#contract/station/settings.ts'

describe('a change of the settings', () => {
  it('holds the fields that are given and no others, so that the rest stays as it is', () => {
    expect(settingsChangeSchema.parse({ theme: 'dark' })).toEqual({ theme: 'dark' })
    expect(settingsChangeSchema.parse({})).toEqual({})
    expect(settingsChangeSchema.parse({ wedgeCalibration: null })).toEqual({ wedgeCalibration: null })
  })

  it('fills in what a nested object leaves out', () => {
    const { sound } = settingsSchema.parse({})
    expect(settingsChangeSchema.parse({ sound: { enabled: false } })).toEqual({ sound: { ...sound, enabled: false } })
  })

  it('refuses what is no setting', () => {
    expect(settingsChangeSchema.safeParse({ colour: 'red' }).success).toBe(false)
    expect(settingsChangeSchema.safeParse({ theme: 'pink' }).success).toBe(false)
  })
})
