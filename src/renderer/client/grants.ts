import { createStore } from 'zustand/vanilla'
import { purposes } from '#contract/station/staff.ts'
import type { Purpose, Unlocked } from '#contract/station/staff.ts'

/** What is asked of a person: to show that he is staff, for this purpose. */
export interface Asked {
  readonly purpose: Purpose
}

/**
 * The grants of this window. The station alone decides what they open; here they are only kept for the next call, and
 * asked for once, however many calls wait for the same one.
 */
export interface Grants {
  readonly store: ReturnType<typeof createAskedStore>
  /** The grant to try first: one that lasts, for whatever purpose. */
  held(): string | null
  /** Asks a person; null when he gave up, or is asked for something else just now. */
  ask(purpose: Purpose): Promise<string | null>
  /** What the station said to a PIN or badge; null when the person gave up. A refusal leaves the question open. */
  answer(unlocked: Unlocked | null): void
  /** The station did not take it. */
  drop(grant: string): void
}

const createAskedStore = () =>
  createStore<{ readonly asked: Asked | null; readonly held: string | null }>(() => ({ asked: null, held: null }))

/** Creates an empty keeping of grants. */
export function createGrants(): Grants {
  const store = createAskedStore()
  let waiting: { readonly purpose: Purpose; readonly done: PromiseWithResolvers<string | null> } | null = null

  const settle = (grant: string | null): void => {
    const { done } = waiting ?? {}
    waiting = null
    store.setState({ asked: null })
    done?.resolve(grant)
  }

  return {
    store,
    held: () => store.getState().held,
    ask(purpose) {
      if (waiting !== null) return waiting.purpose === purpose ? waiting.done.promise : Promise.resolve(null)
      waiting = { purpose, done: Promise.withResolvers() }
      store.setState({ asked: { purpose } })
      return waiting.done.promise
    },
    answer(unlocked) {
      if (unlocked?.outcome === 'refused') return
      if (unlocked !== null && purposes[unlocked.purpose].isLasting) store.setState({ held: unlocked.grant })
      settle(unlocked?.grant ?? null)
    },
    drop(grant) {
      if (store.getState().held === grant) store.setState({ held: null })
    },
  }
}
