import { createContext, use, useState, type ReactNode } from 'react'
import type { TFunction } from 'i18next'
import { useTranslation } from 'react-i18next'
import type { VisitorLanguage } from '#contract/station/gate.ts'
import { languageName } from '../../ui/language-name.ts'

interface VisitorTexts {
  readonly t: TFunction
  readonly language: string
  /** Null where there is nothing to choose. */
  readonly choice: {
    readonly languages: readonly VisitorLanguage[]
    readonly choose: (to: VisitorLanguage) => void
  } | null
}

const Texts = createContext<VisitorTexts | null>(null)

/**
 * What is inside speaks the visitor's language: the one that was chosen last, and once nobody is there the first of the
 * gate's again.
 */
export function Visitor(props: {
  readonly languages: readonly VisitorLanguage[]
  readonly isAway: boolean
  readonly children: ReactNode
}) {
  const { languages, isAway, children } = props
  const { i18n } = useTranslation()
  const first = languages[0] ?? 'en'
  const [chosen, setChosen] = useState<VisitorLanguage | null>(null)
  if (isAway && chosen !== null) setChosen(null)
  const language = chosen !== null && languages.includes(chosen) ? chosen : first
  // Not kept: the texts of a language may come later than it was chosen.
  const texts = {
    t: i18n.getFixedT(language),
    language,
    choice: languages.length > 1 ? { languages, choose: setChosen } : null,
  }
  return <Texts value={texts}>{children}</Texts>
}

/** The texts of whoever stands before the gate. */
export function useVisitor(): VisitorTexts {
  const { t, i18n } = useTranslation()
  return use(Texts) ?? { t, language: i18n.language, choice: null }
}

/** A button for each language, in its own words. */
export function Languages() {
  const { choice, language, t } = useVisitor()
  if (choice === null) return null
  return (
    <fieldset className="gate-languages" aria-label={t('gate.language')}>
      {choice.languages.map((each) => (
        <button
          key={each}
          type="button"
          lang={each}
          className="gate-language"
          aria-pressed={each === language}
          onClick={() => choice.choose(each)}
        >
          {languageName(each)}
        </button>
      ))}
    </fieldset>
  )
}
