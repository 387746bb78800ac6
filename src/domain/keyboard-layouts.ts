import type { KeyboardLayout } from '#contract/station/keyboard-layout.ts'

/** The modifiers that choose among the characters of a key. */
export interface Modifiers {
  readonly shift: boolean
  readonly altGraph: boolean
}

/** A key press that types something: the key's place (the DOM's `event.code`) and its modifiers. */
export interface Stroke extends Modifiers {
  readonly code: string
}

/** What a key types. A dead key waits for the next one, as `´` for `é`. */
export interface KeyCharacter {
  readonly character: string
  readonly dead: boolean
}

/** The places of the rows below, by the DOM's `event.code`. */
const places = [
  ['Backquote', ...[...'1234567890'].map((digit) => `Digit${digit}`), 'Minus', 'Equal'],
  [...letters('QWERTYUIOP'), 'BracketLeft', 'BracketRight'],
  [...letters('ASDFGHJKL'), 'Semicolon', 'Quote', 'Backslash'],
  ['IntlBackslash', ...letters('ZXCVBNM'), 'Comma', 'Period', 'Slash', 'IntlRo', 'IntlYen'],
] as const

type Rows = readonly [string, string, string, string]

/**
 * The keys of each row from left to right: what each types alone, with Shift, with AltGr, with both. `◌` comes before a
 * character whose key is dead, `∅` stands for none.
 *
 * Scanners imitate Windows' layouts. Alone and with Shift: xkeyboard-config 2.35 (the `pc` symbols of each country),
 * corrected where Windows' own differs; with AltGr, as far as ASCII, currency signs and letters go: for `cz`, `fr`, `tr`,
 * `hu` and `be` as Visual Studio Code recorded Windows' on real machines (`keyboardLayouts/*.win.ts`), for the others, and
 * for which AltGr keys are dead, xkeyboard-config and the layouts' published descriptions, not recorded.
 */
