import type { ZXingReaderModule } from 'zxing-wasm/reader'

/** A list in the decoder's own memory; the package's type leaves out that it must be freed. */
type ResultList = ReturnType<ZXingReaderModule['readBarcodesFromImage']> & { delete(): void }

/**
 * Frees what zxing-wasm leaves behind: it copies its list of results and never frees it, which is near a kilobyte a code
 * and gigabytes a day at a camera's pace. Answers the function to call after each read.
 */
export function freeResults(reader: ZXingReaderModule): () => void {
  const read = reader.readBarcodesFromImage.bind(reader)
  let left: ResultList | undefined
  reader.readBarcodesFromImage = (...given) => {
    const list = read(...given)
    left = list as ResultList
    return list
  }
  return () => {
    left?.delete()
    left = undefined
  }
}
