import type { ClipboardEvent } from 'react'
import type { Capture } from '#contract/station/capture.ts'
import { codeGroups } from './code-groups.ts'

/** A code in groups a person can compare, control characters drawn; copied, it is the raw value. */
export function CodeText({ raw, elements }: { readonly raw: string; readonly elements?: Capture['elements'] }) {
  const copyRaw = (event: ClipboardEvent) => {
    event.clipboardData.setData('text/plain', raw)
    event.preventDefault()
  }
  return (
    <span className="code" onCopy={copyRaw} translate="no">
      {codeGroups(raw, elements).map(({ text, kind }, index) => (
        // The parts of one code never move among themselves.
        <span key={index} className={`code-${kind}`}>
          {text}
        </span>
      ))}
    </span>
  )
}
