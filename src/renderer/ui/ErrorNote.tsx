import { useTranslation } from 'react-i18next'
import type { AppError } from '#contract/result.ts'
import { StateShape } from './StateShape.tsx'

/** An expected failure as a sentence with the next step; a server's own words are quoted beneath. */
export function ErrorNote({ error }: { readonly error: AppError }) {
  const { t } = useTranslation()
  const quoted = error.code === 'refused' || error.code === 'invalid_input'
  return (
    <div className="note" data-tone="stop" role="alert">
      <StateShape tone="stop" size={24} />
      <p>
        {t(`error.${error.code}`)}
        {quoted && error.message !== '' && <q>{error.message}</q>}
      </p>
    </div>
  )
}
