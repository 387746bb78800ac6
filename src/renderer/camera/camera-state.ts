/** How the camera stands. All but `starting` and `live` come with a next step for the person. */
export type CameraStateKind =
  | 'starting'
  | 'live'
  | 'denied'
  | 'absent'
  | 'unclear'
  | 'taken'
  | 'unplugged'
  | 'frozen'
  | 'insecure'
  | 'failed'

export interface CameraState {
  readonly kind: CameraStateKind
  /** What the browser said, for the log; empty when it said nothing. */
  readonly detail: string
}

/** The text that says what is the matter. */
export function stateTextKey(kind: CameraStateKind): `camera.state.${CameraStateKind}` {
  return `camera.state.${kind}`
}

/** The text that says what to do about it; null while there is nothing to do. */
export function nextStepKey(
  kind: CameraStateKind,
): `camera.next.${Exclude<CameraStateKind, 'starting' | 'live'>}` | null {
  return kind === 'starting' || kind === 'live' ? null : `camera.next.${kind}`
}

/** Whether it may work again without anybody plugging or allowing anything: another program ends, a driver recovers. */
export function mayRecover(kind: CameraStateKind): boolean {
  return kind === 'taken' || kind === 'frozen' || kind === 'failed'
}

/** What a refusal of `getUserMedia` means for the person. */
export function stateOfRefusal(error: unknown): CameraState {
  const name = error instanceof DOMException ? error.name : ''
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return { kind: refusals[name] ?? 'failed', detail }
}

const refusals: Readonly<Record<string, CameraStateKind>> = {
  NotAllowedError: 'denied',
  SecurityError: 'denied',
  NotFoundError: 'absent',
  OverconstrainedError: 'absent',
  NotReadableError: 'taken',
  AbortError: 'taken',
}
