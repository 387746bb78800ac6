import { once } from 'node:events'
import { createOfflineVision, type Extraction } from '#backend/index.ts'
import { photoTypeSchema, photoTypes, type PhotoType } from '#contract/backend/photo-type.ts'
import type { Result } from '#contract/result.ts'
import { parseArguments, type Help } from './command.ts'
import { plainFields } from './extract-fields.ts'

export const help = {
  name: 'extract',
  usage: '[--json] [--type TYPE] FILE...',
  options: {
    json: { type: 'boolean', about: 'a JSON line a photo: file, fields, text, ms, and an error where it was not read' },
    type: { type: 'string', value: 'TYPE', about: `what the photos show: ${photoTypes.join(', ')}` },
  },
  example: 'capstan extract --json --type nutrition label.jpg',
} as const satisfies Help

/**
 * `capstan extract`: prints what photos say of their products, in order, as proposals with confidence and place.
 *
 * A photo that cannot be read has its error in its line and the rest goes on. Answers the exit code: 0 when every
 * photo was read, 1 when one was not, 2 when the arguments are wrong.
 */
export async function extract(args: readonly string[]): Promise<number> {
  const asked = askedOf(args)
  if (!asked) {
    process.stderr.write(`usage: capstan extract ${help.usage}\n`)
    return 2
  }
  const vision = createOfflineVision({ log: { warn: logLine } })
  let exitCode = 0
  try {
    for (const file of asked.files) {
      const startedMs = performance.now()
      const read = await vision.extract({ path: file, type: asked.type })
      if (!read.ok) exitCode = 1
      const text = asked.isJson
        ? `${JSON.stringify(lineOf(file, read, performance.now() - startedMs))}\n`
        : forPeople(file, read)
      if (!process.stdout.write(text)) await once(process.stdout, 'drain')
    }
  } finally {
    vision.close()
  }
  return exitCode
}

interface Asked {
  readonly files: readonly string[]
  readonly type: PhotoType | null
  readonly isJson: boolean
}

function askedOf(args: readonly string[]): Asked | undefined {
  const parsed = parseArguments(args, help)
  if (!parsed.ok) return undefined
  const { positionals, values } = parsed.value
  const type = photoTypeSchema.optional().safeParse(values.type)
  if (positionals.length === 0 || !type.success) return undefined
  return { files: positionals, type: type.data ?? null, isJson: values.json === true }
}

function lineOf(file: string, read: Result<Extraction>, waitedMs: number): object {
  if (!read.ok) {
    const { code, message } = read.error
    return { file, fields: [], text: '', ms: Math.round(waitedMs), error: { code, message } }
  }
  const { fields, text, ms } = read.value
  return { file, fields: plainFields(fields), text, ms }
}

function forPeople(file: string, read: Result<Extraction>): string {
  if (!read.ok) return `${file}\n  not read: ${read.error.message} (${read.error.code})\n`
  const { fields, ms } = read.value
  const lines = fields.map(
    ({ field, value, confidence, reasoning }) =>
      `  ${field.replaceAll('_', ' ').padEnd(22)} ${confidence.toFixed(2)}  ${value}\n${' '.repeat(31)}${reasoning}`,
  )
  return `${file}  (${(ms / 1000).toFixed(1)} s)\n${lines.length === 0 ? '  nothing was found' : lines.join('\n')}\n`
}

function logLine(fields: object, message: string): void {
  process.stderr.write(`${JSON.stringify({ message, ...fields })}\n`)
}
