import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { fail, ok, type Result } from '#contract/result.ts'
import { backoffMs } from '#domain/backoff.ts'
import type { Log } from '../log.ts'
import type { OfflineVision } from './offline.ts'
import { checkPhoto } from './photo-file.ts'
import {
  cleaned,
  fieldsOf,
  instructions,
  remoteAnswerJsonSchema,
  remoteAnswerSchema,
  type RemoteAnswer,
} from './remote-answer.ts'
import type { Vision } from './vision.ts'

/** A remote model that reads photos, and what it may cost. */
export const remoteVisionSchema = z.strictObject({
  /** `openai` is every endpoint with OpenAI's chat completions; `anthropic` is Anthropic's Messages API. */
  kind: z.enum(['openai', 'anthropic']),
  /** Up to and without `/chat/completions` or `/v1/messages`: `https://api.openai.com/v1`, `https://api.anthropic.com`. */
  baseUrl: z.url({ protocol: /^https?$/ }).refine(isGuarded, {
    error: 'must be https, but for an address of this machine',
  }),
  model: z.string().min(1).max(200),
  /** Empty where the endpoint asks for none. Never logged. */
  apiKey: z.string().max(500).default(''),
  /** One request, from its start to the last byte of its answer. */
  timeoutMs: z.int().min(1_000).max(600_000).default(60_000),
  /** How often a request is repeated after the first. */
  retries: z.int().min(0).max(5).default(2),
  /** The longest side of the picture that is sent; services bill by it. */
  sidePixels: z.int().min(256).max(4_096).default(1_568),
  /** What the picture may weigh as JPEG. */
  maxImageBytes: z.int().min(50_000).max(20_000_000).default(3_000_000),
  /** What one answer may be long. */
  maxOutputTokens: z.int().min(500).max(32_000).default(4_000),
  /** Photos a day (UTC) that are sent, repeats included; those beyond are read offline. */
  requestsPerDay: z.int().min(0).max(1_000_000).default(2_000),
  /** Tokens a day, as the service counts them, question and answer. */
  tokensPerDay: z.int().min(0).max(1_000_000_000).default(10_000_000),
})
export type RemoteVisionSettings = z.input<typeof remoteVisionSchema>
type Settings = z.infer<typeof remoteVisionSchema>

/** A key is not sent in the clear over a network. */
function isGuarded(value: string): boolean {
  const { protocol, hostname } = new URL(value)
  return protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname)
}

/** More than this is no answer to our question. */
const maxAnswerBytes = 1_000_000

/**
 * Vision by a remote model. When it cannot be had, is not allowed any more today or answers nonsense, the photo is read
 * offline and the extraction says why. Throws a `ZodError` for settings that do not fit.
 */
