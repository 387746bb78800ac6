import { build } from '../tools/set-up.mjs'

/** Builds the kiosk, if anything has changed, before several files of tests open it at once. */
export const setup = (): Promise<void> => build()
