import { useTranslation } from 'react-i18next'
import { differencesOf } from '#domain/review/difference.ts'
import { readNutrition } from '#domain/review/nutrition.ts'

/** The present value: what the proposed one leaves out is struck through. */
export function PresentValue({ current, proposed }: { readonly current: string; readonly proposed: string }) {
  const { t } = useTranslation()
  if (current === '') return <p className="review-empty">{t('review.no_value')}</p>
  return <Pieces before={current} after={proposed} without="added" />
}

/** The proposed value: what the present one has not is marked. A nutrition table is shown as one. */
export function ProposedValue(props: { readonly field: string; readonly current: string; readonly value: string }) {
  const { field, current, value } = props
  const { t } = useTranslation()
  if (value === '') return <p className="review-empty">{t('review.no_value')}</p>
  const lines = field.startsWith('nutrition') ? readNutrition(value) : []
  if (lines.length > 1) return <NutritionTable current={current} value={value} />
  return <Pieces before={current} after={value} without="removed" />
}

function Pieces(props: { readonly before: string; readonly after: string; readonly without: 'added' | 'removed' }) {
  const pieces =
    props.before === '' ? [{ text: props.after, kind: 'same' as const }] : differencesOf(props.before, props.after)
  return (
    <p className="review-text">
      {pieces.map(({ text, kind }, index) => {
        if (kind === props.without) return null
        // Pieces have no name of their own: they stand where they stand.
        const key = `${index}-${kind}`
        if (kind === 'removed') return <del key={key}>{text}</del>
        if (kind === 'added') return <ins key={key}>{text}</ins>
        return <span key={key}>{text}</span>
      })}
    </p>
  )
}

function NutritionTable({ current, value }: { readonly current: string; readonly value: string }) {
  const { t } = useTranslation()
  const before = readNutrition(current)
  const inWords = (line: { isLess: boolean; amount: number; unit: string } | undefined): string =>
    line === undefined ? '' : `${line.isLess ? '<' : ''}${line.amount} ${line.unit}`
  return (
    <table className="review-table">
      <thead>
        <tr>
          <th scope="col">{t('review.nutrient')}</th>
          {before.length > 0 && <th scope="col">{t('review.present')}</th>}
          <th scope="col">{t('review.proposed')}</th>
        </tr>
      </thead>
      <tbody>
        {readNutrition(value).map((line) => {
          const was = before.find(({ name, unit }) => name === line.name && unit === line.unit)
          const isChanged = before.length > 0 && inWords(was) !== inWords(line)
          return (
            <tr key={`${line.name} ${line.unit}`}>
              <th scope="row">{line.name.replaceAll('_', ' ')}</th>
              {before.length > 0 && <td>{isChanged ? <del>{inWords(was)}</del> : inWords(was)}</td>}
              <td>{isChanged ? <ins>{inWords(line)}</ins> : inWords(line)}</td>
            </tr>
          )
        })}
      </tbody>
    </table>
  )
}
