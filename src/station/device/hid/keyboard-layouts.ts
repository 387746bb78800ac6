import type { KeyboardLayout } from '#contract/station/scanner-settings.ts'

/** What a key types: alone, with Shift, with AltGr. An empty string is nothing. */
export type KeyTexts = readonly [plain: string, shifted: string, altGraph: string]

/** A keyboard of a country: what its keys type, by HID usage (page 7), and which of those characters are dead. */
export interface Layout {
  readonly keys: ReadonlyMap<number, KeyTexts>
  /** Characters that wait for the next one, as `´` for `é`, where they are typed without AltGr. */
  readonly dead: string
}

/** Rows of keys: each line is what they type alone, with Shift and with AltGr, from a usage on; a space is nothing. */
interface Rows {
  readonly letters: string
  readonly shiftedLetters?: string
  /** 1 to 0. */
  readonly digits: readonly [string, string, string]
  /** Usages 0x2d to 0x38 but for 0x32: - = [ ] \ ; ' ` , . / on a US keyboard. */
  readonly marks: readonly [string, string, string]
  /** The key beside the left Shift that US keyboards lack (0x64). */
  readonly extra: readonly [string, string, string]
  /** AltGr with letters, as `e€`. */
  readonly altGraphLetters?: string
  readonly dead?: string
}

const azLetters = 'abcdefghijklmnopqrstuvwxyz'
const markUsages = [0x2d, 0x2e, 0x2f, 0x30, 0x31, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38]

/** From the keyboard layouts of the countries as Windows has them. `a` to `z` are given in order of the usages. */
const rows: Readonly<Record<KeyboardLayout, Rows>> = {
  us: {
    letters: azLetters,
    digits: ['1234567890', '!@#$%^&*()', ''],
    marks: ["-=[]\\;'`,./", '_+{}|:"~<>?', ''],
    extra: ['\\', '|', ''],
  },
  uk: {
    letters: azLetters,
    digits: ['1234567890', '!"£$%^&*()', '   €      '],
    marks: ["-=[]#;'`,./", '_+{}~:@¬<>?', '       ¦   '],
    extra: ['\\', '|', ''],
    altGraphLetters: 'aáeéiíoóuú',
  },
  de: {
    letters: 'abcdefghijklmnopqrstuvwxzy',
    digits: ['1234567890', '!"§$%&/()=', ' ²³   {[]}'],
    marks: ['ß´ü+#öä^,.-', "?`Ü*'ÖÄ°;:_", '\\  ~       '],
    extra: ['<', '>', '|'],
    altGraphLetters: 'q@e€mµ',
    dead: '´`^',
  },
  fr: {
    letters: 'qbcdefghijkl,noparstuvzxyw',
    shiftedLetters: 'QBCDEFGHIJKL?NOPARSTUVZXYW',
    digits: ['&é"\'(-è_çà', '1234567890', ' ~#{[|`\\^@'],
    marks: [')=^$*mù²;:!', '°+¨£µM% ./§', ']} ¤       '],
    extra: ['<', '>', ''],
    altGraphLetters: 'e€',
    dead: '^¨',
  },
  it: {
    letters: azLetters,
    digits: ['1234567890', '!"£$%&/()=', '    €     '],
    marks: ["'ìè+ùòà\\,.-", '?^é*§ç°|;:_', '  [] @#    '],
    extra: ['<', '>', ''],
    altGraphLetters: 'e€',
  },
  es: {
    letters: azLetters,
    digits: ['1234567890', '!"·$%&/()=', '|@#~€¬    '],
    marks: ["'¡`+çñ´º,.-", '?¿^*ÇѨª;:_', '  []} {\\   '],
    extra: ['<', '>', ''],
    altGraphLetters: 'e€',
    dead: '`^´¨',
  },
}

/** The keypad, the same everywhere: / * - + 1 to 9 0 . */
const keypad = new Map<number, string>([
  [0x54, '/'],
  [0x55, '*'],
  [0x56, '-'],
  [0x57, '+'],
  ...[...'1234567890.'].map((text, at): [number, string] => [0x59 + at, text]),
])

const keyboards = new Map<KeyboardLayout, Layout>()

/** The keyboard of a country. */
export function keyboardOf(name: KeyboardLayout): Layout {
  const known = keyboards.get(name)
  if (known) return known
  const built = build(rows[name])
  keyboards.set(name, built)
  return built
}

function build({ letters, shiftedLetters = letters.toUpperCase(), digits, marks, extra, ...rest }: Rows): Layout {
  const keys = new Map<number, KeyTexts>()
  const put = (usages: readonly number[], texts: readonly [string, string, string]): void => {
    const [plain, shifted, altGraph] = texts.map((text) => [...text]) as [string[], string[], string[]]
    usages.forEach((usage, at) => keys.set(usage, [typed(plain[at]), typed(shifted[at]), typed(altGraph[at])]))
  }
  const from = (usage: number, count: number) => Array.from({ length: count }, (_, at) => usage + at)

  const byLetter = new Map<string, string>()
  const pairs = [...(rest.altGraphLetters ?? '')]
  for (let at = 0; at + 1 < pairs.length; at += 2) byLetter.set(pairs[at] ?? '', pairs[at + 1] ?? '')
  const altGraph = [...letters].map((letter) => byLetter.get(letter) ?? ' ').join('')

  put(from(0x04, 26), [letters, shiftedLetters, altGraph])
  put(from(0x1e, 10), digits)
  put(markUsages, marks)
  // Usage 0x32 is the key of 0x31 on keyboards outside the US.
  put([0x32], [[...marks[0]][4] ?? '', [...marks[1]][4] ?? '', [...marks[2]][4] ?? ''])
  put([0x64], extra)
  keys.set(0x2c, [' ', ' ', ' '])
  for (const [usage, text] of keypad) keys.set(usage, [text, text, text])
  return { keys, dead: rest.dead ?? '' }
}

/** A space in the table is a key that types nothing. */
function typed(text: string | undefined): string {
  return text === undefined || text === ' ' ? '' : text
}
