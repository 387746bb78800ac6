/*
 * What goes wrong with a camera, done at the browser's boundary. Each function runs in the page, by itself: give it to
 * `page.addInitScript` or `page.evaluate`, before the camera is opened where it is about opening.
 */

/** The next openings are refused with an error of this name, as by the system or by another program; those after are not. */
export function refuseCamera({ name, times = 1 }: { readonly name: string; readonly times?: number }): void {
  const devices = MediaDevices.prototype
  const real = devices.getUserMedia
  let left = times
  devices.getUserMedia = function refuse(this: MediaDevices) {
    left -= 1
    if (left === 0) devices.getUserMedia = real
    return Promise.reject(new DOMException('', name))
  }
}

/** The next camera that is opened shows one picture and then no more; the one after is a sound one. */
export function freezeCamera(): void {
  const devices = MediaDevices.prototype
  const real = devices.getUserMedia
  devices.getUserMedia = function freeze(this: MediaDevices) {
    devices.getUserMedia = real
    const canvas = Object.assign(document.createElement('canvas'), { width: 640, height: 360 })
    canvas.getContext('2d')?.fillRect(0, 0, 640, 360)
    return Promise.resolve(canvas.captureStream(0))
  }
}

/** The camera that is shown ends, as when its cable is pulled. */
export function unplugCamera(): void {
  const stream = document.querySelector('video')?.srcObject as MediaStream
  for (const track of stream.getTracks()) {
    track.stop()
    track.dispatchEvent(new Event('ended'))
  }
}

/** The browser tells of a change among the machine's cameras. */
export function plugCameraIn(): void {
  navigator.mediaDevices.dispatchEvent(new Event('devicechange'))
}
