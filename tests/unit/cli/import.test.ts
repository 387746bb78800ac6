import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { drawCode } from '../../barcode-image.ts'
import { temporaryFolder } from '../station/parts.ts'
import { startBackend } from '../station/start-station.ts'
import { runCapstan } from './run-capstan.ts'

async function photo(seed: number): Promise<Buffer> {
  const drawn = Buffer.from(await drawCode({ format: 'EAN13', text: '4006381333931' }))
  return await sharp({ create: { width: 900, height: 500, channels: 3, background: { r: seed * 15, g: 180, b: 170 } } })
    .composite([{ input: drawn, left: 60, top: 60 }])
    .jpeg()
    .toBuffer()
}

describe('capstan import', () => {
  it('takes every photo of a folder once, however often it is run, and sums up', async () => {
    const [folder, data] = [temporaryFolder(), temporaryFolder()]
    await mkdir(join(folder, 'more'))
    await writeFile(join(folder, 'a.jpg'), await photo(1))
    await writeFile(join(folder, 'a.CR2'), 'raw')
    await writeFile(join(folder, 'more', 'b.jpg'), await photo(2))
    await writeFile(join(folder, 'z.jpg'), await photo(1))
    const backend = await startBackend()
    const args = ['import', folder, '--data', data, '--role', 'back', '--label', 'Monday']
    const to = ['--backend', backend.url, '--api-key', backend.apiKey]
    const first = await runCapstan([...args, ...to])
    expect(first.code).toBe(0)
    expect(first.lines).toMatchObject([
      { file: 'a.jpg', outcome: 'taken', codes: ['4006381333931'] },
      { file: join('more', 'b.jpg'), outcome: 'taken' },
      { file: 'z.jpg', outcome: 'known' },
      { taken: 2, known: 1, refused: 0, left: 0 },
    ])
    const again = await runCapstan(args)
    expect(again.code).toBe(0)
    expect(again.lines.at(-1)).toMatchObject({ taken: 0, known: 3, refused: 0, left: 0 })
    const exported = await runCapstan(['export', '--data', data, '--format', 'ndjson'])
    expect(exported.lines).toHaveLength(2)
    expect(exported.lines).toMatchObject([1, 2].map(() => ({ type: 'IMAGE', photoRole: 'back', sync: 'sent' })))
  })

  it('reads several at once, and captures them in the order of their names', { timeout: 60_000 }, async () => {
    const [folder, data] = [temporaryFolder(), temporaryFolder()]
    // The large ones take longer, and each content comes twice in a row: whatever is read first, the order stays.
    const names: string[] = []
    // A RAW file between them is refused at once, and must not let the one behind it go first.
    await writeFile(join(folder, '4-raw.nef'), 'raw')
    for (let index = 0; index < 6; index += 1) {
      const bytes = await photo(index >> 1)
      const large = await sharp(bytes).resize({ width: 2_000 }).jpeg().toBuffer()
      const name = `${index}.jpg`
      names.push(name)
      await writeFile(join(folder, name), index >> 1 === 1 ? bytes : large)
    }
    const { code, lines } = await runCapstan(['import', folder, '--data', data])
    expect(code).toBe(1)
    const all = lines.slice(0, -1) as { file: string; outcome: string; photo: string }[]
    expect(all.map(({ file }) => file)).toEqual([...names, '4-raw.nef'].toSorted())
    const files = all.filter(({ outcome }) => outcome !== 'refused')
    expect(files.map(({ file }) => file)).toEqual(names)
    expect(files.map(({ outcome }) => outcome)).toEqual(names.map((_, index) => (index % 2 === 0 ? 'taken' : 'known')))
    const exported = await runCapstan(['export', '--data', data, '--format', 'ndjson'])
    const taken = files.filter(({ outcome }) => outcome === 'taken').map(({ photo: hash }) => hash)
    expect((exported.lines as { photo: string }[]).map(({ photo: hash }) => hash)).toEqual(taken)
  })

  it('answers 1 when a file is refused, names it, and takes the others', async () => {
    const [folder, data] = [temporaryFolder(), temporaryFolder()]
    await writeFile(join(folder, 'a.nef'), 'raw')
    await writeFile(join(folder, 'b.jpg'), (await photo(1)).subarray(0, 3_000))
    await writeFile(join(folder, 'c.jpg'), await photo(2))
    const { code, lines } = await runCapstan(['import', folder, '--data', data])
    expect(code).toBe(1)
    expect(lines).toMatchObject([
      { file: 'a.nef', outcome: 'refused', error: { code: 'raw' } },
      { file: 'b.jpg', outcome: 'refused', error: { code: 'incomplete' } },
      { file: 'c.jpg', outcome: 'taken' },
      { taken: 1, known: 0, refused: 2, left: 0 },
    ])
  })

  it('does not start on a folder that is not there, or with a role that is none', async () => {
    const data = temporaryFolder()
    expect((await runCapstan(['import', join(data, 'none'), '--data', data])).code).toBe(2)
    expect((await runCapstan(['import', data, '--data', data, '--role', 'inside'])).code).toBe(2)
  })
})
