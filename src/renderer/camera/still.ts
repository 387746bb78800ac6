/** A camera that does not answer a still's command in time gives the frame on show instead. */
const stillTimeoutMs = 3_000
const jpegQuality = 0.92

/** A JPEG as large as the camera makes them: its own still where it takes any, else the frame on show. */
export async function takeStill(track: MediaStreamTrack, video: HTMLVideoElement): Promise<Blob> {
  return (await takeOwn(track)) ?? (await takeShown(video))
}

/** The camera's own still, which may be larger than its video; undefined when it takes none as JPEG. */
async function takeOwn(track: MediaStreamTrack): Promise<Blob | undefined> {
  if (!('ImageCapture' in globalThis)) return undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  try {
    const camera = new ImageCapture(track)
    // Without a size the camera gives one of its own choice, which is rarely its largest.
    const { imageWidth, imageHeight } = await camera.getPhotoCapabilities().catch(() => ({}) as PhotoCapabilities)
    const photo = await Promise.race([
      camera.takePhoto({
        ...(imageWidth?.max ? { imageWidth: imageWidth.max } : {}),
        ...(imageHeight?.max ? { imageHeight: imageHeight.max } : {}),
      }),
      new Promise<undefined>((resolve) => {
        timer = setTimeout(resolve, stillTimeoutMs)
      }),
    ])
    return photo?.type === 'image/jpeg' && photo.size > 0 ? photo : undefined
  } catch {
    // Many cameras take no stills; the frame on show does as well.
    return undefined
  } finally {
    clearTimeout(timer)
  }
}

async function takeShown(video: HTMLVideoElement): Promise<Blob> {
  const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight)
  const context = canvas.getContext('2d')
  if (!context) throw new Error('no canvas to draw the photo on')
  context.drawImage(video, 0, 0)
  return canvas.convertToBlob({ type: 'image/jpeg', quality: jpegQuality })
}
