import process from 'node:process'

/** Speaks with whoever has started this utility process of Electron. */
export function hostPort<In, Out>(): { send(message: Out): void; listen(take: (message: In) => void): void } {
  const port = (
    process as {
      parentPort?: {
        on(event: 'message', listener: (event: { readonly data: unknown }) => void): void
        postMessage(message: unknown): void
      }
    }
  ).parentPort
  if (!port) throw new Error('this is a utility process of Electron: the command is "capstan drill"')
  return {
    send: (message) => port.postMessage(message),
    listen: (take) => port.on('message', ({ data }) => take(data as In)),
  }
}
