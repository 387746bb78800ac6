interface TrustedTypePolicyFactory {
  createPolicy(name: string, rules: { readonly createHTML: (text: string) => string | null }): unknown
}

// React Aria empties its live regions by `innerHTML = ''`. Nothing but the empty string ever becomes markup here.
const factory = (window as { readonly trustedTypes?: TrustedTypePolicyFactory }).trustedTypes
factory?.createPolicy('default', { createHTML: (text) => (text === '' ? '' : null) })
