// The floor: every frame through zxing-wasm with its defaults, as its manual shows it.
import { prepareZXingModule, readBarcodes } from 'zxing-wasm/reader'
import wasmUrl from 'zxing-wasm/reader/zxing_reader.wasm?url'

prepareZXingModule({ overrides: { locateFile: () => wasmUrl }, fireImmediately: true })

self.onmessage = async ({ data: { frames } }) => {
  const reader = frames.getReader()
  for (;;) {
    const { value: frame, done } = await reader.read()
    if (done) return
    const { codedWidth: width, codedHeight: height, timestamp } = frame
    const pixels = new ImageData(width, height)
    await frame.copyTo(pixels.data, { format: 'RGBA' })
    frame.close()
    const codes = await readBarcodes(pixels)
    self.postMessage({ kind: 'read', timestamp, codes: codes.map(({ format, text }) => ({ format, text })) })
  }
}
