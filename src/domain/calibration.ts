import type { Calibration } from '#contract/station/calibration.ts'
import { keyboardLayoutSchema, type KeyboardLayout } from '#contract/station/keyboard-layout.ts'
import { characterAt, compose, strokesOf } from './keyboard-layouts.ts'
import type { WedgePace } from './wedge.ts'

const groupSeparator = '\u001d'
const digits = '0123456789'
const capitals = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const letters = 'zyxwvutsrqponmlkjihgfedcba'
const marks = ['!"#$%&\'(', ')*+,-./:', ';<=>?@[\\', ']^_`{|}~'] as const
const gs1 = { before: '010400638133393110ABC', after: '21XYZ' } as const

/** One code of the calibration sheet. */
export interface CalibrationCode {
  readonly name: 'digits' | 'capitals' | 'letters' | 'marks_1' | 'marks_2' | 'marks_3' | 'marks_4' | 'gs1'
  readonly symbology: 'code128' | 'gs1_128'
  /** What a scanner without faults sends, GS as U+001D. */
  readonly text: string
}

/** The codes in the order in which they are scanned. Each mark has a space behind it: on a dead key it swallows that. */
export const calibrationCodes: readonly CalibrationCode[] = [
  { name: 'digits', symbology: 'code128', text: digits },
  { name: 'capitals', symbology: 'code128', text: capitals },
  { name: 'letters', symbology: 'code128', text: letters },
  ...marks.map((signs, index) => ({
    name: `marks_${(index + 1) as 1 | 2 | 3 | 4}` as const,
    symbology: 'code128' as const,
    text: `${[...signs].join(' ')} 0`,
  })),
  { name: 'gs1', symbology: 'gs1_128', text: gs1.before + groupSeparator + gs1.after },
]

/** What arrived when a code of the sheet was scanned. */
export interface CalibrationReading {
  readonly text: string
  /** How its keys came, when that was measured. */
  readonly pace?: WedgePace
  /** It could not be told from its keys, because of a key that is dead on this computer; `text` is empty. */
  readonly isUntold?: boolean
}

export type CalibrationReadings = Readonly<Partial<Record<CalibrationCode['name'], CalibrationReading>>>

/** What is wrong with how a scanner is set, and what to do about it at the scanner. */
export interface CalibrationFault {
  readonly code: keyof typeof hints
  readonly hint: string
  /** The characters it is about, if it is about some. */
  readonly characters: string
}

const hints = {
  incomplete: 'Scan all codes of the sheet, each once.',
  lengths:
    "Characters are lost or doubled. Set the scanner to this computer's keyboard country, and its typing slower.",
  layout: "Set the scanner to this computer's keyboard country, or tell Capstan the layout the scanner is set to.",
  caps_inverted: 'Switch CapsLock off, or the inverted case in the scanner.',
  case_lost: 'Switch off "convert to capitals" (or to small letters) in the scanner.',
  characters_lost: "Some characters do not arrive. Set the scanner to this computer's keyboard country.",
  characters_merged: "Some characters arrive as the same one. Set the scanner to this computer's keyboard country.",
  dead_keys:
    'Some characters are, or may be, dead keys here: a space after them is lost. Use a keyboard layout without dead keys.',
  separator_lost: 'Switch on "transmit FNC1 as GS" (GS1) in the scanner, as Ctrl+] or function key.',
  separator_ambiguous: 'The GS1 separator arrives as an ordinary character. Set the scanner to send GS as Ctrl+].',
  slow: 'The scanner types slowly. Set its delay between characters to 0, or give its codes a prefix.',
} as const

export interface CalibrationFindings {
  /** Undoes what can be undone; null when too little could be made out. */
  readonly calibration: Calibration | null
  /** Whether the text arrives as it is in the code: then there is nothing to repair. */
  readonly isFaithful: boolean
  /** Layouts of scanner and computer that explain every character; several may. None when none does, or both are alike. */
  readonly layouts: readonly { readonly scanner: KeyboardLayout; readonly host: KeyboardLayout }[]
  /** Whether it sends AIM identifiers: they are kept. */
  readonly hasAim: boolean
  readonly meanGapMs: number | null
  /** Limits that suit the measured pace; null when none was measured, or it is no faster than a person. */
  readonly limits: { readonly maxGapMs: number; readonly maxMeanGapMs: number } | null
  readonly faults: readonly CalibrationFault[]
  /** Printable ASCII that cannot be told any more when it arrives. */
  readonly lost: string
}

