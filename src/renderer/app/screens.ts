/** The window's screens, in the order of the rail. */
export const screens = [
  'scan',
  'queue',
  'sessions',
  'devices',
  'settings',
  'gate',
  'review',
  'shoot',
  'products',
] as const
export type ScreenName = (typeof screens)[number]
