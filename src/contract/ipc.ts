/**
 * The IPC carrier's channels, in a file without zod: the preload bundles it and stays a few hundred bytes.
 *
 * `call` is invoked with a name and an input and answers a Result. `event` carries a topic and a payload;
 * every topic is sent, and the preload keeps those that somebody listens to.
 */
export const ipcChannels = { call: 'capstan:call', event: 'capstan:event' } as const
