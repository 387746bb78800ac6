/** Five touches of the corner within this time; the corner is as large as a thumb. */
const taps = 5
const tapsMs = 3_000
const cornerPixels = 80

/** What a listener needs of an event's target. */
type Target = Pick<EventTarget, 'addEventListener' | 'removeEventListener'>

/**
 * Calls `onGesture` when the upper left corner was touched five times, or Ctrl+Alt+Shift+K was pressed: no scanner types
 * that, and nobody does either by chance. It opens nothing by itself. Returns the function that stops it.
 */
export function listenToGesture(target: Target, onGesture: () => void): () => void {
  let touched: number[] = []
  const touch = (event: Event): void => {
    const { clientX, clientY, timeStamp } = event as PointerEvent
    if (clientX > cornerPixels || clientY > cornerPixels) {
      touched = []
      return
    }
    touched = [...touched.filter((at) => timeStamp - at < tapsMs), timeStamp]
    if (touched.length < taps) return
    touched = []
    onGesture()
  }
  const press = (event: Event): void => {
    const { ctrlKey, altKey, shiftKey, code, repeat } = event as KeyboardEvent
    if (ctrlKey && altKey && shiftKey && code === 'KeyK' && !repeat) onGesture()
  }
  target.addEventListener('pointerdown', touch, { capture: true })
  target.addEventListener('keydown', press, { capture: true })
  return () => {
    target.removeEventListener('pointerdown', touch, { capture: true })
    target.removeEventListener('keydown', press, { capture: true })
  }
}
