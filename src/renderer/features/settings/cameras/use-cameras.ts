import { useEffect, useState } from 'react'
import { presentCameras } from '../../../camera/camera.ts'
import type { PresentCamera } from '../../../camera/identity.ts'

/** The cameras of this machine: none can be had without a secure page, and none has a name before it was allowed. */
export type Cameras =
  | { readonly kind: 'insecure' | 'unnamed' }
  | { readonly kind: 'there'; readonly present: readonly PresentCamera[] }

// Missing outside a secure context, whatever the types say.
const mediaDevices = navigator.mediaDevices as MediaDevices | undefined

/** The cameras that are plugged in, kept true; `ask` has the person asked for them where that is needed. */
export function useCameras(): { readonly cameras: Cameras; readonly ask: () => Promise<void> } {
  const [cameras, setCameras] = useState<Cameras>(
    mediaDevices === undefined ? { kind: 'insecure' } : { kind: 'there', present: [] },
  )
  useEffect(() => {
    if (mediaDevices === undefined) return undefined
    const list = () => void listCameras().then(setCameras)
    list()
    mediaDevices.addEventListener('devicechange', list)
    return () => mediaDevices.removeEventListener('devicechange', list)
  }, [])
  return {
    cameras,
    async ask() {
      const stream = await mediaDevices?.getUserMedia({ video: true }).catch(() => null)
      for (const track of stream?.getTracks() ?? []) track.stop()
      setCameras(await listCameras())
    },
  }
}

async function listCameras(): Promise<Cameras> {
  const present = await presentCameras()
  if (present.length > 0 && present.every(({ label }) => label === '')) return { kind: 'unnamed' }
  return { kind: 'there', present: present.map(({ deviceId, groupId, label }) => ({ deviceId, groupId, label })) }
}
