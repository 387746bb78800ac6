/** The window's screens, in the order of the rail. */
export const screens = ['scan', 'queue', 'sessions', 'devices', 'settings', 'gate', 'review'] as const
export type ScreenName = (typeof screens)[number]
