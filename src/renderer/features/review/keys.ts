const labels: Readonly<Record<string, string>> = {
  ArrowRight: '\u2192',
  ArrowLeft: '\u2190',
  ArrowUp: '\u2191',
  ArrowDown: '\u2193',
  Backspace: '\u232b',
  Delete: 'Del',
  Insert: 'Ins',
  PageUp: 'PgUp',
  PageDown: 'PgDn',
}

/** What stands on a key's cap. */
export function keyLabel(key: string): string {
  return labels[key] ?? key
}
