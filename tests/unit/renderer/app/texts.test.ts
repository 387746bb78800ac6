import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { languageSchema } from '#contract/station/settings.ts'

type Texts = { readonly [key: string]: string | Texts }

function textsOf(path: string): Texts {
  return JSON.parse(readFileSync(new URL(`../../../../src/renderer/${path}`, import.meta.url), 'utf8')) as Texts
}

/** Every text by its path, such as `scan.start.title`. */
function flat(texts: Texts, before = ''): Map<string, string> {
  return new Map(
    Object.entries(texts).flatMap(([key, value]) =>
      typeof value === 'string' ? [[before + key, value]] : [...flat(value, `${before}${key}.`)],
    ),
  )
}

function placeholders(text: string): string[] {
  return [...new Set(text.match(/\{\{[^}]+\}\}/g))].toSorted()
}

const english = flat({ ...textsOf('app/texts/en.json'), camera: textsOf('camera/texts.en.json') })

describe.each(languageSchema.options.filter((language) => language !== 'en'))('the texts in %s', (language) => {
  const texts = flat(textsOf(`app/texts/${language}.json`))

  it('are of texts that there are in English', () => {
    expect([...texts.keys()].filter((key) => !english.has(key))).toEqual([])
  })

  it('are all of them, but for the names of symbologies', () => {
    const missing = [...english.keys()].filter((key) => !texts.has(key) && !key.startsWith('symbology.'))
    expect(missing).toEqual([])
  })

  it('name the same values as in English', () => {
    const different = [...texts].filter(
      ([key, text]) => JSON.stringify(placeholders(text)) !== JSON.stringify(placeholders(english.get(key) ?? '')),
    )
    expect(different).toEqual([])
  })

  it('are not empty', () => {
    expect([...texts].filter(([, text]) => text.trim() === '')).toEqual([])
  })
})
