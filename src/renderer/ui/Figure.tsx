import { useTranslation } from 'react-i18next'
import type { Tone } from './capture-view.ts'
import { StateShape } from './StateShape.tsx'

/** One count with its name; a tone adds the state's shape beside the number. Lives in a `<dl>`. */
export function Figure(props: {
  readonly name: string
  readonly value: number
  readonly tone?: Tone
  readonly strong?: boolean
}) {
  const { name, value, tone, strong } = props
  const { i18n } = useTranslation()
  return (
    <div className={strong ? 'figure figure-strong' : 'figure'} data-tone={tone}>
      <dt>{name}</dt>
      <dd>
        {tone !== undefined && <StateShape tone={tone} size={20} />}
        {value.toLocaleString(i18n.language)}
      </dd>
    </div>
  )
}
