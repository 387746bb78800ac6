import type { Tone } from './capture-view.ts'

/** A state's shape: filled circle with tick, triangle, octagon, dashed ring, or a lying diamond for mere information. */
export function StateShape({ tone, size = 28 }: { readonly tone: Tone; readonly size?: number }) {
  return (
    <svg className="shape" data-tone={tone} width={size} height={size} viewBox="0 0 32 32" aria-hidden="true">
      {shapes[tone]}
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
} as const
