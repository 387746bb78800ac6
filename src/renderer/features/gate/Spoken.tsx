import { useEffect } from 'react'
import { useStation } from '../../client/state.ts'
import { hush, say } from '../../ui/speech.ts'
import { textOf, type GateView } from './gate-view.ts'
import { useVisitor } from './Visitor.tsx'

/** Says what the screen shows, in the visitor's language; nothing while nobody is there. */
export function Spoken({ view }: { readonly view: GateView }) {
  const { t, language } = useVisitor()
  const volume = useStation(({ settings }) => settings?.sound.volume ?? 0)
  const key = textOf(view)
  const text = `${t(`gate.${key}.word`)}. ${t(`gate.${key}.next`)}`
  // The same verdict on another pass is said again.
  const about = view.name === 'result' ? view.verdict.id : view.name
  useEffect(() => {
    if (view.name === 'attract' || view.name === 'checking') return hush()
    say(text, language, volume)
    return hush
    // Not for each draw of the same: `about` says what is new.
  }, [about, view.name, text, language, volume])
  return null
}
