import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isSealed, seal } from '#sealing/index.ts'
import { createMedia, incomingFolder, type Media } from '#station/store/media.ts'
import { sealOldPhotos } from '#station/upkeep/seal-photos.ts'
import { createKeptLog, openTestStore, temporaryFolder, until } from '../parts.ts'

const key = new Uint8Array(randomBytes(32))
const most = 10_000_000
const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const streamOf = (bytes: Uint8Array): ReadableStream<Uint8Array> => new Blob([new Uint8Array(bytes)]).stream()
/** A photo like no other, by its first bytes a JPEG. */
const photoOf = (bytes: number): Buffer =>
  Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), randomBytes(bytes - 4)])

/** All files of a folder; looked at again where one was given its name meanwhile. */
function filesIn(folder: string): Buffer[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((one) => one.isFile())
      .map((one) => readFileSync(join(one.parentPath, one.name)))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return filesIn(folder)
    throw error
  }
}

/** Whether any sixteen bytes of the photo, looked for at each thirty-second, are in a file of the folder. */
const isSeenIn = (folder: string, photo: Buffer): boolean => {
  const files = Buffer.concat(filesIn(folder))
  for (let at = 0; at + 16 <= photo.length; at += 32) if (files.includes(photo.subarray(at, at + 16))) return true
  return false
}

const contentOf = async (media: Media, hash: string): Promise<Buffer | null> => {
  const blob = await media.blob(hash)
  return blob && Buffer.from(await blob.arrayBuffer())
}

describe('media with a key', () => {
  it('keep nothing of a photo readable, neither while it arrives nor afterwards, and give it back as it was', async () => {
    const folder = temporaryFolder()
    const media = createMedia(folder, key)
    const photo = photoOf(40_000)
    const [first, rest] = [photo.subarray(0, 20_000), photo.subarray(20_000)]
    const seen: boolean[] = []
    let hasBegun = false
    const arriving = new ReadableStream<Uint8Array>({
      async pull(controller) {
        if (!hasBegun) {
          hasBegun = true
          return controller.enqueue(Uint8Array.from(first))
        }
        // What a kill would leave now is what has arrived so far.
        await until(() => Buffer.concat(filesIn(folder)).length > 10_000)
        seen.push(isSeenIn(folder, photo))
        controller.enqueue(Uint8Array.from(rest))
        controller.close()
      },
    })
    const kept = await media.put(arriving, most, ({ incoming }) => {
      seen.push(isSealed(readFileSync(incoming)), isSeenIn(folder, photo))
    })
    expect(kept).toEqual({ hash: hashOf(photo), bytes: photo.length })
    expect(seen).toEqual([false, true, false])
    expect(isSeenIn(folder, photo)).toBe(false)
    expect(filesIn(join(folder, incomingFolder))).toEqual([])

    expect(await contentOf(media, kept.hash)).toEqual(photo)
    expect((await media.blob(kept.hash))?.type).toBe('image/jpeg')
    expect(Buffer.from(await media.read(media.path(kept.hash)))).toEqual(photo)
  })

  it('take over a sealed file by the hash of what it holds', async () => {
    const media = createMedia(temporaryFolder(), key)
    const photo = photoOf(5_000)
    const temporary = media.temporaryPath('')
    writeFileSync(temporary, seal(photo, key))
    expect(await media.adopt(temporary)).toBe(hashOf(photo))
    expect(await contentOf(media, hashOf(photo))).toEqual(photo)
  })

  it('are not there for another key or for none, and refuse what is too large without a trace', async () => {
    const folder = temporaryFolder()
    const media = createMedia(folder, key)
    const { hash } = await media.put(streamOf(photoOf(5_000)), most)
    for (const other of [new Uint8Array(randomBytes(32)), null]) {
      const closed = createMedia(folder, other)
      expect(await closed.blob(hash)).toBeNull()
      await expect(closed.read(closed.path(hash))).rejects.toThrow('sealed')
    }
    await expect(media.put(streamOf(photoOf(5_000)), 4_999)).rejects.toThrow(RangeError)
    expect(filesIn(folder)).toHaveLength(1)
  })
})

describe('photos from before there was a key', () => {
  /** A folder with photos as they are. */
  const before = async (count: number) => {
    const folder = temporaryFolder()
    const photos = Array.from({ length: count }, (_, index) => photoOf(5_000 + index))
    const plain = createMedia(folder, null)
    for (const photo of photos) await plain.put(streamOf(photo), most)
    return { folder, photos, media: createMedia(folder, key) }
  }

  it('are read as they are, and sealed behind the start, when nobody works; what is left the next start does', async () => {
    const { folder, photos, media } = await before(3)
    const usedBytes = await media.usedBytes()
    const store = { media, facts: openTestStore().facts }
    const log = createKeptLog()
    for (const photo of photos) expect(await contentOf(media, hashOf(photo))).toEqual(photo)

    let isBusy = false
    const sealed = (): number => photos.filter((photo) => !isSeenIn(folder, photo)).length
    const interrupted = sealOldPhotos({
      store,
      log,
      afterMs: 0,
      isBusy() {
        const was = isBusy
        isBusy = true
        return was
      },
    })
    await until(() => sealed() === 1)
    await interrupted.close()
    expect(sealed()).toBe(1)

    const finished = sealOldPhotos({ store, log, afterMs: 0, isBusy: () => false })
    await until(() => log.text().includes('"photos":2'))
    await finished.close()
    expect(sealed()).toBe(3)
    expect(log.text()).not.toContain('warn')
    for (const photo of photos) expect(await contentOf(media, hashOf(photo))).toEqual(photo)
    expect(await media.usedBytes()).toBe(usedBytes + 3 * 36)
    expect(await createMedia(folder, key).usedBytes()).toBe(usedBytes + 3 * 36)
    expect(filesIn(folder).every(isSealed)).toBe(true)
  })

  it('stay as they are when they cannot be sealed, and are when the next start can', async () => {
    const { folder, photos, media } = await before(2)
    const store = { media, facts: openTestStore().facts }
    const log = createKeptLog()
    // No sealed one can be written.
    rmSync(join(folder, incomingFolder), { recursive: true })
    const failing = sealOldPhotos({ store, log, afterMs: 0, isBusy: () => false })
    await until(() => log.text().includes('were not sealed'))
    await failing.close()
    for (const photo of photos) expect(await contentOf(media, hashOf(photo))).toEqual(photo)
    expect(filesIn(folder).some(isSealed)).toBe(false)

    mkdirSync(join(folder, incomingFolder))
    const again = sealOldPhotos({ store, log, afterMs: 0, isBusy: () => false })
    await until(() => filesIn(folder).every(isSealed))
    await again.close()
    expect(filesIn(folder).every(isSealed)).toBe(true)
  })

  it('do not come back when they are wiped while they are sealed', async () => {
    const { folder, photos, media } = await before(8)
    const work = photos.flatMap((photo, index) => {
      const both = [() => media.seal(hashOf(photo)), () => media.wipe(hashOf(photo))]
      return index % 2 === 0 ? both : both.toReversed()
    })
    await Promise.all(work.map((each) => each()))
    expect(filesIn(folder)).toEqual([])
    expect(await media.usedBytes()).toBe(0)
  })
})
