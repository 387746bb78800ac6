/** What a person hears; each has its own pitch, length and contour. */
export type Sound = 'saved' | 'joined' | 'again' | 'unknown' | 'stopped'

/** One tone of a sound: times in seconds from the sound's start, pitches in hertz. */
interface Tone {
  readonly at: number
  readonly length: number
  readonly from: number
  readonly to: number
  readonly wave: OscillatorType
  readonly gain: number
}

/**
 * Told apart in a loud hall by number, direction and colour, not by pitch alone:
 * one high tick, one soft drop, two level knocks, one long rise, three falling buzzes.
 */
const sounds: Readonly<Record<Sound, readonly Tone[]>> = {
  saved: [
    { at: 0, length: 0.09, from: 2_093, to: 2_093, wave: 'triangle', gain: 0.9 },
    { at: 0, length: 0.05, from: 4_186, to: 4_186, wave: 'sine', gain: 0.25 },
  ],
  joined: [{ at: 0, length: 0.07, from: 1_047, to: 784, wave: 'sine', gain: 0.3 }],
  again: [
    { at: 0, length: 0.07, from: 740, to: 740, wave: 'square', gain: 0.35 },
    { at: 0.13, length: 0.07, from: 740, to: 740, wave: 'square', gain: 0.35 },
  ],
  unknown: [
    { at: 0, length: 0.4, from: 392, to: 1_047, wave: 'triangle', gain: 0.9 },
    { at: 0, length: 0.4, from: 396, to: 1_055, wave: 'sawtooth', gain: 0.15 },
  ],
  stopped: [
    { at: 0, length: 0.2, from: 233, to: 156, wave: 'sawtooth', gain: 0.6 },
    { at: 0.25, length: 0.2, from: 233, to: 156, wave: 'sawtooth', gain: 0.6 },
    { at: 0.5, length: 0.3, from: 233, to: 117, wave: 'sawtooth', gain: 0.6 },
  ],
}

/** A loudspeaker that is open takes a fiftieth of a core, silent or not: it rests after so long without a sound. */
const restMs = 30_000

/** Two of the same that begin within this time are heard as one, only louder. */
const togetherMs = 20

let context: AudioContext | undefined
/** Suspended by us, until the next sound has opened it again. */
let isResting = false
let restTimer: ReturnType<typeof setTimeout> | undefined
/** When each sound was last begun. Not on the context's clock, which stands still between its turns. */
const begun = new Map<Sound, number>()
const listeners = new Set<() => void>()

/** Whether the browser lets this window sound: it does not before the first touch or key. */
export function isAudible(): boolean {
  return context?.state === 'running' || isResting
}

/** Listens to changes of `isAudible`; returns the function that stops it. */
export function onAudible(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/**
 * Opens the loudspeaker: at start, and again with each gesture, since a browser may refuse before the first.
 *
 * Opening takes a while, so it must not happen at a key: the keys behind it would seem late.
 */
export function openSound(): void {
  if (context === undefined) {
    context = new AudioContext({ latencyHint: 'interactive' })
    context.addEventListener('statechange', () => {
      if (context?.state === 'running') isResting = false
      for (const listener of listeners) listener()
    })
  }
  if (context.state !== 'running' && !isResting) void context.resume()
  restLater()
}

function restLater(): void {
  clearTimeout(restTimer)
  restTimer = setTimeout(() => {
    if (context?.state !== 'running') return
    isResting = true
    void context.suspend()
  }, restMs)
}

/** Plays one sound at a volume of 0 to 1, once for those that come together; silent while the browser does not allow any. */
export function playSound(sound: Sound, volume: number): void {
  if (context === undefined || !isAudible() || volume <= 0) return
  const now = performance.now()
  if (now - (begun.get(sound) ?? Number.NEGATIVE_INFINITY) < togetherMs) return
  begun.set(sound, now)
  if (isResting) void context.resume()
  restLater()
  // A context that is being opened begins where it stopped: what is planned now sounds as soon as it is open.
  const start = context.currentTime + 0.005
  for (const { at, length, from, to, wave, gain } of sounds[sound]) {
    const oscillator = context.createOscillator()
    const envelope = context.createGain()
    oscillator.type = wave
    oscillator.frequency.setValueAtTime(from, start + at)
    oscillator.frequency.exponentialRampToValueAtTime(to, start + at + length)
    envelope.gain.setValueAtTime(0, start + at)
    envelope.gain.linearRampToValueAtTime(gain * volume, start + at + 0.006)
    envelope.gain.setValueAtTime(gain * volume, start + at + length - 0.02)
    envelope.gain.linearRampToValueAtTime(0, start + at + length)
    oscillator.connect(envelope).connect(context.destination)
    oscillator.start(start + at)
    oscillator.stop(start + at + length)
  }
}