export function createRemoteVision(
  input: RemoteVisionSettings,
  offline: OfflineVision,
  { log, now = () => new Date() }: { readonly log?: Pick<Log, 'warn'>; readonly now?: () => Date } = {},
): Vision {
  const settings = remoteVisionSchema.parse(input)
  const spent = { day: '', requests: 0, tokens: 0 }
  const closing = new AbortController()

  function limitReached(): string | null {
    const day = now().toISOString().slice(0, 10)
    if (spent.day !== day) Object.assign(spent, { day, requests: 0, tokens: 0 })
    if (spent.requests >= settings.requestsPerDay)
      return `the limit of ${settings.requestsPerDay} requests a day is reached`
    if (spent.tokens >= settings.tokensPerDay) return `the limit of ${settings.tokensPerDay} tokens a day is reached`
    return null
  }

  /** The answer to one picture; a failure's message says why it is read offline instead. */
  async function ask(image: string, hint: string, signal: AbortSignal): Promise<Result<RemoteAnswer>> {
    let last: Attempt = { ok: false, reason: 'it was not asked', isFinal: true, waitMs: null }
    for (let attempt = 0; attempt <= settings.retries; attempt++) {
      const limit = limitReached()
      if (limit) return fail('refused', limit)
      spent.requests += 1
      last = await request(settings, image, hint, signal)
      if (last.ok) {
        spent.tokens += last.tokens
        return ok(last.answer)
      }
      spent.tokens += last.tokens ?? 0
      log?.warn({ reason: last.reason, attempt, model: settings.model }, 'remote vision failed')
      if (last.isFinal || signal.aborted || attempt === settings.retries) break
      const pauseMs = last.waitMs ?? backoffMs(attempt, 0.5 + Math.random() / 2, { baseMs: 500, capMs: 8_000 })
      try {
        await wait(pauseMs, undefined, { signal })
      } catch {
        break
      }
    }
    return fail('offline', last.ok ? '' : last.reason)
  }

  return {
    async extract(photo, outer) {
      const startedMs = performance.now()
      const signal = outer ? AbortSignal.any([outer, closing.signal]) : closing.signal
      const checked = await checkPhoto(photo.path)
      if (!checked.ok) return checked
      const readOffline = async (why: string) => {
        log?.warn({ reason: why, model: settings.model }, 'photo read offline')
        const read = await offline.extract(photo, signal)
        if (!read.ok) return read
        return ok({
          ...read.value,
          ms: Math.round(performance.now() - startedMs),
          fallback: `${settings.model} did not read it: ${why}`,
        })
      }
      const limit = limitReached()
      if (limit) return readOffline(limit)
      const small = await offline.shrink(
        photo.path,
        { sidePixels: settings.sidePixels, bytes: settings.maxImageBytes },
        signal,
      )
      if (!small.ok) return small.error.code === 'too_large' ? readOffline(small.error.message) : small
      const answer = await ask(small.value.base64, photo.type ?? '', signal)
      if (signal.aborted) return fail('conflict', 'reading was aborted')
      if (!answer.ok) return readOffline(answer.error.message)
      const source = `${settings.kind}: ${settings.model}`.slice(0, 100)
      return ok({
        fields: fieldsOf(answer.value, small.value, source),
        text: answer.value.text.split('\n').map(cleaned).join('\n'),
        ms: Math.round(performance.now() - startedMs),
        engine: settings.model,
        fallback: null,
      })
    },
    close() {
      closing.abort()
      offline.close()
    },
  }
}

type Attempt =
  | { readonly ok: true; readonly answer: RemoteAnswer; readonly tokens: number }
  | {
      readonly ok: false
      readonly reason: string
      /** Repeating it would bring the same. */
      readonly isFinal: boolean
      /** How long the service wants to be left alone. */
      readonly waitMs: number | null
      readonly tokens?: number
    }

async function request(settings: Settings, image: string, hint: string, signal: AbortSignal): Promise<Attempt> {
  const { url, headers, body } =
    settings.kind === 'openai' ? forOpenai(settings, image, hint) : forAnthropic(settings, image, hint)
  let status: number
  let retryAfter: string | null
  let text: string
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
      body: JSON.stringify(body),
      // The key is for this host only.
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(settings.timeoutMs)]),
    })
    ;({ status } = response)
    retryAfter = response.headers.get('retry-after')
    text = await limitedText(response)
  } catch (error) {
    // What fetch throws may hold the request, and with it the key: only its kind is told.
    const name = error instanceof Error ? error.name : 'Error'
    return {
      ok: false,
      reason:
        name === 'TimeoutError'
          ? `no answer within ${settings.timeoutMs} ms`
          : name === 'RangeError'
            ? 'the answer is too long'
            : 'it cannot be reached',
      isFinal: name === 'RangeError',
      waitMs: null,
    }
  }
  if (status !== 200) {
    const isPassing = status === 408 || status === 409 || status === 429 || status >= 500
    return {
      ok: false,
      reason: `it answered with status ${status}`,
      isFinal: !isPassing,
      waitMs: isPassing ? waitOf(retryAfter) : null,
    }
  }
  const read = settings.kind === 'openai' ? readOpenai(text) : readAnthropic(text)
  if (!read.ok) return read
  const answer = remoteAnswerSchema.safeParse(read.json)
  if (!answer.success) {
    const where = answer.error.issues[0]?.path.join('.') ?? ''
    return {
      ok: false,
      reason: `its answer does not fit the schema${where === '' ? '' : ` at ${where}`}`,
      isFinal: false,
      waitMs: null,
      tokens: read.tokens,
    }
  }
  return { ok: true, answer: answer.data, tokens: read.tokens }
}

const longestWaitMs = 20_000

/** `Retry-After` in seconds or as a date; more than we wait is cut. */
function waitOf(header: string | null): number | null {
  if (header === null) return null
  const seconds = Number(header)
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(header) - Date.now()
  return Number.isFinite(ms) ? Math.min(longestWaitMs, Math.max(0, ms)) : null
}

async function limitedText(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.byteLength
    if (bytes > maxAnswerBytes) throw new RangeError('too long')
    text += decoder.decode(part, { stream: true })
  }
  return text + decoder.decode()
}

