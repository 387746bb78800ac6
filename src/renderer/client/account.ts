/** Counts the events of a device against what became of them. */
export interface Account {
  /** How many are in line already, from before a reload. */
  begin(inLine: number): void
  /** The device has read something. */
  event(): void
  /** What it read was answered, put away, or taken by a test. */
  settled(): void
  /** What has not added up for longer than a turn of the line takes, once for each difference. */
  audit(inLine: number, nowMs: number): { readonly events: number; readonly answers: number } | null
}

/** Longer than anything between a burst and its place in the line. */
const settleMs = 2_000

/** Creates an account without entries. */
export function createAccount(): Account {
  let events = 0
  let answers = 0
  let told = 0
  let since: { readonly amount: number; readonly atMs: number } | null = null
  return {
    begin(inLine) {
      events = inLine
    },
    event() {
      events += 1
    },
    settled() {
      answers += 1
    },
    audit(inLine, nowMs) {
      const amount = events - answers - inLine - told
      if (amount !== since?.amount) since = amount === 0 ? null : { amount, atMs: nowMs }
      if (since === null || nowMs - since.atMs < settleMs) return null
      told += amount
      since = null
      return { events, answers: answers + inLine }
    },
  }
}