const layouts: Readonly<Record<KeyboardLayout, Rows>> = {
  us: [
    '`~ 1! 2@ 3# 4$ 5% 6^ 7& 8* 9( 0) -_ =+',
    'qQ wW eE rR tT yY uU iI oO pP [{ ]}',
    'aA sS dD fF gG hH jJ kK lL ;: \'" \\|',
    '\\| zZ xX cC vV bB nN mM ,< .> /?',
  ],
  us_intl: [
    '◌`◌~ 1! 2@ 3# 4$ 5%€ 6◌^ 7& 8* 9( 0) -_ =+',
    'qQ wW eEéÉ rR tT yY uUúÚ iIíÍ oOóÓ pP [{ ]}',
    'aAáÁ sSß dD fF gG hH jJ kK lL ;: ◌\'◌" \\|',
    '\\| zZ xX cC vV bB nNñÑ mM ,<çÇ .> /?',
  ],
  uk: [
    '`¬¦ 1! 2" 3£ 4$€ 5% 6^ 7& 8* 9( 0) -_ =+',
    'qQ wW eEéÉ rR tT yY uUúÚ iIíÍ oOóÓ pP [{ ]}',
    "aAáÁ sS dD fF gG hH jJ kK lL ;: '@ #~",
    '\\| zZ xX cC vV bB nN mM ,< .> /?',
  ],
  de: [
    '◌^° 1! 2"² 3§³ 4$ 5% 6& 7/{ 8([ 9)] 0=} ß?\\ ◌´◌`',
    'qQ@ wW eE€ rR tT zZ uU iI oO pP üÜ +*~',
    "aA sS dD fF gG hH jJ kK lL öÖ äÄ #'",
    '<>| yY xX cC vV bB nN mMµ ,; .: -_',
  ],
  ch_de: [
    '§° 1+¦ 2"@ 3*# 4ç° 5% 6& 7/| 8( 9) 0= \'?◌´ ◌^◌`◌~',
    'qQ wW eE€ rR tT zZ uU iI oO pP üè[ ◌¨!]',
    'aA sS dD fF gG hH jJ kK lL öé äà{ $£}',
    '<>\\ yY xX cC vV bB nN mM ,; .: -_',
  ],
  ch_fr: [
    '§° 1+¦ 2"@ 3*# 4ç° 5% 6& 7/| 8( 9) 0= \'?◌´ ◌^◌`◌~',
    'qQ wW eE€ rR tT zZ uU iI oO pP èü[ ◌¨!]',
    'aA sS dD fF gG hH jJ kK lL éö àä{ $£}',
    '<>\\ yY xX cC vV bB nN mM ,; .: -_',
  ],
  fr: [
    '² &1 é2◌~ "3# \'4{ (5[ -6| è7◌` _8\\ ç9^ à0@ )°] =+}',
    'aA zZ eE€ rR tT yY uU iI oO pP ◌^◌¨ $£¤',
    'qQ sS dD fF gG hH jJ kK lL mM ù% *µ',
    '<> wW xX cC vV bB nN ,? ;. :/ !§',
  ],
  be: [
    '²³ &1| é2@ "3# \'4{ (5[ §6^ è7 !8 ç9{ à0} )° -_',
    'aA zZ eE€ rR tT yY uU iI oO pP ◌^◌¨[ $*]',
    'qQ sS dD fF gG hH jJ kK lL mM ù%◌´ µ£◌`',
    '<>\\ wW xX cC vV bB nN ,? ;. :/ =+◌~',
  ],
  ca_fr: [
    '#|\\ 1!± 2"@ 3/£ 4$¢ 5% 6? 7& 8* 9( 0) -_ =+',
    'qQ wW eE rR tT yY uU iI oO pP ◌^◌^[ ◌¸◌¨]',
    'aA sS dD fF gG hH jJ kK lL ;:~ ◌`◌`{ <>}',
    "«» zZ xX cC vV bB nN mM ,' .. éÉ◌´",
  ],
  it: [
    '\\| 1! 2" 3£ 4$ 5%€ 6& 7/ 8( 9) 0= \'? ì^',
    'qQ wW eE€ rR tT yY uU iI oO pP èé[{ +*]}',
    'aA sS dD fF gG hH jJ kK lL òç@ à°# ù§',
    '<> zZ xX cC vV bB nN mM ,; .: -_',
  ],
  es: [
    'ºª\\ 1!| 2"@ 3·# 4$◌~ 5%€ 6&¬ 7/ 8( 9) 0= \'? ¡¿',
    'qQ wW eE€ rR tT yY uU iI oO pP ◌`◌^[ +*]',
    'aA sS dD fF gG hH jJ kK lL ñÑ ◌´◌¨{ çÇ}',
    '<> zZ xX cC vV bB nN mM ,; .: -_',
  ],
  latam: [
    '|°¬ 1! 2" 3# 4$ 5% 6& 7/ 8( 9) 0= \'?\\ ¿¡',
    'qQ@ wW eE rR tT yY uU iI oO pP ◌´◌¨ +*~',
    'aA sS dD fF gG hH jJ kK lL ñÑ {[◌^ }]◌`',
    '<> zZ xX cC vV bB nN mM ,; .: -_',
  ],
  pt: [
    '\\| 1! 2"@ 3#£ 4$§ 5%€ 6& 7/{ 8([ 9)] 0=} \'? «»',
    'qQ wW eE€ rR tT yY uU iI oO pP +*◌¨ ◌´◌`',
    'aA sS dD fF gG hH jJ kK lL çÇ ºª ◌~◌^',
    '<> zZ xX cC vV bB nN mM ,; .: -_',
  ],
  br: [
    '\'" 1! 2@ 3#£ 4$¢ 5%¬ 6◌¨ 7& 8* 9( 0) -_ =+§',
    'qQ/ wW? eE° rR tT yY uU iI oO pP ◌´◌` [{',
    'aA sS dD fF gG hH jJ kK lL çÇ ◌~◌^ ]}',
    '\\| zZ xX cC vV bB nN mM ,< .> ;: /?°',
  ],
  nl: [
    '@§¬ 1! 2" 3# 4$ 5% 6& 7_£ 8({ 9)} 0\' /?\\ °◌~◌¸',
    'qQ wW eE€ rR tT yY uU iI oO pP ◌¨◌^ *|',
    'aA sSß dD fF gG hH jJ kK lL +± ◌´◌` <>',
    '][¦ zZ xX cC vV bB nN mM ,; .: -=',
  ],
  dk: [
    '½§ 1! 2"@ 3#£ 4¤$ 5%€ 6& 7/{ 8([ 9)] 0=} +? ◌´◌`|',
    'qQ wW eE€ rR tT yY uU iI oO pP åÅ ◌¨◌^◌~',
    "aA sS dD fF gG hH jJ kK lL æÆ øØ '*",
    '<>\\ zZ xX cC vV bB nN mMµ ,; .: -_',
  ],
  no: [
    '|§ 1! 2"@ 3#£ 4¤$ 5%€ 6& 7/{ 8([ 9)] 0=} +? \\◌`◌´',
    'qQ wW eE€ rR tT yY uU iI oO pP åÅ ◌¨◌^◌~',
    "aA sS dD fF gG hH jJ kK lL øØ æÆ '*",
    '<> zZ xX cC vV bB nN mMµ ,; .: -_',
  ],
  se: [
    '§½ 1! 2"@ 3#£ 4¤$ 5%€ 6& 7/{ 8([ 9)] 0=} +?\\ ◌´◌`',
    'qQ wW eE€ rR tT yY uU iI oO pP åÅ ◌¨◌^◌~',
    "aA sS dD fF gG hH jJ kK lL öÖ äÄ '*",
    '<>| zZ xX cC vV bB nN mMµ ,; .: -_',
  ],
  pl: [
    '`◌~ 1! 2@ 3# 4$ 5% 6^ 7& 8* 9( 0) -_ =+',
    'qQ wW eEęĘ rR tT yY uU€ iI oOóÓ pP [{ ]}',
    'aAąĄ sSśŚ dD fF gG hH jJ kK lLłŁ ;: \'" \\|',
    '\\| zZżŻ xXźŹ cCćĆ vV bB nNńŃ mM ,< .> /?',
  ],
  cz: [
    ';◌° +1~ ě2◌ˇ š3◌^ č4◌˘ ř5◌° ž6◌˛ ý7` á8◌˙ í9◌´ é0◌˝ =%◌¨ ◌´◌ˇ◌¸',
    'qQ\\ wW| eE€ rR tT zZ uU iI oO pP ú/÷ )(×',
    'aA sSđ dDĐ fF[ gG] hH jJ kKł lLŁ ů"$ §!ß ◌¨\'¤',
    '\\| yY xX# cC& vV@ bB{ nN} mM ,?< .:> -_*',
  ],
  sk: [
    ';◌° +1~ ľ2◌ˇ š3◌^ č4◌˘ ť5◌° ž6◌˛ ý7` á8◌˙ í9◌´ é0◌˝ =%◌¨ ◌´◌ˇ◌¸',
    "qQ\\ wW| eE€ rR tT zZ uU iI oO pP' ú/÷ ä(×",
    'aA sSđ dDĐ fF[ gG] hH jJ kKł lLŁ ô"$ §!ß ň)¤',
    '&*< yY> xX# cC& vV@ bB{ nN} mM ,?< .:> -_*',
  ],
  hu: [
    '0§ 1\'~ 2"◌ˇ 3+◌^ 4!◌˘ 5%◌° 6/◌˛ 7=` 8(◌˙ 9)◌´ öÖ◌˝ üÜ◌¨ óÓ◌¸',
    'qQ\\ wW| eEÄ rR tT zZ uU€ iIÍ oO pP őŐ÷ úÚ×',
    'aAä sSđ dDĐ fF[ gG] hH jJí kKł lLŁ éÉ$ áÁß űŰ¤',
    'íÍ< yY> xX# cC& vV@ bB{ nN} mM< ,?; .:> -_*',
  ],
  hr: [
    '◌¸◌¨ 1!~ 2"◌ˇ 3#◌^ 4$◌˘ 5%◌° 6&◌˛ 7/` 8(◌˙ 9)◌´ 0=◌˝ \'?◌¨ +*◌¸',
    'qQ\\ wW| eE€ rR tT zZ uU iI oO pP šŠ÷ đĐ×',
    'aA sS dD fF[ gG] hH jJ kKł lLŁ čČ ćĆß žŽ¤',
    '<> yY xX cC vV@ bB{ nN} mM§ ,; .: -_',
  ],
  tr: [
    '"é< 1!> 2\'£ 3◌^# 4+$ 5%½ 6& 7/{ 8([ 9)] 0=} *?\\ -_|',
    'qQ@ wW eE€ rR tT₺ yY uU ıIiİ oO pP ğĞ◌¨ üÜ◌~',
    'aAæÆ sSß dD fF gG hH jJ kK lL şŞ◌´ iİ ,;◌`',
    '<>| zZ xX cC vV bB nN mM öÖ çÇ .:',
  ],
  jp: [
    '∅ 1! 2" 3# 4$ 5% 6& 7\' 8( 9) 0 -= ^~',
    'qQ wW eE rR tT yY uU iI oO pP @` [{',
    'aA sS dD fF gG hH jJ kK lL ;+ :* ]}',
    '∅ zZ xX cC vV bB nN mM ,< .> /? \\_ \\|',
  ],
}

