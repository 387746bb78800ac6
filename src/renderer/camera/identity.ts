import type { RememberedCamera } from '#contract/station/camera-settings.ts'

/** A camera that is there, as the browser tells of it. */
export interface PresentCamera {
  readonly deviceId: string
  readonly groupId: string
  readonly label: string
}

type Known = Pick<RememberedCamera, 'id' | 'deviceId' | 'groupId' | 'label'>

/** What became of a remembered camera: it is this one, it is not there, or it cannot be told which of several it is. */
export type Match = { readonly deviceId: string } | 'absent' | 'unclear'

/**
 * Finds the remembered cameras among those that are there; each is found once at most.
 *
 * A browser's device id lasts as long as its own data and the port do, so that it is trusted only with the same label.
 * What is left is matched by label: first together with the group, then alone, and only where one remembered camera
 * and one present camera of that label are left. Two of one model on new ports are `unclear` rather than exchanged: a
 * front that is taken for a back is worse than a question.
 */
export function matchCameras(known: readonly Known[], present: readonly PresentCamera[]): ReadonlyMap<string, Match> {
  const matches = new Map<string, Match>()
  let left = [...present]
  const waiting = (): readonly Known[] => known.filter(({ id }) => !matches.has(id))

  const matchBy = (isSame: (one: Known, other: PresentCamera) => boolean): void => {
    for (const one of waiting()) {
      const candidates = left.filter((other) => isSame(one, other))
      const rivals = waiting().filter((rival) => candidates.some((other) => isSame(rival, other)))
      const found = candidates[0]
      if (candidates.length !== 1 || rivals.length !== 1 || !found) continue
      matches.set(one.id, { deviceId: found.deviceId })
      left = left.filter((other) => other !== found)
    }
  }

  matchBy((one, other) => one.deviceId === other.deviceId && one.label === other.label)
  matchBy((one, other) => one.label === other.label && one.groupId !== '' && one.groupId === other.groupId)
  matchBy((one, other) => one.label === other.label)
  for (const one of waiting()) {
    matches.set(one.id, left.some((other) => other.label === one.label) ? 'unclear' : 'absent')
  }
  return matches
}
