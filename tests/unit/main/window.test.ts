import { expect, it } from 'vitest'
import { parseKioskArguments } from '#main/arguments.ts'
import { ownSchemePrivileges } from '#main/protocol.ts'
import { windowOptions } from '#main/window.ts'

it('gives the page no Node, a sandbox and a world of its own', () => {
  expect(windowOptions({ preload: '/p.cjs', kiosk: true, devTools: false }).webPreferences).toEqual({
    preload: '/p.cjs',
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webviewTag: false,
    navigateOnDragDrop: false,
    disableDialogs: true,
    spellcheck: false,
    devTools: false,
    backgroundThrottling: false,
    autoplayPolicy: 'no-user-gesture-required',
  })
})

it('fills the screen as a kiosk and not at a desk', () => {
  expect(windowOptions({ preload: '', kiosk: true, devTools: false }).kiosk).toBe(true)
  expect(windowOptions({ preload: '', kiosk: false, devTools: true }).kiosk).toBe(false)
})

it('has a scheme that is secure and bypasses nothing', () => {
  expect(ownSchemePrivileges).toEqual({
    scheme: 'app',
    privileges: { standard: true, secure: true, supportFetchAPI: true, stream: true, codeCache: true },
  })
})

it("reads its own options among Chromium's", () => {
  const args = ['--no-sandbox', '--remote-debugging-port=0', '.', '--data', 'd', '--backend', 'https://b', '--kiosk']
  expect(parseKioskArguments(args)).toEqual({
    data: `${process.cwd()}/d`,
    backend: 'https://b',
    apiKeyFile: null,
    kiosk: true,
    visitorDisplay: false,
  })
  expect(parseKioskArguments([])).toEqual({
    data: null,
    backend: null,
    apiKeyFile: null,
    kiosk: false,
    visitorDisplay: false,
  })
  expect(parseKioskArguments(['--data', '--kiosk'])).toMatchObject({ data: null })
})