/** The keypad with NumLock, the same everywhere but for the decimal separator: the place says what a scanner meant. */
const keypad: ReadonlyMap<string, string> = new Map([
  ...[...'0123456789'].map((digit): [string, string] => [`Numpad${digit}`, digit]),
  ['NumpadDecimal', '.'],
  ['NumpadAdd', '+'],
  ['NumpadSubtract', '-'],
  ['NumpadMultiply', '*'],
  ['NumpadDivide', '/'],
])

/** What a dead key adds to the letter after it, as a combining mark. */
const marks: Readonly<Record<string, string>> = {
  '`': '\u0300',
  '´': '\u0301',
  "'": '\u0301',
  '^': '\u0302',
  '~': '\u0303',
  '˘': '\u0306',
  '˙': '\u0307',
  '¨': '\u0308',
  '"': '\u0308',
  '°': '\u030a',
  '˝': '\u030b',
  ˇ: '\u030c',
  '¸': '\u0327',
  '˛': '\u0328',
}

/** Up to four characters of a key, by `levelOf`. */
type Key = readonly (KeyCharacter | undefined)[]

const keyboards = new Map<KeyboardLayout, ReadonlyMap<string, Key>>()

/** What a key types on a layout; undefined where it types nothing. The keypad counts, with NumLock on. */
export function characterAt(layout: KeyboardLayout, code: string, modifiers: Modifiers): KeyCharacter | undefined {
  if (code === 'Space') return { character: ' ', dead: false }
  const onKeypad = keypad.get(code)
  if (onKeypad !== undefined) return { character: onKeypad, dead: false }
  return keyboardOf(layout).get(code)?.[levelOf(modifiers)]
}