interface Request {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: object
}

function questionOf(hint: string): string {
  return hint === ''
    ? 'Report the fields of this label.'
    : `Report the fields of this label. The photographer says that it shows: ${hint}.`
}

function joinUrl(base: string, path: string): string {
  return `${base.replace(/\/+$/, '')}${path}`
}

function forOpenai({ baseUrl, apiKey, model, maxOutputTokens }: Settings, image: string, hint: string): Request {
  return {
    url: joinUrl(baseUrl, '/chat/completions'),
    headers: apiKey === '' ? {} : { authorization: `Bearer ${apiKey}` },
    body: {
      model,
      max_tokens: maxOutputTokens,
      temperature: 0,
      messages: [
        { role: 'system', content: instructions },
        {
          role: 'user',
          content: [
            { type: 'text', text: questionOf(hint) },
            { type: 'image_url', image_url: { url: `data:image/jpeg;base64,${image}` } },
          ],
        },
      ],
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'label', strict: true, schema: remoteAnswerJsonSchema() },
      },
    },
  }
}

const toolName = 'report_label'

function forAnthropic({ baseUrl, apiKey, model, maxOutputTokens }: Settings, image: string, hint: string): Request {
  return {
    url: joinUrl(baseUrl, '/v1/messages'),
    headers: { 'anthropic-version': '2023-06-01', ...(apiKey === '' ? {} : { 'x-api-key': apiKey }) },
    body: {
      model,
      max_tokens: maxOutputTokens,
      system: instructions,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data: image } },
            { type: 'text', text: questionOf(hint) },
          ],
        },
      ],
      // One tool that does nothing but take the answer: that makes it JSON of this form.
      tools: [
        { name: toolName, description: 'Reports the fields of the label.', input_schema: remoteAnswerJsonSchema() },
      ],
      tool_choice: { type: 'tool', name: toolName },
    },
  }
}

type Read = { readonly ok: true; readonly json: unknown; readonly tokens: number } | Extract<Attempt, { ok: false }>

const openaiSchema = z.looseObject({
  choices: z
    .array(
      z.looseObject({
        finish_reason: z.string().nullish(),
        message: z.looseObject({ content: z.string().nullish(), refusal: z.string().nullish() }),
      }),
    )
    .min(1),
  usage: z
    .looseObject({ total_tokens: z.number().min(0).catch(0) })
    .nullish()
    .catch(null),
})

function readOpenai(text: string): Read {
  const parsed = openaiSchema.safeParse(jsonOf(text))
  if (!parsed.success)
    return { ok: false, reason: 'its answer is not of the form that was promised', isFinal: false, waitMs: null }
  const tokens = parsed.data.usage?.total_tokens ?? 0
  const choice = parsed.data.choices[0]
  if (choice?.message.refusal) return { ok: false, reason: 'it refused', isFinal: true, waitMs: null, tokens }
  if (choice?.finish_reason === 'length')
    return { ok: false, reason: 'its answer was cut off', isFinal: true, waitMs: null, tokens }
  return { ok: true, json: jsonOf(choice?.message.content ?? ''), tokens }
}

const anthropicSchema = z.looseObject({
  stop_reason: z.string().nullish(),
  content: z.array(z.looseObject({ type: z.string(), name: z.string().optional(), input: z.unknown().optional() })),
  usage: z
    .looseObject({ input_tokens: z.number().min(0).catch(0), output_tokens: z.number().min(0).catch(0) })
    .nullish()
    .catch(null),
})

function readAnthropic(text: string): Read {
  const parsed = anthropicSchema.safeParse(jsonOf(text))
  if (!parsed.success)
    return { ok: false, reason: 'its answer is not of the form that was promised', isFinal: false, waitMs: null }
  const { content, stop_reason, usage } = parsed.data
  const tokens = (usage?.input_tokens ?? 0) + (usage?.output_tokens ?? 0)
  if (stop_reason === 'refusal') return { ok: false, reason: 'it refused', isFinal: true, waitMs: null, tokens }
  if (stop_reason === 'max_tokens')
    return { ok: false, reason: 'its answer was cut off', isFinal: true, waitMs: null, tokens }
  const use = content.find(({ type, name }) => type === 'tool_use' && name === toolName)
  return { ok: true, json: use?.input, tokens }
}

/** Undefined for what is no JSON; no schema takes that. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
