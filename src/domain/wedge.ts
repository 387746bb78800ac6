import type { Settings } from '#contract/station/settings.ts'

/** A key press as the window reports it. `timeMs` is when the key was pressed, on any clock that only moves forward. */
export interface WedgeKey {
  /** The key's place, as `KeyA`: the DOM's `event.code`. */
  readonly code: string
  /** What it types, or its name, as `Enter`: the DOM's `event.key`. */
  readonly key: string
  readonly shift: boolean
  readonly ctrl: boolean
  readonly alt: boolean
  readonly meta: boolean
  readonly altGraph: boolean
  /** The keyboard repeats a key that is held down; no scanner does. */
  readonly repeat: boolean
  readonly timeMs: number
}

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
  | { readonly kind: 'scan'; readonly data: string }
  /** A burst longer than any code: it was swallowed, and it is no scan. */
  | { readonly kind: 'strange'; readonly reason: 'too_long'; readonly length: number }

export type WedgeSettings = Settings['wedge']

/** Tells the bursts of a keyboard-wedge scanner from typing. */
export interface WedgeReader<K extends WedgeKey = WedgeKey> {
  key(key: K): readonly WedgeDecision<K>[]
  /** Says what time it is; after `deadlineMs()` it ends a burst that has no terminator and releases what was typed. */
  tick(timeMs: number): readonly WedgeDecision<K>[]
  /** When the next tick is due; undefined while nothing is held. */
  deadlineMs(): number | undefined
}

/** The densest symbol (QR version 40) holds 7,089 digits; the contract takes no scan beyond this. */
const maxLength = 8_192

const groupSeparator = '\u001d'

/**
 * How long a burst under way is waited for before silence ends it: keys carry the time they were pressed, but on a
 * machine under load the window may hear of them late, and a code cut in two is two wrong codes. Once the scanner has
 * shown that it ends its codes with a terminator, silence says little and is waited for longer.
 */
const silenceMs = { unknownScanner: 200, terminatingScanner: 500 } as const

/** The keys that some scanners press for the group separator instead of Ctrl+]. */
const separatorKeys: Readonly<Record<WedgeSettings['groupSeparator'], string>> = {
  control_bracket: '',
  f8: 'F8',
  f12: 'F12',
  arrow_down: 'ArrowDown',
  brace: '}',
  pipe: '|',
}

interface Held<K> {
  readonly key: K
  /** What it stands for in a code. */
  readonly text: string
}

/**
 * Creates the reader.
 *
 * A key is held while it may yet belong to a burst: no later than `maxGapMs` after the one before, and at no point
 * more than one such stall behind a pace of `maxMeanGapMs`. A burst is a scan when it ends, by Enter, Tab or silence,
 * with `minLength` characters at that mean pace; with a configured prefix at its start, any length and pace will do.
 * The rules and numbers come from measured scanners and public recognisers; people type at 60 ms a key and slower.
 */
