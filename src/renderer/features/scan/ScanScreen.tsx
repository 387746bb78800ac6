import { useEffect, useState } from 'react'
import type { SessionSummary } from '#contract/station/session.ts'
import { useStation } from '../../client/state.ts'
import { call, subscribe } from '../../client/station.ts'
import { SessionEnded } from './SessionEnded.tsx'
import { SessionStart } from './SessionStart.tsx'
import { Work } from './Work.tsx'

/** The scan face: start, work, summary, in turn. */
export function ScanScreen() {
  const session = useStation((state) => state.session)
  const [ended, setEnded] = useState<SessionSummary | null>(null)
  useEffect(
    () =>
      subscribe('control.taken', ({ command, sessionId }) => {
        if (command.kind !== 'end') return
        void call('session.summary', { id: sessionId }).then((result) => {
          if (result.ok) setEnded(result.value)
        })
      }),
    [],
  )
  if (session !== null) return <Work key={session.id} session={session} onEnded={setEnded} />
  if (ended !== null) return <SessionEnded summary={ended} onNew={() => setEnded(null)} />
  return <SessionStart />
}
