import { expect, it } from 'vitest'
import { isSafeBackendAddress } from '#contract/backend-address.ts'

it.each([
  'https://backend.example',
  'https://backend.example:8443/base',
  'http://127.0.0.1:4000',
  'http://127.1.2.3/',
  'http://localhost',
  'http://localhost:1/x',
  'http://[::1]:9',
])('sends keys to %s', (url) => {
  expect(isSafeBackendAddress(url)).toBe(true)
})

it.each([
  'http://backend.example',
  'http://192.168.1.4:4000',
  'http://127.0.0.1.evil.example',
  'http://127.0.0.1@evil.example',
  'http://127.0.0.1:80@evil.example/',
  'http://localhost.evil.example',
  'http://localhost:80@evil.example',
  'https://user@evil.example',
  'https://user:password@backend.example',
  'https://backend.example/?key=secret',
  'https://backend.example#secret',
  'http://localhost/?key=secret',
  'https://',
  'https:///x',
  'ftp://127.0.0.1',
  'file:///etc/passwd',
  'javascript:https://x',
  ' https://backend.example',
  '',
])('does not send keys to %j', (url) => {
  expect(isSafeBackendAddress(url)).toBe(false)
})
