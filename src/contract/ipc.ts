/**
 * The IPC carrier's channels, in a file without zod: the preload bundles it and stays a few hundred bytes.
 *
 * `call` is invoked with a name and an input and answers a Result. `event` carries a topic, a payload and its number;
 * every topic is sent, and the preload keeps those that somebody listens to. `read` says up to which number the page has
 * read them, now and then (`readEvery`), and 0 when a page begins: the carrier has no bound of its own.
 */
export const ipcChannels = {
  /** Main asks whether the page's thread still runs; its answer goes the same way. */
  pulse: 'capstan:pulse',
  call: 'capstan:call',
  event: 'capstan:event',
  read: 'capstan:read',
} as const

/** How often a page says what it has read, in events. */
export const readEvery = 16

/** The carrier's own topic: events were left out because the page could not keep up; it asks for everything anew. */
export const missedTopic = 'carrier.missed'
