/**
 * Speech by the voices of this machine. Voices that need a network are never used: what is said to a visitor stays here.
 */

/** The machine's own voice for a language; null when it has none. */
function voiceFor(language: string): SpeechSynthesisVoice | null {
  const voices = window.speechSynthesis?.getVoices() ?? []
  const primary = (tag: string): string => tag.toLowerCase().split(/[-_]/)[0] ?? ''
  return voices.find(({ lang, localService }) => localService && primary(lang) === primary(language)) ?? null
}

/** Whether a text in a language can be said here. */
export const canSay = (language: string): boolean => voiceFor(language) !== null

/** Calls back when voices have come, which a browser may look for late; returns the function that stops it. */
export function onVoices(listener: () => void): () => void {
  const speech = window.speechSynthesis as SpeechSynthesis | undefined
  speech?.addEventListener('voiceschanged', listener)
  return () => speech?.removeEventListener('voiceschanged', listener)
}

/** Says a text instead of whatever is being said, at a volume of 0 to 1; silent where there is no voice. */
export function say(text: string, language: string, volume: number): void {
  hush()
  const voice = voiceFor(language)
  if (voice === null || volume <= 0) return
  const utterance = new SpeechSynthesisUtterance(text)
  utterance.voice = voice
  utterance.lang = voice.lang
  utterance.volume = volume
  window.speechSynthesis.speak(utterance)
}

/** Ends what is being said. */
export function hush(): void {
  window.speechSynthesis?.cancel()
}
