import type { Tone } from './capture-view.ts'

/** A tone's own shape, or one that tells two states of one tone apart. */
export type Shape = Tone | 'used' | 'later' | 'closed'

/**
 * A state's shape: filled circle with tick, triangle, octagon, dashed ring, or a lying diamond for mere information; for
 * what is told apart further a torn ticket (`used`), an hourglass (`later`) and a barred square (`closed`).
 *
 * The outlines differ, not the marks alone: from afar, and to eyes that see no colours, the outline is what is left.
 */
export function StateShape(props: { readonly tone: Tone; readonly shape?: Shape; readonly size?: number }) {
  const { tone, shape = tone, size = 28 } = props
  return (
    <svg
      className="shape"
      data-tone={tone}
      data-shape={shape}
      width={size}
      height={size}
      viewBox="0 0 32 32"
      aria-hidden="true"
    >
      {shapes[shape]}
    </svg>
  )
}

const shapes = {
  ok: (
    <>
      <circle className="shape-body" cx="16" cy="16" r="14" />
      <path className="shape-mark" d="m9 16.5 5 5L23.5 11" />
    </>
  ),
  attention: (
    <>
      <path className="shape-body shape-round" d="M16 3.5 30 28H2z" />
      <path className="shape-mark" d="M16 12v7.5M16 23.6v.2" />
    </>
  ),
  stop: (
    <>
      <path className="shape-body" d="M10.2 2h11.6L30 10.2v11.6L21.8 30H10.2L2 21.8V10.2z" />
      <path className="shape-mark" d="M10.5 10.5l11 11M21.5 10.5l-11 11" />
    </>
  ),
  waiting: <circle className="shape-ring" cx="16" cy="16" r="12.5" />,
  info: (
    <>
      <path className="shape-body shape-round" d="M16 2 30 16 16 30 2 16z" />
      <path className="shape-mark" d="M16 15v7M16 10.2v.2" />
    </>
  ),
  used: (
    <path
      className="shape-body"
      d="M1 6.5h13l-2.7 4.75L14 16l-2.7 4.75L14 25.5H1v-5.7a3.8 3.8 0 0 0 0-7.6zM18.5 6.5H31v5.7a3.8 3.8 0 0 0 0 7.6v5.7H18.5l-2.7-4.75 2.7-4.75-2.7-4.75z"
    />
  ),
  later: (
    <path
      className="shape-body"
      d="M5 1.5h22V6h-2.2c0 4.5-3 7.8-6.3 10 3.3 2.2 6.3 5.5 6.3 10H27v4.5H5V26h2.2c0-4.5 3-7.8 6.3-10-3.3-2.2-6.3-5.5-6.3-10H5z"
    />
  ),
  closed: (
    <>
      <path className="shape-body shape-round" d="M4 4h24v24H4z" />
      <path className="shape-mark" d="M9.5 16h13" />
    </>
  ),
} as const satisfies Readonly<Record<Shape, unknown>>
