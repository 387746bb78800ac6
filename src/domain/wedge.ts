import { createCodeEnds } from './code-ends.ts'
import { compose } from './keyboard-layouts.ts'
import { altCharacter, meaningOf } from './wedge-keys.ts'
import type { WedgeFault, WedgeKey, WedgeMeaning, WedgeSettings } from './wedge-keys.ts'

export type { WedgeKey, WedgeSettings } from './wedge-keys.ts'

/**
 * What is to be done, in the order given.
 *
 * The answer to a key ends with what becomes of that key: `hold` (swallow it, it may be part of a code), `swallow`
 * (it belonged to a code) or `pass` (it is not ours, let it act). Before it comes what has become certain of the keys
 * held so far: `release` (a person typed them: give them back), `takeBack` (they were given back too early) or `scan`.
 */
export type WedgeDecision<K extends WedgeKey = WedgeKey> =
  | { readonly kind: 'hold' }
  | { readonly kind: 'swallow' }
  | { readonly kind: 'pass' }
  | { readonly kind: 'release'; readonly keys: readonly K[] }
  /** Keys given back too early: the window heard of the next one late. They are on hold again; take them out of the field. */
  | { readonly kind: 'takeBack'; readonly keys: readonly K[] }
  /** `timeMs`: when its last key was pressed, the one that ends it included. */
  | { readonly kind: 'scan'; readonly data: string; readonly pace: WedgePace; readonly timeMs: number }
  /** A burst that cannot be told: it was swallowed, and it is no scan. */
  | { readonly kind: 'strange'; readonly strange: StrangeBurst }

/** How fast the keys of a burst came. */
export interface WedgePace {
  readonly keys: number
  /** From the first key to the last. */
  readonly durationMs: number
  readonly longestGapMs: number
}

/** A burst that cannot be told. What it was is not said: it may have been a secret. */
export interface StrangeBurst {
  /**
   * `too_long` for any code; `interrupted`: the window lost the focus, keys went elsewhere; `input_method`: one was
   * composing and took the keys; `cut`: silence ended the code, and then came the rest of it, pressed without a pause: what
   * was told as a scan before was its beginning; `unended`: the scanner ends its codes, and this one it did not, or it is
   * the rest of such a one: nothing of it was told as a scan; `slow`: no field took what came, as slowly as somebody types;
   * `unknown_key`, `dead_key`: see `WedgeFault`.
   */
  readonly reason: 'too_long' | 'interrupted' | 'input_method' | 'cut' | 'unended' | 'slow' | WedgeFault
  readonly length: number
  /** The name of the key that no code contains, as `F12`. */
  readonly keyName?: string
}

/** Tells the bursts of a keyboard-wedge scanner from typing. */
export interface WedgeReader<K extends WedgeKey = WedgeKey> {
  /** `heardMs`: when the window heard of it, on the clock of its `timeMs`. */
  key(key: K, heardMs?: number): readonly WedgeDecision<K>[]
  /** A key was let go: Alt ends a character typed by its number, as Alt+065. */
  keyUp(key: Pick<WedgeKey, 'code' | 'timeMs'>): readonly WedgeDecision<K>[]
  /** Keys went elsewhere: a burst under way is no longer whole. */
  interrupt(): void
  /** Says what time it is; after `deadlineMs()` it ends a burst that has no terminator and releases what was typed. */
  tick(timeMs: number): readonly WedgeDecision<K>[]
  /** When the next tick is due; undefined while nothing is held. */
  deadlineMs(): number | undefined
}

/** The densest symbol (QR version 40) holds 7,089 digits; the contract takes no scan beyond this. */
const maxLength = 8_192

/**
 * How long a burst under way is waited for before silence ends it: keys carry the time they were pressed, but on a
 * machine under load the window may hear of them late, and a code cut in two is two wrong codes. Once the scanner has
 * shown that it ends its codes with a terminator, silence says little and is waited for longer.
 */
const silenceMs = { unknownScanner: 200, terminatingScanner: 500 } as const
/** The next key may be as late again as the last one was, but it is waited for no longer than this. */
const longestLateMs = 3_000

