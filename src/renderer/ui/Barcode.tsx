import { drawCode128 } from '#domain/code128.ts'

const quiet = 10
const height = 150
/** Whole pixels: a bar that is a little wider than its neighbour is another bar. */
const modulePixels = 3

/** A Code 128 to be read off the screen: black on white whatever the theme, with its quiet zones. */
export function Barcode({ text, label }: { readonly text: string; readonly label: string }) {
  const modules = drawCode128(text)
  // Runs and not modules: a seam between two rectangles would be a bar of its own to a scanner.
  const bars = modules.flatMap((isDark, at) => {
    if (!isDark || modules[at - 1] === true) return []
    const end = modules.indexOf(false, at)
    return [{ at, width: (end === -1 ? modules.length : end) - at }]
  })
  return (
    <svg
      className="barcode"
      role="img"
      aria-label={label}
      viewBox={`0 0 ${modules.length + 2 * quiet} ${height}`}
      width={(modules.length + 2 * quiet) * modulePixels}
      height={height}
      preserveAspectRatio="none"
      shapeRendering="crispEdges"
    >
      <rect className="barcode-paper" width={modules.length + 2 * quiet} height={height} />
      {bars.map(({ at, width }) => (
        <rect key={at} x={at + quiet} y={14} width={width} height={height - 28} />
      ))}
    </svg>
  )
}