/**
 * Finds out what a keyboard scanner makes of codes, from what arrived of the codes of the sheet.
 *
 * Guesses nothing about characters: each is taken from what arrived. Layouts are named to say what to set where.
 */
export function calibrate(readings: CalibrationReadings): CalibrationFindings {
  const faults: CalibrationFault[] = []
  const tell = (code: CalibrationFault['code'], characters = ''): void => {
    faults.push({ code, hint: hints[code], characters })
  }
  const meanGapMs = meanGapOf(Object.values(readings))
  const limits = limitsOf(Object.values(readings), meanGapMs)
  if (meanGapMs !== null && limits === null) tell('slow')
  const nothing = {
    calibration: null,
    isFaithful: false,
    layouts: [],
    hasAim: false,
    meanGapMs,
    limits,
    faults,
    lost: '',
  }

  if (calibrationCodes.some(({ name }) => readings[name] === undefined)) {
    tell('incomplete')
    return nothing
  }
  const isUntold = (name: CalibrationCode['name']): boolean => readings[name]?.isUntold === true
  if (isUntold('digits') || isUntold('capitals') || isUntold('letters')) {
    tell('dead_keys')
    return nothing
  }
  const read = (name: CalibrationCode['name']): string[] => [...(readings[name]?.text ?? '')]
  const frame = frameOf([
    [read('digits'), digits],
    [read('capitals'), capitals],
    [read('letters'), letters],
  ])
  if (frame === null) {
    tell('lengths')
    return nothing
  }
  /** What arrives for each character of the codes. */
  const arrives = new Map<string, string>()
  for (const [name, text] of [
    ['digits', digits],
    ['capitals', capitals],
    ['letters', letters],
  ] as const) {
    const inner = read(name).slice(frame.prefix.length)
    ;[...text].forEach((character, index) => arrives.set(character, inner[index] ?? ''))
  }
  const dead = new Map<string, string>()
  marks.forEach((signs, index) => {
    const name = `marks_${(index + 1) as 1 | 2 | 3 | 4}` as const
    const inner = innerOf(read(name), frame)
    for (const [sign, form] of inner === null ? [] : readMarks(inner, [...signs], arrives.get('0') ?? '')) {
      if (form.text !== '') arrives.set(sign, form.text)
      if (form.isDead) dead.set(sign, form.text)
    }
  })
  // A letter or digit that arrives as an accent came by a key that is dead nearly everywhere.
  for (const [character, text] of arrives) {
    const isSign = marks.join('').includes(character)
    const isAccent = '`´¨^~˘˙°˝ˇ¸˛'.includes(text) || (!digits.includes(character) && `'"`.includes(text))
    if (!isSign && text !== '' && isAccent) dead.set(character, text)
  }
  arrives.set(' ', ' ')

  const table = invert(arrives, dead)
  const missing = [...marks.join('')].filter((sign) => !arrives.has(sign))
  const untold = marks.flatMap((signs, index) => (isUntold(`marks_${(index + 1) as 1 | 2 | 3 | 4}`) ? [...signs] : []))
  const merged = [...arrives.keys()].filter((character) => !table.isSure(character))
  const isLetterMerged = merged.some((character) => capitals.includes(character))
  const gone = missing.filter((sign) => !untold.includes(sign))
  if (gone.length > 0) tell('characters_lost', gone.join(''))
  if (isLetterMerged) tell('case_lost')
  const mergedMarks = merged.filter((character) => !(capitals + letters).includes(character))
  if (mergedMarks.length > 0) tell('characters_merged', mergedMarks.join(''))
  if (dead.size > 0 || untold.length > 0) tell('dead_keys', [...dead.keys(), ...untold].join(''))

  const aim = `${arrives.get(']') ?? ']'}${arrives.get('C') ?? ''}`
  const hasAim = frame.prefix.endsWith(aim + (arrives.get('0') ?? ''))
  const prefix = hasAim ? frame.prefix.slice(0, -aim.length - 1) : frame.prefix
  const separator = separatorOf(
    read('gs1').join(''),
    prefix,
    hasAim ? `${aim}${arrives.get('1') ?? ''}` : '',
    frame.suffix,
    arrives,
  )
  const isTold = separator !== null && separator !== '' && ![...arrives.values()].includes(separator)
  if (separator === null || separator === '') tell('separator_lost')
  else if (!isTold) tell('separator_ambiguous', separator)

  const isSame = [...arrives].every(([character, text]) => character === text)
  const layouts = isSame ? [] : explain(arrives)
  const isInverted = [...capitals].every((capital) => {
    const text = arrives.get(capital) ?? ''
    return text !== text.toUpperCase() && arrives.get(capital.toLowerCase()) === text.toUpperCase()
  })
  if (isInverted) tell('caps_inverted')
  else if (!isSame && !isLetterMerged) tell('layout')

  const calibration: Calibration = {
    prefix,
    suffix: frame.suffix,
    characters: table.characters,
    groupSeparator: isTold && separator !== groupSeparator ? separator : null,
  }
  const isFaithful = isSame && prefix === '' && frame.suffix === '' && separator === groupSeparator && dead.size === 0
  return { calibration, isFaithful, layouts, hasAim, meanGapMs, limits, faults, lost: [...missing, ...merged].join('') }
}