/** How a layout types a character, a dead key and a space included; undefined where it cannot. */
export function strokesOf(layout: KeyboardLayout, character: string): readonly Stroke[] | undefined {
  const known = typing.get(layout) ?? typingOf(layout)
  typing.set(layout, known)
  return known.get(character)
}

const typing = new Map<KeyboardLayout, ReadonlyMap<string, readonly Stroke[]>>()

/** Every character of a layout with its strokes: the lowest level first, and no dead key where another key will do. */
function typingOf(layout: KeyboardLayout): ReadonlyMap<string, readonly Stroke[]> {
  const plain = new Map<string, readonly Stroke[]>([[' ', [space]]])
  const dead = new Map<string, readonly Stroke[]>()
  for (const level of [0, 1, 2, 3]) {
    for (const [code, key] of keyboardOf(layout)) {
      const found = key[level]
      if (!found) continue
      const stroke = { code, shift: level % 2 === 1, altGraph: level >= 2 }
      const [strokes, strokesThere] = found.dead ? [[stroke, space], dead] : [[stroke], plain]
      if (!strokesThere.has(found.character)) strokesThere.set(found.character, strokes)
    }
  }
  return new Map([...dead, ...plain])
}

/** What comes of a dead key and the character after it: one letter where there is one, the bare sign before a space. */
export function compose(dead: string, next: string): string {
  if (next === ' ') return dead
  // Windows' US-International has no ć.
  if (dead === "'" && (next === 'c' || next === 'C')) return next === 'c' ? 'ç' : 'Ç'
  const composed = (next + (marks[dead] ?? dead)).normalize('NFC')
  return [...composed].length === 1 ? composed : dead + next
}

const space: Stroke = { code: 'Space', shift: false, altGraph: false }

function levelOf({ shift, altGraph }: Modifiers): number {
  return (shift ? 1 : 0) + (altGraph ? 2 : 0)
}

function letters(row: string): string[] {
  return [...row].map((letter) => `Key${letter}`)
}

function keyboardOf(layout: KeyboardLayout): ReadonlyMap<string, Key> {
  const known = keyboards.get(layout)
  if (known) return known
  const keys = layouts[layout].flatMap((row, index) =>
    row.split(' ').map((text, column): [string, Key] => [places[index]?.[column] ?? '', charactersOf(text)]),
  )
  const built = new Map(keys)
  keyboards.set(layout, built)
  return built
}

function charactersOf(text: string): Key {
  return [...text.matchAll(/(◌?)(.)/gu)].map(([, mark, character = '']) =>
    character === '∅' ? undefined : { character, dead: mark === '◌' },
  )
}
