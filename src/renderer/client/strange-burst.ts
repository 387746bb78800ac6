import { create } from 'zustand'
import type { StrangeBurst } from '#domain/wedge.ts'

/** The last burst of a keyboard scanner that could not be told; null after a good one, or once it is put away. */
export const useStrangeBurst = create<{ readonly burst: StrangeBurst | null }>(() => ({ burst: null }))

/** Raises the alarm for a burst, or takes it back. */
export function tellStrangeBurst(burst: StrangeBurst | null): void {
  useStrangeBurst.setState({ burst })
}
