// Feeds frames to the product's decode worker, and to the floor, one after the answer to the one before.
import { decodeFrames } from '#renderer/camera/decode-frames.ts'
// oxlint-disable-next-line import/default -- `?worker&url` makes Vite export the worker's address
import defaultsUrl from './defaults-worker.js?worker&url'

const size = { codedWidth: 1280, codedHeight: 720 }
const scenes = {}

/** A stream that is given frames by hand, and the way from each frame to its result. */
function makeFeed(start) {
  let give
  let take
  const frames = new ReadableStream({ start: (controller) => void (give = (frame) => controller.enqueue(frame)) })
  start(frames, (result) => take(result))
  return async (picture) => {
    const startedMs = performance.now()
    // A stream that is given by hand hands on copies: ours is to be closed here. A camera's frames are the worker's own.
    const frame = new VideoFrame(picture, { ...size, format: 'I420', timestamp: startedMs * 1000 })
    const { codes } = await new Promise((resolve) => {
      take = resolve
      give(frame)
    })
    const ms = performance.now() - startedMs
    frame.close()
    return { ms, codes: codes.map(({ text }) => text) }
  }
}

const feeds = {
  capstan: () =>
    makeFeed((frames, onFrame) =>
      decodeFrames({ frames, region: 'full', formats: 'all', onFrame, onFailed: (detail) => console.error(detail) }),
    ),
  defaults: () =>
    makeFeed((frames, onFrame) => {
      const worker = new Worker(defaultsUrl, { type: 'module' })
      worker.onmessage = ({ data }) => onFrame(data)
      worker.postMessage({ frames }, [frames])
    }),
}
const running = {}

window.bench = {
  /** Keeps the brightness of a scene's frames, given as base64. */
  addScene(name, pictures) {
    scenes[name] = pictures.map((text) => {
      const luminance = Uint8Array.from(atob(text), (character) => character.charCodeAt(0))
      const picture = new Uint8Array(luminance.length * 1.5).fill(128)
      picture.set(luminance)
      return picture
    })
  },
  /** Reads `count` frames of a scene, not faster than 30 a second unless `fast`. */
  async run(reader, scene, count, fast = false) {
    const feed = (running[reader] ??= feeds[reader]())
    const results = []
    for (let index = 0; index < count; index += 1) {
      const startedMs = performance.now()
      results.push(await feed(scenes[scene][index % scenes[scene].length]))
      const leftMs = 1000 / 30 - (performance.now() - startedMs)
      if (!fast && leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs))
    }
    return fast ? results.length : results
  },
}
