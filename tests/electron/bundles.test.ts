import { existsSync, readFileSync, statSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nonceMark } from '#contract/page.ts'
import { root } from '../../tools/set-up.mjs'

const read = (path: string) => readFileSync(join(root, 'out', path), 'utf8')

describe('what the build makes', () => {
  it('has a preload in one file that requires electron and nothing else', () => {
    const preload = read('preload/index.cjs')
    const required = [...preload.matchAll(/\brequire\(\s*["'`]([^"'`]+)["'`]\s*\)/g)].map(([, name]) => name)
    expect(required).toEqual(['electron'])
    expect(preload).not.toMatch(/^\s*(import|export)\b/m)
    // A few hundred bytes of code: were a schema bundled, zod would be here as well.
    expect(statSync(join(root, 'out/preload/index.cjs')).size).toBeLessThan(4_000)
  })

  it('has a main process and an imaging worker as ES modules', () => {
    expect(read('main/index.js')).toMatch(/^import /m)
    expect(existsSync(join(root, 'out/main/imaging-process.js'))).toBe(true)
  })

  it('opens the window before it loads the station: the entry needs electron and Node alone', () => {
    const imported = new Set<string>()
    const take = (path: string): void => {
      for (const [, name = ''] of read(path).matchAll(/^import (?:[^'"]*? from )?["']([^'"]+)["']/gm)) {
        if (imported.has(name)) continue
        imported.add(name)
        if (name.startsWith('.')) take(`main/${name}`)
      }
    }
    take('main/index.js')
    const packages = [...imported].filter((name) => !name.startsWith('.') && !isBuiltin(name))
    expect(packages).toEqual(['electron'])
    expect([...imported].join(' ')).not.toMatch(/station-|host-/)
  })

  it('keeps sharp out of the main process', () => {
    expect(read('main/index.js')).not.toMatch(/from ["']sharp["']/)
    expect(read('main/imaging-process.js')).toMatch(/from ["']sharp["']/)
  })

  it('has a page without inline script, inline style or a foreign address, and with the mark of the nonce', () => {
    const html = read('renderer/index.html')
    expect(html).toContain(nonceMark)
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)/)
    expect(html).not.toMatch(/<style|\bstyle=|\bon\w+=/)
    expect(html).not.toMatch(/https?:\/\//)
  })
})
