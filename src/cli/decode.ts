import { once } from 'node:events'
import { codeGroupSchema } from '#contract/symbology.ts'
import { isFormat } from '#domain/decoding/accept.ts'
import { formatsOfGroup } from '#domain/decoding/groups.ts'
import { createImaging, forkImaging } from '#station/index.ts'
import { parseArguments, type Help } from './command.ts'

const efforts = ['frame', 'photo', 'batch'] as const

export const help = {
  name: 'decode',
  usage: '[--formats EAN13,QRCode,...] [--effort frame|photo|batch] --json FILE...',
  options: {
    json: { type: 'boolean', about: 'a JSON line a file, which is the only form there is' },
    formats: {
      type: 'string',
      value: 'NAMES',
      about: 'look for these only: retail, linear or matrix, or names of zxing: EAN13, QRCode, ...',
    },
    effort: {
      type: 'string',
      value: 'KIND',
      about: 'how much time an image is worth: frame, photo (the default) or batch',
    },
  },
  example: 'capstan decode --formats EAN13,QRCode --json label.jpg shelf.png',
} as const satisfies Help

/**
 * `capstan decode`: prints the codes of each file, a JSON line a file, in order.
 *
 * A file that cannot be read has its error in its line and the rest goes on. Answers the exit code: 0 when every file
 * was read, 1 when one was not, 2 when the arguments are wrong.
 */
export async function decode(args: readonly string[]): Promise<number> {
  const asked = askedOf(args)
  if (!asked) {
    process.stderr.write(`usage: capstan decode ${help.usage}\n`)
    return 2
  }
  const imaging = createImaging({ spawn: forkImaging(), log: { warn: logLine } })
  let exitCode = 0
  try {
    for (const file of asked.files) {
      const startedMs = performance.now()
      const read = await imaging.decode({ path: file, decode: asked.options })
      if (!read.ok) exitCode = 1
      await printLine(lineOf(file, read, performance.now() - startedMs))
    }
  } finally {
    imaging.close()
  }
  return exitCode
}

interface Asked {
  readonly files: readonly string[]
  readonly options: { readonly formats: readonly string[]; readonly effort: (typeof efforts)[number] }
}

function askedOf(args: readonly string[]): Asked | undefined {
  const parsed = parseArguments(args, help)
  if (!parsed.ok) return undefined
  const { positionals, values } = parsed.value
  const effort = efforts.find((one) => one === (values.effort ?? 'photo'))
  const group = codeGroupSchema.safeParse(values.formats ?? 'all')
  const formats = group.success
    ? formatsOfGroup(group.data)
    : (values.formats ?? '').split(',').filter((format) => format !== '')
  if (positionals.length === 0 || effort === undefined || !formats.every(isFormat)) return undefined
  return { files: positionals, options: { formats, effort } }
}

type Read = Awaited<ReturnType<ReturnType<typeof createImaging>['decode']>>

function lineOf(file: string, read: Read, waitedMs: number): object {
  if (!read.ok) {
    const { code, message } = read.error
    return { file, ms: Math.round(waitedMs * 10) / 10, codes: [], error: { code, message } }
  }
  const codes = read.value.codes.map(
    ({ format, text, bytes, symbologyIdentifier, position, pass, confidence, addOn }) => ({
      format,
      text,
      bytes,
      symbologyIdentifier,
      position,
      pass,
      confidence,
      addOn,
    }),
  )
  return { file, ms: read.value.ms, codes, error: null }
}

async function printLine(line: object): Promise<void> {
  if (!process.stdout.write(`${JSON.stringify(line)}\n`)) await once(process.stdout, 'drain')
}

function logLine(fields: object, message: string): void {
  process.stderr.write(`${JSON.stringify({ message, ...fields })}\n`)
}
