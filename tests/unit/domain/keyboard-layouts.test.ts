import { describe, expect, it } from 'vitest'
import { keyboardLayoutSchema } from '#contract/station/keyboard-layout.ts'
import { characterAt, compose, strokesOf } from '#domain/keyboard-layouts.ts'

const layouts = keyboardLayoutSchema.options
const ascii = Array.from({ length: 0x7f - 0x20 }, (_, index) => String.fromCharCode(0x20 + index))
const plain = { shift: false, altGraph: false }

/** What Windows' own layout cannot type either, but by Alt and a number. */
const missing: Partial<Record<(typeof layouts)[number], string>> = { it: '`~' }

describe('the keyboard layouts', () => {
  it.each(layouts)('type all of ASCII on %s, but for what that country cannot, and read it back', (layout) => {
    const cannot = ascii.filter((character) => strokesOf(layout, character) === undefined).join('')
    expect(cannot).toBe(missing[layout] ?? '')
    for (const character of ascii) {
      const strokes = strokesOf(layout, character)
      if (!strokes) continue
      const typed = strokes.map((stroke) => characterAt(layout, stroke.code, stroke))
      const [first, second] = typed
      expect(first?.dead ? compose(first.character, second?.character ?? '') : first?.character).toBe(character)
      expect(typed).toHaveLength(first?.dead ? 2 : 1)
    }
  })

  it.each(layouts)('give every key of %s one character a level, on all the keys it has', (layout) => {
    for (const code of [
      'Backquote',
      'Digit0',
      'Minus',
      'KeyP',
      'BracketRight',
      'KeyL',
      'Quote',
      'Backslash',
      'Slash',
    ]) {
      if (layout === 'jp' && code === 'Backquote') continue
      const found = characterAt(layout, code, plain)
      expect(found?.character, code).toHaveLength(1)
    }
  })

  it.each([
    ['de', 'KeyZ', plain, 'y'],
    ['de', 'KeyQ', { shift: false, altGraph: true }, '@'],
    ['fr', 'KeyQ', plain, 'a'],
    ['fr', 'Digit1', { shift: true, altGraph: false }, '1'],
    ['be', 'Digit6', plain, '§'],
    ['ch_fr', 'Semicolon', plain, 'é'],
    ['ch_de', 'Semicolon', plain, 'ö'],
    ['it', 'BracketLeft', { shift: true, altGraph: true }, '{'],
    ['cz', 'Digit2', plain, 'ě'],
    ['hu', 'Backquote', plain, '0'],
    ['tr', 'KeyI', plain, 'ı'],
    ['tr', 'Quote', plain, 'i'],
    ['jp', 'IntlRo', { shift: true, altGraph: false }, '_'],
    ['br', 'Slash', plain, ';'],
    ['uk', 'Quote', { shift: true, altGraph: false }, '@'],
    ['pl', 'KeyL', { shift: false, altGraph: true }, 'ł'],
  ] as const)('have on %s at %s with %o the character %s', (layout, code, modifiers, character) => {
    expect(characterAt(layout, code, modifiers)?.character).toBe(character)
  })

  it('know the dead keys, and what they compose', () => {
    expect(characterAt('de', 'Backquote', plain)).toEqual({ character: '^', dead: true })
    expect(characterAt('us', 'Backquote', plain)).toEqual({ character: '`', dead: false })
    expect(strokesOf('fr', '^')?.[0]).toEqual({ code: 'Digit9', shift: false, altGraph: true })
    expect(compose('^', 'e')).toBe('ê')
    expect(compose('~', 'N')).toBe('Ñ')
    expect(compose("'", 'c')).toBe('ç')
    expect(compose('´', ' ')).toBe('´')
    expect(compose('^', 'x')).toBe('^x')
  })

  it('read the keypad by its places', () => {
    expect(characterAt('fr', 'Numpad7', plain)?.character).toBe('7')
    expect(characterAt('de', 'NumpadDecimal', plain)?.character).toBe('.')
    expect(characterAt('de', 'NumpadEnter', plain)).toBeUndefined()
  })
})
