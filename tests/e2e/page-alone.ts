import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { createPage } from '#contract/page.ts'
import { rendererConfig } from '../../vite.config.ts'

/** A page with one part of the window on it, built and served as the product's window is, policy included. */
export interface PageAlone {
  readonly address: string
  close(): Promise<void>
}

/** Builds `pages/<name>` the way the window is built and serves it on a free port. */
export async function servePageAlone(name: string): Promise<PageAlone> {
  const root = fileURLToPath(new URL(`pages/${name}`, import.meta.url))
  const folder = await mkdtemp(join(tmpdir(), `capstan-page-${name}-`))
  await build({
    ...rendererConfig,
    configFile: false,
    logLevel: 'warn',
    root,
    build: { ...rendererConfig.build, outDir: folder, rolldownOptions: { input: join(root, 'index.html') } },
  })
  const page = createPage({ folder, readFile, newNonce: () => randomBytes(16).toString('base64') })
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    void page(request.method ?? 'GET', pathname).then(({ status, headers, body }) => {
      response.writeHead(status, headers).end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true, force: true })
    },
  }
}