/** What a scan means that arrived from a calibrated scanner. What the calibration does not know stays as it is. */
export function repair(text: string, { prefix, suffix, characters, groupSeparator: separator }: Calibration): string {
  const start = prefix !== '' && text.startsWith(prefix) ? prefix.length : 0
  const end = suffix !== '' && text.endsWith(suffix) ? Math.max(start, text.length - suffix.length) : text.length
  const inner = text.slice(start, end)
  let meant = ''
  for (let at = 0; at < inner.length;) {
    const isSeparator = separator !== null && inner.startsWith(separator, at)
    const pair = inner.slice(at, at + 2)
    const known = pair.length === 2 && Object.hasOwn(characters, pair) ? pair : (pair[0] ?? '')
    meant += isSeparator ? groupSeparator : Object.hasOwn(characters, known) ? characters[known] : known
    at += isSeparator ? separator.length : known.length
  }
  return meant
}

interface Frame {
  readonly prefix: string
  readonly suffix: string
}

/** What all readings begin and end with; null when they are not of the lengths that a frame explains. */
function frameOf(readings: readonly (readonly [string[], string])[]): Frame | null {
  const extras = new Set(readings.map(([read, text]) => read.length - text.length))
  const [extra = -1] = extras
  if (extras.size !== 1 || extra < 0) return null
  const [first = []] = readings.map(([read]) => read)
  const isShared = (at: number) => readings.every(([read]) => read.at(at) === first.at(at))
  let before = 0
  while (before < extra && isShared(before)) before += 1
  const after = extra - before
  for (let at = 1; at <= after; at += 1) if (!isShared(-at)) return null
  return { prefix: first.slice(0, before).join(''), suffix: first.slice(first.length - after).join('') }
}

function innerOf(read: string[], { prefix, suffix }: Frame): string[] | null {
  const text = read.join('')
  if (!text.startsWith(prefix) || !text.endsWith(suffix)) return null
  return Array.from(text.slice(prefix.length, text.length - suffix.length))
}

interface Form {
  /** What arrives; empty for a sign that is lost or cannot be made out. */
  readonly text: string
  readonly isDead: boolean
}

/**
 * Takes a code of signs apart, each of which came as `x `, as a dead key that swallowed the space (`x`), as a dead key
 * of the scanner with a space of its own (`x  `), or not at all (` ` or two of them). Only what all ways of reading it agree in is
 * answered.
 */
function readMarks(read: readonly string[], signs: readonly string[], end: string): Map<string, Form> {
  const ways: Form[][] = []
  const go = (at: number, forms: Form[]): void => {
    if (forms.length === signs.length) {
      if (read.length === at + 1 && read[at] === end) ways.push(forms)
      return
    }
    const [text, second, third] = [read[at], read[at + 1], read[at + 2]]
    if (text === undefined) return
    if (text === ' ') {
      go(at + 1, [...forms, { text: '', isDead: false }])
      if (second === ' ') go(at + 2, [...forms, { text: '', isDead: false }])
      return
    }
    // Also before a space: it may be what is left of the next sign.
    go(at + 1, [...forms, { text, isDead: true }])
    if (second !== ' ') return
    go(at + 2, [...forms, { text, isDead: false }])
    if (third === ' ') go(at + 3, [...forms, { text: `${text} `, isDead: false }])
  }
  go(0, [])
  const [first, ...others] = ways
  const isAgreed = (form: Form, index: number) =>
    others.every((way) => way[index]?.text === form.text && way[index]?.isDead === form.isDead)
  return new Map(
    (first ?? []).flatMap((form, index) => (isAgreed(form, index) ? [[signs[index] ?? '', form] as const] : [])),
  )
}

