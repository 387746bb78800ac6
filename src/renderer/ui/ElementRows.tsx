import { useTranslation } from 'react-i18next'
import type { Capture } from '#contract/station/capture.ts'
import { elementName, elementTitle, readElement } from './elements.ts'

/** GS1 elements by name, dates and weights made readable. Lives in a `<dl>`. */
export function ElementRows({ elements }: { readonly elements: Capture['elements'] }) {
  const { t, i18n } = useTranslation()
  return elements.map(({ ai, value }, index) => {
    const name = elementName(ai)
    return (
      // One code may hold an AI twice; its elements never move.
      <div key={`${ai}-${index}`}>
        <dt>{name === null ? t('element.other', { ai, title: elementTitle(ai) }) : t(`element.${name}`)}</dt>
        <dd>{showElement(ai, value, i18n.language)}</dd>
      </div>
    )
  })
}

function showElement(ai: string, value: string, language: string): string {
  const { kind, text } = readElement(ai, value, new Date())
  if (kind === 'text') return text
  const options = text.length === 7 ? ({ month: 'long', year: 'numeric' } as const) : ({ dateStyle: 'long' } as const)
  return new Intl.DateTimeFormat(language, { ...options, timeZone: 'UTC' }).format(new Date(text))
}