/** A key press, or an Alt+keypad sequence, that may belong to a code. */
interface Held<K> {
  /** The keys that are held back; none for one that has acted already. */
  readonly keys: readonly K[]
  /** What it stands for in a code. */
  readonly text: string
  readonly dead: boolean
  readonly fault?: { readonly reason: WedgeFault; readonly keyName?: string }
  readonly timeMs: number
  /** How many keys were pressed so far, this one's included. */
  readonly count: number
}

/**
 * Creates the reader.
 *
 * A key is held while it may yet belong to a burst: no later than `maxGapMs` after the one before, and at no point
 * more than one such stall behind a pace of `maxMeanGapMs`. A burst is a scan when it ends, by Enter, Tab or silence,
 * with `minLength` characters at that mean pace; with a configured prefix at its start, any length and pace will do.
 * The rules and numbers come from measured scanners and public recognisers; people type at 60 ms a key and slower.
 *
 * A burst that is surely one and yet not surely whole is `strange`: half a code would be a wrong one (`createCodeEnds`). If only
 * the window heard of the rest late, which the keys' own times say, the code is told whole then.
 */
export function createWedgeReader<K extends WedgeKey = WedgeKey>(settings: WedgeSettings): WedgeReader<K> {
  const { prefix, maxGapMs, maxMeanGapMs, minLength, suffix } = settings
  let held: Held<K>[] = []
  let lastMs = Number.NEGATIVE_INFINITY
  /** How many keys have been pressed. */
  let count = 0
  /** The burst has grown too long: it is swallowed and only counted. */
  let overflow = 0
  let isInterrupted = false
  /** How late the last key was heard: silence is counted from then. */
  let lateMs = 0
  /** Silence ended the last code, and nothing has been pressed since. */
  let isSilenced = false
  /** What is held is the rest of a code that silence has ended too early. */
  let isRest = false
  /** When a scan's terminator came: a second one right behind it (CR LF) belongs to it. */
  let terminatedMs = Number.NEGATIVE_INFINITY
  /** What the clock, not a key, had given back last: by the next key's own time that may turn out too early. */
  let givenBack: Held<K>[] = []
  /** The scanner has ended a code with a terminator before. */
  let hasTerminated = false
  const ends = createCodeEnds(suffix === 'none' ? 'silence' : suffix === 'any' ? 'unknown' : 'terminator')
  /** What the last half of a code was pressed as. */
  let halfHeld: readonly Held<K>[] = []
  /** The left Alt is down since then, and these digits of the keypad came with it. */
  let alt: { readonly downMs: number; readonly keys: K[] } | undefined
  let isAltRight = false

  const keysOf = (some: readonly Held<K>[]) => some.flatMap((one) => one.keys)
  const isPrefixed = () => prefix !== '' && textOf(held).startsWith(prefix)

  /** How far the held keys, from `first` on, are behind a scanner's slowest mean pace. */
  function lagMs(first: number): number {
    const from = held[first]
    const to = held.at(-1)
    if (!from || !to) return 0
    return to.timeMs - from.timeMs - maxMeanGapMs * (to.count - from.count)
  }

  /** So fast, so far, that only a scanner can be at it. */
  function isBurst(): boolean {
    return held.length >= 2 && lagMs(0) <= 0
  }

  /** So fast, this key included. */
  function isFast({ timeMs }: K): boolean {
    const from = held[0]
    if (!from) return false
    return isBurst() || timeMs - from.timeMs <= maxMeanGapMs * (count - from.count)
  }

  function isScan(): boolean {
    if (isPrefixed()) return textOf(held).length > prefix.length
    return held.length >= minLength && lagMs(0) <= 0
  }

  /** Gives back the oldest keys until the rest may be a burst. */
  function releaseTyped(): WedgeDecision<K>[] {
    if (prefix !== '' && (isPrefixed() || prefix.startsWith(textOf(held)))) return []
    let typed = 0
    while (typed < held.length - 1 && lagMs(typed) > maxGapMs - maxMeanGapMs) typed++
    return release(keysOf(held.splice(0, typed)))
  }

  /** Ends what is held: it was a scan, or it was typed. `endedMs`: when the key that ends it was pressed, if one did. */
  function finish(endedMs?: number): WedgeDecision<K>[] {
    // A key behind the code that no code contains was this scanner's way of ending one.
    while (held.length > 0 && held.at(-1)?.fault?.reason === 'unknown_key') held.pop()
    const scanned = isScan()
    const data = textOf(held)
    // A terminator typed as Ctrl+M or Ctrl+J that was heard late is all that a rest may be.
    const isCut = isRest && withoutTerminator(data) !== ''
    const keys = keysOf(held)
    const pace = paceOf(held)
    const digits = alt?.keys ?? []
    const code = withoutTerminator(data.slice(isPrefixed() ? prefix.length : 0))
    const isEnded = endedMs !== undefined || withoutTerminator(data) !== data
    const strange =
      strangeBurst(scanned, isCut, [...data].length) ??
      (scanned || isEnded ? strangeEnd(code, scanned, isEnded) : undefined)
    const timeMs = endedMs ?? held.at(-1)?.timeMs ?? 0
    held = []
    overflow = 0
    isInterrupted = false
    isRest = false
    // A person presses the keypad slowly: what is left of this Alt is theirs.
    if (digits.length > 0) alt = undefined
    if (strange) return [{ kind: 'strange', strange }, ...release(digits)]
    if (scanned && code !== '') return [{ kind: 'scan', data: code, pace, timeMs }, ...release(digits)]
    return release([...keys, ...digits])
  }

  /** Whether a burst lacks its end, or its beginning: what a scanner that ends its codes did not end. */
  function strangeEnd(code: string, scanned: boolean, isEnded: boolean): StrangeBurst | undefined {
    const beganMs = held[0]?.timeMs ?? lastMs
    const strange = { reason: 'unended', length: [...code].length } as const
    if (isEnded && ends.isRest(beganMs)) {
      ends.forgetHalf()
      // So few keys are the scanner's too: nobody types and ends it within this time.
      return scanned || isBurst() || held.length === 1 ? strange : undefined
    }
    if (isEnded) {
      if (scanned) ends.ended()
      return undefined
    }
    if (code === '' || ends.silenced(code, beganMs, lastMs)) return undefined
    halfHeld = held.map((one) => ({ ...one, keys: [] }))
    return strange
  }

  /** By its own time the key that was pressed now belongs to the code whose end was missing: it goes on. */
  function goOn(): void {
    if (ends.half === null) return
    held = [...halfHeld]
    ends.forgetHalf()
  }

  function strangeBurst(scanned: boolean, isCut: boolean, length: number): StrangeBurst | undefined {
    if (overflow > 0) return { reason: 'too_long', length: length + overflow }
    if (isCut) return { reason: 'cut', length }
    if (!scanned) return undefined
    const fault = held.find((one) => one.fault)?.fault
    if (fault) return { ...fault, length }
    return isInterrupted ? { reason: 'interrupted', length } : undefined
  }

  /** What comes of the keys before, now that another has been pressed at this time. */
  function settle(timeMs: number, follows: boolean): readonly WedgeDecision<K>[] {
    const before = givenBack
    const isCut = isSilenced && follows && timeMs - lastMs <= maxGapMs
    givenBack = []
    isSilenced = false
    if (timeMs - lastMs > maxGapMs) return finish()
    if (isCut && ends.half) goOn()
    else if (isCut) isRest = true
    // The keys before were given back, and this one follows them as closely as a scanner types.
    const keys = keysOf(before)
    if (held.length > 0 || keys.length === 0 || !follows) return []
    held = before
    return [{ kind: 'takeBack', keys }]
  }

  function hold(keys: readonly K[], timeMs: number, part: Pick<Held<K>, 'text' | 'dead' | 'fault'>): void {
    lastMs = timeMs
    held.push({ ...part, keys, timeMs, count })
  }

  function key(pressed: K, heardMs = pressed.timeMs): readonly WedgeDecision<K>[] {
    lateMs = Math.max(0, heardMs - pressed.timeMs)
    if (pressed.code === 'AltLeft' && !pressed.repeat) alt = { downMs: pressed.timeMs, keys: [] }
    if (pressed.code === 'AltRight') isAltRight = true
    else if (!pressed.alt && !pressed.altGraph) isAltRight = false
    if (isAltDigit(pressed)) return altDigit(pressed)

    const meaning = meaningOf(pressed, settings, isAltRight)
    if (meaning.kind === 'modifier') return [{ kind: 'pass' }]
    count++
    if (meaning.kind === 'end' && isSilenced && pressed.timeMs - lastMs <= maxGapMs) {
      isSilenced = false
      if (!ends.half) return [terminator(pressed)]
      goOn()
    }
    const decided = settle(pressed.timeMs, meaning.kind === 'text' && !pressed.repeat && isOurs(pressed, meaning))
    if (pressed.repeat) return [...decided, ...finish(), { kind: 'pass' }]
    if (meaning.kind === 'end') return [...decided, ...end(pressed)]
    if (meaning.kind === 'text') return [...decided, ...text(pressed, meaning)]
    if (!isRest && !isScan()) return [...decided, ...finish(), { kind: 'pass' }]
    // Nobody presses a key within a burst.
    hold([], pressed.timeMs, { text: '', dead: false, fault: { reason: 'unknown_key', keyName: pressed.key } })
    return [...decided, { kind: 'swallow' }]
  }

  function end(pressed: K): readonly WedgeDecision<K>[] {
    const isSecond = held.length === 0 && pressed.timeMs - terminatedMs <= maxGapMs
    const isLate = held.length === 0 && ends.isRest(pressed.timeMs)
    const ended = isLate ? [] : finish(pressed.timeMs)
    if (isLate) ends.forgetHalf()
    const isTerminator = isSecond || isLate || ended.some((decision) => decision.kind !== 'release')
    return [...ended, isTerminator ? terminator(pressed) : { kind: 'pass' }]
  }

  function terminator({ timeMs }: K): WedgeDecision<K> {
    terminatedMs = timeMs
    hasTerminated = true
    return { kind: 'swallow' }
  }

  /** Whether a key that stands for something may be kept from acting. */
  function isOurs(pressed: K, { text, holdable }: WedgeMeaning & { readonly kind: 'text' }): boolean {
    // What follows a dead key that has acted is composed by the host, and cannot be typed for a person later.
    const last = held.at(-1)
    const follows = last !== undefined && last.keys.length === 0 && (last.dead || last.fault?.reason === 'dead_key')
    if (holdable && !(follows && !isBurst())) return true
    return (isFast(pressed) && !follows) || isBurst() || (prefix !== '' && prefix.startsWith(textOf(held) + text))
  }

  function text(pressed: K, meaning: WedgeMeaning & { readonly kind: 'text' }): readonly WedgeDecision<K>[] {
    const { text: typed, dead, holdable, opens, fault } = meaning
    // The LF of a CR LF, typed as Ctrl+J.
    const isLineEnd = (typed === '\n' || typed === '\r') && !holdable
    if (isLineEnd && held.length === 0 && pressed.timeMs - terminatedMs <= maxGapMs) return [{ kind: 'swallow' }]
    if (held.length >= maxLength) {
      lastMs = pressed.timeMs
      overflow++
      return [{ kind: 'swallow' }]
    }
    const part = { text: typed, dead, ...(fault && { fault: { reason: fault } }) }
    if (isRest) {
      hold([], pressed.timeMs, part)
      return [{ kind: 'swallow' }]
    }
    if (isOurs(pressed, meaning)) {
      hold([pressed], pressed.timeMs, part)
      return [...releaseTyped(), { kind: 'hold' }]
    }
    if (!opens) return [...finish(), { kind: 'pass' }]
    // It acts, and may open a burst all the same. What a dead key made of this one, only the host knows.
    const unknown = holdable && held.at(-1)?.fault
    const before = keysOf(held)
    held = held.map((one) => ({ ...one, keys: [] }))
    hold([], pressed.timeMs, unknown ? { ...part, fault: unknown } : part)
    return [...release(before), ...releaseTyped(), { kind: 'pass' }]
  }

  function isAltDigit({ code, altGraph, ctrl, meta, timeMs, ...pressed }: K): boolean {
    if (!alt || !pressed.alt || altGraph || ctrl || meta || pressed.repeat || !/^Numpad\d$/.test(code)) return false
    return alt.keys.length > 0 || timeMs - alt.downMs <= maxGapMs
  }

  function altDigit(pressed: K): readonly WedgeDecision<K>[] {
    const decided = settle(pressed.timeMs, true)
    if (!alt) return [...decided, { kind: 'pass' }]
    // Alt is a key pressed too.
    count += alt.keys.length === 0 ? 2 : 1
    alt.keys.push(pressed)
    lastMs = pressed.timeMs
    return [...decided, { kind: 'hold' }]
  }

  function keyUp({ code, timeMs }: Pick<WedgeKey, 'code' | 'timeMs'>): readonly WedgeDecision<K>[] {
    if (code === 'AltRight') isAltRight = false
    if (code !== 'AltLeft' || !alt) return []
    const { keys } = alt
    alt = undefined
    if (keys.length === 0) return []
    const character = altCharacter(keys.map((one) => one.code.slice('Numpad'.length)).join(''))
    if (character === undefined) return [...finish(), ...release(keys)]
    hold(keys, timeMs, { text: character, dead: false })
    return releaseTyped()
  }

  function interrupt(): void {
    isInterrupted = isBurst()
  }

  function deadlineMs(): number | undefined {
    if (held.length === 0 && (alt?.keys.length ?? 0) === 0) return undefined
    const isUnderWay = isRest || (isBurst() && held.length >= 3)
    const silence = hasTerminated ? silenceMs.terminatingScanner : silenceMs.unknownScanner
    const moreMs = isUnderWay ? Math.max(silence, maxGapMs, Math.min(lateMs, longestLateMs)) : maxGapMs
    return lastMs + lateMs + moreMs
  }

  function tick(timeMs: number): readonly WedgeDecision<K>[] {
    const dueMs = deadlineMs()
    if (dueMs === undefined || timeMs <= dueMs) return []
    const before = held
    const decided = finish()
    givenBack = decided.some((decision) => decision.kind === 'release') ? before : []
    isSilenced = decided.some((decision) => decision.kind === 'scan' || decision.kind === 'strange')
    return decided
  }

  return { key, keyUp, interrupt, tick, deadlineMs }
}

