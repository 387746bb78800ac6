import fc from 'fast-check'

// Beside every test file that may look for counterexamples. Elsewhere each run looks at examples of its own; in CI the same
// code gets the same answer. A seed of one's own: CAPSTAN_SEED=7.
const { CI, CAPSTAN_SEED = CI ? '20261122' : undefined } = process.env
if (CAPSTAN_SEED !== undefined) fc.configureGlobal({ seed: Number(CAPSTAN_SEED) })
