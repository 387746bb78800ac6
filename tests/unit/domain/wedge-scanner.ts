import type { KeyboardLayout } from '#contract/station/keyboard-layout.ts'
import { characterAt, compose, strokesOf } from '#domain/keyboard-layouts.ts'
import type { Stroke } from '#domain/keyboard-layouts.ts'
import { createWedgeReader } from '#domain/wedge.ts'
import type { StrangeBurst, WedgeDecision, WedgeKey, WedgeSettings } from '#domain/wedge.ts'

/** A key of this machine, and who pressed it. */
export interface Press extends WedgeKey {
  readonly by: 'person' | 'scanner'
}

/** What reaches the window: a key pressed, or one let go. */
export type Event = Press | { readonly up: string; readonly timeMs: number }

/** A machine: the layout it is set to, CapsLock, and whether its keydown shows what a dead key composed. */
export interface Host {
  readonly layout: KeyboardLayout
  readonly capsLock?: boolean
  readonly showsComposed?: boolean
}

type Modified = Stroke & { readonly ctrl?: boolean; readonly name?: string }

/** A keyboard, a person's or a scanner's, plugged into a machine: turns strokes into what the window hears. */
export function createKeyboard(host: Host, by: Press['by']) {
  let waiting = ''

  function press(stroke: Modified, timeMs: number): Event[] {
    const { code, shift, altGraph, ctrl = false, name } = stroke
    // A keyboard of the US has no AltGr: its right Alt is an Alt.
    const hasAltGraph = host.layout !== 'us'
    const isAlt = altGraph && !hasAltGraph
    const isFlipped = host.capsLock === true && code.startsWith('Key')
    const typed = name
      ? undefined
      : characterAt(host.layout, code, { shift: shift !== isFlipped, altGraph: altGraph && hasAltGraph })
    let key = name ?? typed?.character ?? 'Unidentified'
    // With Ctrl nothing waits.
    if (ctrl) waiting = ''
    else if (typed?.dead) {
      key = 'Dead'
      waiting = typed.character
    } else if (typed && waiting !== '') {
      const composed = compose(waiting, typed.character)
      if (host.showsComposed && composed.length === 1) key = composed
      waiting = ''
    }
    const modifier = { shift, ctrl, alt: isAlt, meta: false, altGraph: altGraph && hasAltGraph, repeat: false }
    const common = { ...modifier, capsLock: host.capsLock ?? false, timeMs, by }
    const named = (other: string, itsCode: string): Press => ({ ...common, key: other, code: itsCode })
    return [
      ...(shift ? [named('Shift', 'ShiftLeft')] : []),
      ...(ctrl ? [named('Control', 'ControlLeft')] : []),
      ...(altGraph ? [named(hasAltGraph ? 'AltGraph' : 'Alt', 'AltRight')] : []),
      { ...common, key, code },
      ...(altGraph ? [{ up: 'AltRight', timeMs }] : []),
    ]
  }

  return { press }
}

/** The strokes of a code as a scanner of that layout sends them. */
export function strokesOfCode(
  layout: KeyboardLayout,
  code: string,
  groupSeparator: WedgeSettings['groupSeparator'],
): Modified[] {
  return [...code].flatMap((character): readonly Modified[] => {
    if (character === '\u001d') return separator(layout, groupSeparator)
    const strokes = strokesOf(layout, character)
    if (!strokes) throw new Error(`${layout} cannot type ${character}`)
    return strokes
  })
}

function separator(layout: KeyboardLayout, form: WedgeSettings['groupSeparator']): readonly Modified[] {
  const plain = { shift: false, altGraph: false }
  if (form === 'control_bracket') return [{ ...plain, code: 'BracketRight', ctrl: true }]
  if (form === 'brace' || form === 'pipe') return strokesOf(layout, form === 'brace' ? '}' : '|') ?? []
  const name = { f8: 'F8', f12: 'F12', arrow_down: 'ArrowDown' }[form]
  return [{ ...plain, code: name, name }]
}

export const suffixes = ['enter', 'enter_line_feed', 'tab', 'none'] as const

/** The strokes that end a code. */
export function strokesOfSuffix(suffix: (typeof suffixes)[number]): Modified[] {
  const plain = { shift: false, altGraph: false }
  const enter = { ...plain, code: 'Enter', name: 'Enter' }
  if (suffix === 'enter') return [enter]
  if (suffix === 'tab') return [{ ...plain, code: 'Tab', name: 'Tab' }]
  return suffix === 'none' ? [] : [enter, { ...plain, code: 'KeyJ', ctrl: true, name: 'j' }]
}

/** What comes of it, seen from outside: the scans, the bursts that cannot be told, and the keys that acted. */
export function run(events: readonly Event[], settings: WedgeSettings) {
  const reader = createWedgeReader<Press>(settings)
  const scans: string[] = []
  const strange: StrangeBurst[] = []
  const acted: Press[] = []
  const decide = (decisions: readonly WedgeDecision<Press>[], current?: Press) => {
    for (const decision of decisions) {
      if (decision.kind === 'scan') scans.push(decision.data)
      if (decision.kind === 'strange') strange.push(decision.strange)
      if (decision.kind === 'release') acted.push(...decision.keys)
      if (decision.kind === 'takeBack') acted.splice(-decision.keys.length)
      if (decision.kind === 'pass' && current && !isModifier(current)) acted.push(current)
    }
  }
  const wait = (untilMs: number) => {
    for (let due = reader.deadlineMs(); due !== undefined && due < untilMs; due = reader.deadlineMs()) {
      decide(reader.tick(due + 1))
    }
  }
  for (const event of events) {
    wait(event.timeMs)
    if ('up' in event) decide(reader.keyUp({ code: event.up, timeMs: event.timeMs }))
    else decide(reader.key(event), event)
  }
  wait(Number.POSITIVE_INFINITY)
  return { scans, strange, acted, by: (who: Press['by']) => acted.filter((key) => key.by === who) }
}

function isModifier({ key }: Press): boolean {
  return ['Shift', 'Control', 'Alt', 'AltGraph'].includes(key)
}
