// The entry of a package of this suite: the kiosk with the stand-in for node:sqlite, which the test runtime lacks.
import './sqlite-hook.cjs'

await import('../../out/main/index.js')
