import { createInstance } from 'i18next'
import type { i18n as I18n } from 'i18next'
import { initReactI18next } from 'react-i18next'
import cameraTexts from '../camera/texts.en.json'
import texts from './texts/en.json'

const english = { ...texts, camera: cameraTexts }

declare module 'i18next' {
  interface CustomTypeOptions {
    resources: { readonly translation: typeof english }
    returnNull: false
  }
}

/** Every text of the window, by language. English is the whole; another language may be partial. */
export const i18n: I18n = createInstance()

await i18n.use(initReactI18next).init({
  lng: 'en',
  fallbackLng: 'en',
  resources: { en: { translation: english } },
  interpolation: { escapeValue: false },
})
