import { createHash, randomUUID } from 'node:crypto'
import { chmod, mkdir, open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'

/** One secret in a file that only its owner may read (mode 0600). */
export interface SecretFile {
  /** Null when there is none. */
  read(): Promise<string | null>
  /** Replaces it, whole or not at all. */
  write(secret: string): Promise<void>
}

/** The secret for one backend, in `folder`; each address has its own, so that none is ever sent to another. */
export function createSecretFile(folder: string, backendUrl: string): SecretFile {
  const path = join(folder, `${createHash('sha256').update(new URL(backendUrl).origin).digest('hex')}.secret`)
  let kept: string | null | undefined
  return {
    async read() {
      kept ??= await readFile(path, 'utf8').then(
        (text) => text.trim(),
        (error: NodeJS.ErrnoException) => {
          if (error.code === 'ENOENT') return null
          throw error
        },
      )
      return kept
    },
    async write(secret) {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      // A folder that was there may be open to others; what is in it is not.
      await chmod(folder, 0o700)
      const draft = `${path}.${randomUUID()}`
      const file = await open(draft, 'wx', 0o600)
      try {
        await file.writeFile(`${secret}\n`)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(draft, path)
      kept = secret
    },
  }
}
