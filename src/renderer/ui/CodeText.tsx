import type { ClipboardEvent } from 'react'
import { codeGroups } from './code-groups.ts'

/** A code in groups a person can compare, control characters drawn; copied, it is the raw value. */
export function CodeText({ raw }: { readonly raw: string }) {
  const copyRaw = (event: ClipboardEvent) => {
    event.clipboardData.setData('text/plain', raw)
    event.preventDefault()
  }
  return (
    <span className="code" onCopy={copyRaw} translate="no">
      {codeGroups(raw).map(({ text, control }, index) => (
        // The parts of one code never move among themselves.
        <span key={index} className={control ? 'code-control' : 'code-group'}>
          {text}
        </span>
      ))}
    </span>
  )
}