function release<K extends WedgeKey>(keys: readonly K[]): WedgeDecision<K>[] {
  return keys.length > 0 ? [{ kind: 'release', keys }] : []
}

function paceOf(held: readonly { readonly timeMs: number; readonly count: number }[]): WedgePace {
  const [first, last] = [held[0], held.at(-1)]
  if (!first || !last) return { keys: 0, durationMs: 0, longestGapMs: 0 }
  const gaps = held.slice(1).map((one, index) => one.timeMs - (held[index]?.timeMs ?? one.timeMs))
  return {
    keys: last.count - first.count + 1,
    durationMs: last.timeMs - first.timeMs,
    longestGapMs: Math.max(0, ...gaps),
  }
}

/** What the held keys type on the scanner's layout. */
function textOf(held: readonly { readonly text: string; readonly dead: boolean }[]): string {
  let text = ''
  let waiting = ''
  for (const one of held) {
    if (waiting !== '' && one.text !== '') {
      text += compose(waiting, one.text)
      waiting = ''
    } else if (one.dead) waiting = one.text
    else text += one.text
  }
  return text + waiting
}

/** One CR, LF or CR LF at the end is the scanner's, typed as Ctrl+M and Ctrl+J; what is before it is data. */
function withoutTerminator(data: string): string {
  return data.replace(/(\r\n|\r|\n)$/, '')
}
