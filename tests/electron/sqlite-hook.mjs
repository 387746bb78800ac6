let replacement = ''

/** Gets the address of the module that stands in. */
export function initialize(data) {
  replacement = data
}

/** Everything else resolves as it always does. */
export function resolve(specifier, context, next) {
  return specifier === 'node:sqlite' ? { url: replacement, shortCircuit: true } : next(specifier, context)
}