/** From what arrives back to what was meant, as far as that is one thing. */
function invert(arrives: ReadonlyMap<string, string>, dead: ReadonlyMap<string, string>) {
  const meanings = new Map<string, string[]>()
  for (const [character, text] of arrives) meanings.set(text, [...(meanings.get(text) ?? []), character])
  // A sign with a space of its own cannot be told from that sign and a space, when the sign alone means something.
  const isSure = (character: string): boolean => {
    const text = arrives.get(character) ?? ''
    return meanings.get(text)?.length === 1 && (text.length === 1 || !meanings.has(text[0] ?? ''))
  }
  const characters: Record<string, string> = {}
  for (const [character, text] of arrives) if (text !== character && isSure(character)) characters[text] = character
  for (const [sign, text] of dead) {
    for (const [character, next] of arrives) {
      const composed = compose(text, next)
      const isNew = [...composed].length === 1 && composed !== text && !meanings.has(composed)
      if (isNew && isSure(sign) && isSure(character)) characters[composed] = sign + character
    }
  }
  return { characters, isSure }
}

/** What arrived between the two halves of the GS1 code; null when they cannot be found. */
function separatorOf(
  read: string,
  prefix: string,
  aim: string,
  suffix: string,
  arrives: ReadonlyMap<string, string>,
): string | null {
  const typed = (text: string) => [...text].map((character) => arrives.get(character) ?? '').join('')
  const before = prefix + aim + typed(gs1.before)
  const after = typed(gs1.after) + suffix
  if (!read.startsWith(before) || !read.endsWith(after) || read.length < before.length + after.length) return null
  const separator = read.slice(before.length, read.length - after.length)
  return separator.length > 10 ? null : separator
}

/** Pairs of layouts under which every character that takes one key arrives as it did. */
function explain(arrives: ReadonlyMap<string, string>): CalibrationFindings['layouts'] {
  const layouts = keyboardLayoutSchema.options
  return layouts.flatMap((scanner) => {
    const strokes = [...arrives].flatMap(([character, text]) => {
      const [stroke, second] = strokesOf(scanner, character) ?? []
      return stroke && !second ? [{ stroke, text }] : []
    })
    return layouts
      .filter(
        (host) =>
          host !== scanner &&
          strokes.every(({ stroke, text }) => {
            const typed = characterAt(host, stroke.code, stroke)
            return typed === undefined || typed.character === text
          }),
      )
      .map((host) => ({ scanner, host }))
  })
}

/** A person types at 60 ms a key and slower: what is slower than this cannot be told from one by its pace. */
const slowestMeanGapMs = 45

function meanGapOf(readings: readonly (CalibrationReading | undefined)[]): number | null {
  const paces = readings.flatMap((reading) => (reading?.pace && reading.pace.keys > 1 ? [reading.pace] : []))
  const gaps = paces.reduce((sum, { keys }) => sum + keys - 1, 0)
  return gaps === 0 ? null : paces.reduce((sum, { durationMs }) => sum + durationMs, 0) / gaps
}

/** Room for a bad day of the same scanner, and no more: the tighter, the less typing is taken for a scan. */
function limitsOf(
  readings: readonly (CalibrationReading | undefined)[],
  meanGapMs: number | null,
): CalibrationFindings['limits'] {
  if (meanGapMs === null || meanGapMs > slowestMeanGapMs) return null
  const longestGapMs = Math.max(...readings.map((reading) => reading?.pace?.longestGapMs ?? 0))
  const steps = (ms: number, least: number, most: number) => Math.min(most, Math.max(least, Math.ceil(ms / 5) * 5))
  const maxMeanGapMs = steps(meanGapMs * 1.5, 20, 55)
  return { maxMeanGapMs, maxGapMs: Math.max(maxMeanGapMs * 2, steps(longestGapMs * 2, 40, 250)) }
}
