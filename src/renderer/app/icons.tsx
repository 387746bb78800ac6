import type { ScreenName } from './screens.ts'

/** The product's mark: a capstan seen from above, six bars around a drum. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 48 48" aria-hidden="true">
      <circle cx="24" cy="24" r="8" />
      <path d="M24 3v13M24 32v13M5.8 13.5l11.3 6.5M30.9 28l11.3 6.5M5.8 34.5 17.1 28M30.9 20l11.3-6.5" />
    </svg>
  )
}

const paths: Readonly<Record<ScreenName, string>> = {
  scan: 'M4 9V4h5M23 4h5v5M28 23v5h-5M9 28H4v-5M9 11v10M13 11v10M16.5 11v10M20 11v10M23 11v10',
  queue: 'M6 8h20M6 14h20M6 20h11M24 19v9M20 24l4 4 4-4',
  sessions: 'M7 4h18v24l-3-2-3 2-3-2-3 2-3-2-3 2zM12 11h8M12 17h8',
  review: 'M5 6h15M5 12h9M5 18h6M15 21l5 5 9-11',
  shoot: 'M4 10h6l2-4h8l2 4h6v16H4zM16 13a5 5 0 1 0 .01 0',
  products: 'M16 3 27 9v13l-11 6L5 22V9zM5 9l11 6 11-6M16 15v13M10.5 6l11 6',
  devices: 'M5 8h16l4 3v4l-4 2h-7l2 10h-6L8 17H5zM28.5 8.5 31 7M29 13h2.5M28.5 17.5 31 19',
  gate: 'M6 28V5h20v23M11 28V10h10v18M17.5 19v1.5M4 28h24',
  settings: 'M4 9h11M21 9h7M4 23h7M17 23h11M18 5.5v7M14 19.5v7',
}

/** A screen's sign in the rail; its name stands beneath. */
export function RailIcon({ name }: { readonly name: ScreenName }) {
  return (
    <svg className="rail-icon" viewBox="0 0 32 32" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  )
}
