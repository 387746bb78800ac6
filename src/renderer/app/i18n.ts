import { createInstance } from 'i18next'
import type { i18n as I18n, ResourceLanguage } from 'i18next'
import { initReactI18next } from 'react-i18next'
import type { Language } from '#contract/station/settings.ts'
import cameraTexts from '../camera/texts.en.json'
import texts from './texts/en.json'

const english = { ...texts, camera: cameraTexts }

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { readonly translation: typeof english }
    returnNull: false
  }
}

// Each is a file of its own, fetched when it is first spoken: a station speaks one or two.
const loaders: Readonly<Record<Exclude<Language, 'en'>, () => Promise<{ readonly default: ResourceLanguage }>>> = {
  fr: () => import('./texts/fr.json'),
  de: () => import('./texts/de.json'),
  es: () => import('./texts/es.json'),
  it: () => import('./texts/it.json'),
  nl: () => import('./texts/nl.json'),
}

/** Every text of the window, by language. English is the whole, which the types know. */
export const i18n: I18n = createInstance()

await i18n.use(initReactI18next).init({
  lng: 'en',
  fallbackLng: 'en',
  resources: { en: { translation: english } },
  interpolation: { escapeValue: false },
  // What is shown in a language whose texts have just come is drawn again.
  react: { bindI18nStore: 'added' },
})

/** The language that was asked for last: texts that come late must not take the place of newer ones. */
let wanted: Language = 'en'

/** Has the window speak a language, and marks the document with it. */
export async function speak(language: Language): Promise<void> {
  wanted = language
  await loadTexts(language)
  if (wanted !== language) return
  await i18n.changeLanguage(language)
  document.documentElement.lang = language
  document.documentElement.dir = i18n.dir(language)
}

/** Fetches the texts of a language, once: a visitor of a gate may want another one than the window speaks. */
export async function loadTexts(language: Language): Promise<void> {
  if (language === 'en' || i18n.hasResourceBundle(language, 'translation')) return
  const loaded = await loaders[language]()
  i18n.addResourceBundle(language, 'translation', withEveryPlural(loaded.default))
}

/** French, Spanish and Italian have a plural of their own for whole millions; its words are those of `other`. */
function withEveryPlural(texts: ResourceLanguage): ResourceLanguage {
  const all: ResourceLanguage = {}
  for (const [key, text] of Object.entries(texts)) {
    all[key] = typeof text === 'string' ? text : withEveryPlural(text)
    if (key.endsWith('_other')) all[key.replace(/other$/, 'many')] = text
  }
  return all
}
