import { isAbsolute, relative, resolve } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contentSecurityPolicy, createPage, pagePath } from '#contract/page.ts'

describe('the path of a page file', () => {
  it.each([
    ['/', 'index.html'],
    ['/index.html', 'index.html'],
    ['/assets/main-1.js', 'assets/main-1.js'],
    ['/a%20b.svg', 'a b.svg'],
    ['/..a/b..js', '..a/b..js'],
  ])('%s is %s', (pathname, path) => {
    expect(pagePath(pathname)).toBe(path)
  })

  it.each([
    '',
    'index.html',
    '//',
    '/a//b.js',
    '/a/',
    '/.',
    '/..',
    '/../a',
    '/%2e%2e/a',
    '/a%2fb',
    '/a%5cb',
    '/a\\b',
    '/%00',
    '/C:/a',
    '/%zz',
  ])('%j is none', (pathname) => {
    expect(pagePath(pathname)).toBeNull()
  })

  it('never leaves its folder, on any platform', () => {
    const piece = fc.oneof(
      fc.constantFrom('..', '.', '%2e', '%2f', '%5c', '\\', '/', '//', ':', '%00', 'C:', 'a', 'assets', '%c0%ae', ''),
      fc.string({ maxLength: 5 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const path = pagePath(`/${pieces.join('')}`)
        if (path === null) return
        const inside = relative('/page', resolve('/page', path))
        expect(inside).not.toBe('')
        expect(isAbsolute(inside) || inside === '..' || inside.startsWith('../')).toBe(false)
        expect(path).not.toMatch(/[\\:\0]/)
      }),
      { numRuns: 5_000 },
    )
  })
})

describe('the policy', () => {
  it('allows our own files, WebAssembly and one nonce, and nothing inline', () => {
    const policy = contentSecurityPolicy('abc')
    expect(policy).toBe(
      "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'nonce-abc'; img-src 'self' blob:; " +
        "media-src 'self' blob:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none'; " +
        "frame-ancestors 'none'; require-trusted-types-for 'script'; " +
        'sandbox allow-scripts allow-same-origin allow-forms allow-downloads',
    )
    expect(policy).not.toMatch(/unsafe-inline|'unsafe-eval'|https?:|\*/)
  })
})

describe('a page', () => {
  const failing = (code: string) =>
    createPage({
      folder: '/page',
      readFile: (() => Promise.reject(Object.assign(new Error(code), { code }))) as never,
      newNonce: () => 'n',
    })

  it.each(['ENOENT', 'EISDIR', 'ENOTDIR', 'ENAMETOOLONG'])('is not there when reading it says %s', async (code) => {
    expect((await failing(code)('GET', '/a.js')).status).toBe(404)
  })

  it('does not hide a disk that fails', async () => {
    await expect(failing('EIO')('GET', '/a.js')).rejects.toThrow('EIO')
  })
})