export function createWedgeReader<K extends WedgeKey = WedgeKey>(settings: WedgeSettings): WedgeReader<K> {
  const { prefix, maxGapMs, maxMeanGapMs, minLength } = settings
  const separatorKey = separatorKeys[settings.groupSeparator]
  let held: Held<K>[] = []
  let lastMs = Number.NEGATIVE_INFINITY
  /** The burst has grown too long: it is swallowed and only counted. */
  let overflow = 0
  /** When a scan's terminator came: a second one right behind it (CR LF) belongs to it. */
  let terminatedMs = Number.NEGATIVE_INFINITY
  /** What the clock, not a key, had given back last: by the next key's own time that may turn out too early. */
  let givenBack: Held<K>[] = []
  /** The scanner has ended a code with a terminator before. */
  let hasTerminated = false

  const text = () => held.map((one) => one.text).join('')
  const isPrefixed = () => prefix !== '' && text().startsWith(prefix)

  /** How far the held keys, from `first` on, are behind a scanner's slowest mean pace. */
  function lagMs(first: number): number {
    const from = held[first]
    const to = held.at(-1)
    if (!from || !to) return 0
    return to.key.timeMs - from.key.timeMs - maxMeanGapMs * (held.length - 1 - first)
  }

  /** So fast, so far, that only a scanner can be at it. */
  function isBurst(): boolean {
    return held.length >= 2 && lagMs(0) <= 0
  }

  function isScan(): boolean {
    if (isPrefixed()) return text().length > prefix.length
    return held.length >= minLength && lagMs(0) <= 0
  }

  /** Gives back the oldest keys until the rest may be a burst. */
  function releaseTyped(): WedgeDecision<K>[] {
    if (prefix !== '' && (isPrefixed() || prefix.startsWith(text()))) return []
    let typed = 0
    while (typed < held.length - 1 && lagMs(typed) > maxGapMs - maxMeanGapMs) typed++
    if (typed === 0) return []
    return [{ kind: 'release', keys: held.splice(0, typed).map((one) => one.key) }]
  }

  /** Ends what is held: it was a scan, or it was typed. */
  function finish(): WedgeDecision<K>[] {
    const keys = held.map((one) => one.key)
    const length = held.length + overflow
    const scanned = isScan()
    const data = withoutTerminator(text().slice(isPrefixed() ? prefix.length : 0))
    held = []
    if (overflow > 0) {
      overflow = 0
      return [{ kind: 'strange', reason: 'too_long', length }]
    }
    if (scanned && data !== '') return [{ kind: 'scan', data }]
    return keys.length > 0 ? [{ kind: 'release', keys }] : []
  }

  /** What a key stands for in a code; undefined for a key that no code contains here. */
  function textOf(key: K): string | undefined {
    const isCharacter = [...key.key].length === 1
    if (key.meta) return undefined
    if (key.ctrl && !key.altGraph) {
      const control = key.alt ? undefined : controlCharacter(key)
      // Ctrl+V and its like are a person's shortcuts until a burst is under way; Ctrl+] is nobody's shortcut.
      const isOurs = control === groupSeparator || isBurst() || (prefix !== '' && prefix.startsWith(text() + control))
      return isOurs ? control : undefined
    }
    if (key.alt && !key.altGraph) return undefined
    if (key.key === separatorKey) return isCharacter || isBurst() ? groupSeparator : undefined
    return isCharacter ? key.key : undefined
  }

  function key(pressed: K): readonly WedgeDecision<K>[] {
    if (isModifier(pressed.key)) return [{ kind: 'pass' }]
    const decided = pressed.timeMs - lastMs > maxGapMs ? finish() : takeBack(pressed)
    if (pressed.repeat) return [...decided, ...finish(), { kind: 'pass' }]

    if (isTerminator(pressed)) {
      givenBack = []
      const isSecond = held.length === 0 && pressed.timeMs - terminatedMs <= maxGapMs
      const ended = finish()
      const isOurs = isSecond || ended.some((decision) => decision.kind !== 'release')
      if (isOurs) {
        terminatedMs = pressed.timeMs
        hasTerminated = true
      }
      return [...decided, ...ended, { kind: isOurs ? 'swallow' : 'pass' }]
    }

    const character = textOf(pressed)
    if (character === undefined) return [...decided, ...finish(), { kind: 'pass' }]
    lastMs = pressed.timeMs
    if (held.length >= maxLength) {
      overflow++
      return [...decided, { kind: 'swallow' }]
    }
    givenBack = []
    held.push({ key: pressed, text: character })
    return [...decided, ...releaseTyped(), { kind: 'hold' }]
  }

  /** The key before was given back, and this one follows it as closely as a scanner types. */
  function takeBack(pressed: K): WedgeDecision<K>[] {
    const keys = givenBack.map((one) => one.key)
    if (held.length > 0 || keys.length === 0 || pressed.repeat || textOf(pressed) === undefined) return []
    held = givenBack
    givenBack = []
    return [{ kind: 'takeBack', keys }]
  }

  function deadlineMs(): number | undefined {
    if (held.length === 0) return undefined
    const isUnderWay = isBurst() && held.length >= 3
    const silence = hasTerminated ? silenceMs.terminatingScanner : silenceMs.unknownScanner
    return lastMs + (isUnderWay ? Math.max(silence, maxGapMs) : maxGapMs)
  }

  function tick(timeMs: number): readonly WedgeDecision<K>[] {
    const dueMs = deadlineMs()
    if (dueMs === undefined || timeMs <= dueMs) return []
    const before = held
    const decided = finish()
    givenBack = decided.some((decision) => decision.kind === 'release') ? before : []
    return decided
  }

  return { key, tick, deadlineMs }
}

function isModifier(key: string): boolean {
  return ['Shift', 'Control', 'Alt', 'AltGraph', 'Meta', 'CapsLock', 'NumLock'].includes(key)
}

function isTerminator({ key, ctrl, alt, meta, shift }: WedgeKey): boolean {
  return (key === 'Enter' || key === 'Tab') && !ctrl && !alt && !meta && !(key === 'Tab' && shift)
}

/** Ctrl with a letter or one of `@ [ \ ] ^ _` types a control character: Ctrl+A is 1, Ctrl+] is 29. */
function controlCharacter({ code, key }: WedgeKey): string | undefined {
  if (code === 'BracketRight' || key === ']') return groupSeparator
  // Some systems report the control character itself.
  if (key.length === 1 && key < ' ') return key
  if (/^[a-zA-Z@[\\^_]$/.test(key)) return String.fromCharCode(key.toUpperCase().charCodeAt(0) & 0x1f)
  return undefined
}

/** One CR, LF or CR LF at the end is the scanner's, typed as Ctrl+M and Ctrl+J; what is before it is data. */
function withoutTerminator(data: string): string {
  return data.replace(/(\r\n|\r|\n)$/, '')
}
