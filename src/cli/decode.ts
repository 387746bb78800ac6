import { once } from 'node:events'
import { createImaging, forkImaging } from '#station/index.ts'
import { parseArguments, type Help } from './command.ts'

export const help = {
  name: 'decode',
  usage: '--json FILE...',
  options: {
    json: { type: 'boolean', about: 'a JSON line a file, which is the only form there is' },
  },
  example: 'capstan decode --json label.jpg shelf.png',
} as const satisfies Help

/**
 * `capstan decode`: prints the codes of each file, a JSON line a file, in order.
 *
 * A file that cannot be read has its error in its line and the rest goes on. Answers the exit code: 0 when every file
 * was read, 1 when one was not, 2 when the arguments are wrong.
 */
export async function decode(args: readonly string[]): Promise<number> {
  const files = filesOf(args)
  if (!files) {
    process.stderr.write(`usage: capstan decode ${help.usage}\n`)
    return 2
  }
  const imaging = createImaging({ spawn: forkImaging(), log: { warn: logLine } })
  let exitCode = 0
  try {
    for (const file of files) {
      const startedMs = performance.now()
      const read = await imaging.decode({ path: file })
      if (!read.ok) exitCode = 1
      await printLine(lineOf(file, read, performance.now() - startedMs))
    }
  } finally {
    imaging.close()
  }
  return exitCode
}

function filesOf(args: readonly string[]): readonly string[] | undefined {
  const parsed = parseArguments(args, help)
  return parsed.ok && parsed.value.positionals.length > 0 ? parsed.value.positionals : undefined
}

type Read = Awaited<ReturnType<ReturnType<typeof createImaging>['decode']>>

function lineOf(file: string, read: Read, waitedMs: number): object {
  if (!read.ok) {
    const { code, message } = read.error
    return { file, ms: Math.round(waitedMs * 10) / 10, codes: [], error: { code, message } }
  }
  const codes = read.value.codes.map(({ format, text, symbologyIdentifier, position }) => ({
    format,
    text,
    symbologyIdentifier,
    position,
  }))
  return { file, ms: read.value.ms, codes, error: null }
}

async function printLine(line: object): Promise<void> {
  if (!process.stdout.write(`${JSON.stringify(line)}\n`)) await once(process.stdout, 'drain')
}

function logLine(fields: object, message: string): void {
  process.stderr.write(`${JSON.stringify({ message, ...fields })}\n`)
}
