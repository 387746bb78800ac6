/** More than this without the end of an event is no stream of events. */
const longestEvent = 64 * 1024

/** Reads server-sent events as they come: the name of each, `message` where it has none. Throws on what is no such stream. */
export async function* readEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const piece of body) {
    text += decoder.decode(piece, { stream: true }).replaceAll('\r', '')
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n')
      text = text.slice(end + 2)
      // A comment alone only says that the other side lives.
      if (lines.some((line) => line !== '' && !line.startsWith(':'))) {
        yield (
          lines
            .findLast((line) => line.startsWith('event:'))
            ?.slice(6)
            .trim() ?? 'message'
        )
      }
    }
    if (text.length > longestEvent) throw new Error('An event is too long')
  }
}
