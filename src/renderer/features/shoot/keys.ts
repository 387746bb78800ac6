/** What each key does at the desk; the one that shoots is a setting. No code holds one of them. */
export const deskKeys = {
  retake: 'Insert',
  view: 'F2',
  zoom: 'F3',
  lists: 'F4',
  earlier: 'F6',
  later: 'F7',
  leave: 'F10',
  delete: 'Delete',
  undo: 'Backspace',
  submit: 'End',
} as const

const labels: Readonly<Record<string, string>> = {
  Backspace: '\u232b',
  Delete: 'Del',
  Insert: 'Ins',
  PageUp: 'PgUp',
  PageDown: 'PgDn',
  ' ': 'Space',
}

/** What stands on a key's cap. */
export function keyLabel(key: string): string {
  return labels[key] ?? key
}
