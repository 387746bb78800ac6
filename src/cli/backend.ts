import { parseArgs } from 'node:util'
import pino from 'pino'
import { createBackend, type Backend, type BackendOptions } from '#backend/index.ts'

const usage =
  'capstan backend --data DIR --port N [--host ADDRESS] [--api-key KEY] [--products FILE.csv] ' +
  '[--user EMAIL:PASSWORD] [--session-ttl SECONDS] [--rate-limit N]'

/**
 * `capstan backend`: runs the reference backend until SIGTERM or SIGINT.
 *
 * Prints one line on stdout once it answers: `{"listening":"http://127.0.0.1:N","apiKey":"..."}`. Answers the exit
 * code: 0 after a clean stop; 2 when it could not start, after one JSON line on stderr that says why.
 */
export async function backend(args: readonly string[]): Promise<number> {
  let onSignal = (): void => undefined
  const stopped = new Promise<void>((resolve) => (onSignal = resolve))
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  try {
    const log = pino({ base: { room: 'backend' } }, pino.destination({ dest: 2, sync: true }))
    let running: Backend
    try {
      running = await createBackend({ ...readOptions(args), log })
    } catch (error) {
      const fault = startFault(error)
      process.stderr.write(`${JSON.stringify({ error: fault })}\n`)
      return 2
    }
    process.stdout.write(`${JSON.stringify({ listening: running.url, apiKey: running.apiKey })}\n`)
    await stopped
    await running.close()
    return 0
  } finally {
    process.off('SIGTERM', onSignal)
    process.off('SIGINT', onSignal)
  }
}

class UsageError extends Error {}

function readOptions(args: readonly string[]): BackendOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      data: { type: 'string' },
      port: { type: 'string' },
      host: { type: 'string' },
      'api-key': { type: 'string' },
      products: { type: 'string' },
      user: { type: 'string' },
      'session-ttl': { type: 'string' },
      'rate-limit': { type: 'string' },
    },
  })
  if (values.data === undefined || values.data === '') throw new UsageError(`--data is missing. Usage: ${usage}`)
  if (values.port === undefined) throw new UsageError(`--port is missing. Usage: ${usage}`)
  if (values['api-key'] === '') throw new UsageError('--api-key is empty')
  const colon = values.user?.indexOf(':') ?? 0
  if (values.user !== undefined && (colon < 1 || colon === values.user.length - 1)) {
    throw new UsageError('--user must be EMAIL:PASSWORD')
  }
  return {
    dataDir: values.data,
    port: wholeNumber('--port', values.port, 0, 65_535),
    ...(values.host === undefined ? {} : { host: values.host }),
    ...(values['api-key'] === undefined ? {} : { apiKey: values['api-key'] }),
    ...(values.products === undefined ? {} : { productsCsv: values.products }),
    ...(values.user === undefined
      ? {}
      : { user: { email: values.user.slice(0, colon), password: values.user.slice(colon + 1) } }),
    ...(values['session-ttl'] === undefined
      ? {}
      : { sessionTtlSeconds: wholeNumber('--session-ttl', values['session-ttl'], 1, 31_536_000) }),
    ...(values['rate-limit'] === undefined
      ? {}
      : { rateLimitPerMinute: wholeNumber('--rate-limit', values['rate-limit'], 0, 1_000_000) }),
  }
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new UsageError(`${name} must be a whole number from ${least} to ${most}`)
  }
  return value
}

/** What to tell the person who started it. */
function startFault(error: unknown): { readonly code: string; readonly message: string } {
  if (!(error instanceof Error)) return { code: 'internal', message: String(error) }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (error instanceof UsageError || code.startsWith('ERR_PARSE_ARGS')) {
    return { code: 'invalid_input', message: error.message }
  }
  if (code === 'EADDRINUSE') return { code: 'port_taken', message: `${error.message}: another program listens there` }
  return { code: 'cannot_start', message: error.message }
}
