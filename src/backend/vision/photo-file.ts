import { open, type FileHandle } from 'node:fs/promises'
import { fail, ok, type Result } from '#contract/result.ts'
import { imageTypeOf, signatureBytes, type ImageType } from '#domain/image-type.ts'

/** As much as a station may hold; uploads are smaller. */
const maxPhotoBytes = 40 * 1024 * 1024

/** What a file is by its first bytes, and how large; no failure when it is a photo that may be read. */
export async function checkPhoto(path: string): Promise<Result<{ readonly type: ImageType; readonly bytes: number }>> {
  let file: FileHandle | undefined
  try {
    file = await open(path, 'r')
    const stat = await file.stat()
    if (!stat.isFile()) return fail('invalid_input', 'not a file')
    if (stat.size > maxPhotoBytes) return fail('too_large', `the file has more than ${maxPhotoBytes} bytes`)
    const { buffer, bytesRead } = await file.read(new Uint8Array(signatureBytes), 0, signatureBytes, 0)
    if (bytesRead === 0) return fail('unreadable_image', 'the file is empty')
    const type = imageTypeOf(buffer.subarray(0, bytesRead))
    return type ? ok({ type, bytes: stat.size }) : fail('unreadable_image', 'the file is not a JPEG, PNG or WebP image')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return fail('not_found', 'there is no such file')
    if (code === 'EISDIR') return fail('invalid_input', 'not a file')
    return fail('unreadable_image', `the file cannot be opened: ${code}`)
  } finally {
    await file?.close()
  }
}
