import type { Tone } from './capture-view.ts'
import { StateShape } from './StateShape.tsx'

/** A sentence with its shape: what is the matter, and what to do. */
export function Note(props: { readonly tone: Tone; readonly text: string; readonly quote?: string }) {
  return (
    <output className="note" data-tone={props.tone}>
      <StateShape tone={props.tone} size={24} />
      <span>
        {props.text}
        {props.quote !== undefined && <q>{props.quote}</q>}
      </span>
    </output>
  )
}
