import { useEffect } from 'react'
import { scanQueue } from '../client/scans.ts'
import { followStation, useStation } from '../client/state.ts'
import { VisitorScreen } from '../features/gate/VisitorScreen.tsx'
import { loadTexts } from './i18n.ts'
import { useTheme } from './use-theme.ts'
import { useWedge } from './use-wedge.ts'

/** The visitor's display: the face of the gate and nothing else, without a sound; the window of the staff has those. */
export function VisitorApp() {
  const theme = useStation((state) => state.settings?.theme)
  useTheme(theme ?? 'system', 'normal')
  useEffect(() => {
    scanQueue.resume()
    return followStation()
  }, [])
  const languages = useStation((state) => state.settings?.gate.languages)
  useEffect(() => {
    for (const language of languages ?? []) void loadTexts(language)
  }, [languages])
  useWedge()
  return <VisitorScreen />
}
