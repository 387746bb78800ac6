import { useEffect } from 'react'
import type { Settings } from '#contract/station/settings.ts'

/** Puts theme and text size on the document: the theme as set, or as the computer has it. */
export function useTheme(theme: Settings['theme'], textSize: Settings['textSize']): void {
  useEffect(() => {
    document.documentElement.dataset['textSize'] = textSize
  }, [textSize])
  useEffect(() => {
    const dark = window.matchMedia('(prefers-color-scheme: dark)')
    const apply = () => {
      document.documentElement.dataset['theme'] = theme === 'system' ? (dark.matches ? 'dark' : 'light') : theme
    }
    apply()
    dark.addEventListener('change', apply)
    return () => dark.removeEventListener('change', apply)
  }, [theme])
}
