import { useEffect, useState } from 'react'
import type { AppError } from '#contract/result.ts'
import type { ProcedureInput, ProcedureName, ProcedureOutput } from '#contract/station/procedures.ts'
import { call } from '../../client/station.ts'

/** What the station answers to a question, asked once and whenever its input is another. */
export function useAnswer<N extends ProcedureName>(name: N, input: ProcedureInput<N>) {
  const [answer, setAnswer] = useState<ProcedureOutput<N> | null>(null)
  const [error, setError] = useState<AppError | null>(null)
  const [turn, setTurn] = useState(0)
  const asked = JSON.stringify(input)
  useEffect(() => {
    let isWanted = true
    void call(name, JSON.parse(asked) as ProcedureInput<N>).then((result) => {
      if (!isWanted) return
      if (result.ok) setAnswer(result.value)
      setError(result.ok ? null : result.error)
    })
    return () => void (isWanted = false)
  }, [name, asked, turn])
  return { answer, error, askAgain: () => setTurn((before) => before + 1) }
}
