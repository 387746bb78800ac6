/** The press and the release of a key, by the character it types or by its name. */
export function keyEvents(name: string) {
  const isControl = name.length === 1 && name < ' '
  const key = isControl ? String.fromCharCode(name.charCodeAt(0) + 0x40).toLowerCase() : name
  const codes: Readonly<Record<string, string>> = { ']': 'BracketRight', ' ': 'Space' }
  const code = codes[key] ?? (/^[a-z]$/i.test(key) ? `Key${key.toUpperCase()}` : /^\d$/.test(key) ? `Digit${key}` : key)
  const types = name === 'Enter' ? '\r' : name
  const text = name.length === 1 || name === 'Enter' ? { text: types } : {}
  const virtual = name === 'Enter' ? 13 : name === 'Tab' ? 9 : key.toUpperCase().charCodeAt(0)
  const common = { key, code, modifiers: isControl ? 2 : 0, windowsVirtualKeyCode: virtual }
  return [
    { ...common, ...(isControl ? {} : text), type: 'keyDown' as const },
    { ...common, type: 'keyUp' as const },
  ]
}
