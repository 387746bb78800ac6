import { loginAnswerSchema, loginSchema, whoSchema } from '#contract/backend/account.ts'
import { clearedCookies, signIn, signOut } from './credentials.ts'
import { ok, refuse } from './answer.ts'
import { route, type Route } from './route.ts'

/** Sign-in for people at a kiosk or in a browser (contracts 1.12). */
export function accountRoutes(): readonly Route[] {
  return [
    route({
      method: 'POST',
      path: '/account/api/v1/login',
      operationId: 'login',
      summary: 'Sign in; sets the cookies sessionid and csrftoken',
      access: 'none',
      body: loginSchema,
      success: { status: 200, schema: loginAnswerSchema },
      refusals: ['unauthorized'],
      attemptsPerMinute: 20,
      async handle({ body, at, db, origin }) {
        const login = await signIn(db, body.email, body.password, at, origin)
        if (!login) return refuse('unauthorized', 'E-mail address or password is wrong.')
        const { id, email, organization_id } = login.user
        return { status: 200, body: { id, email, organization_short_id: organization_id }, cookies: login.cookies }
      },
    }),

    route({
      method: 'GET',
      path: '/account/api/v1/me',
      operationId: 'whoAmI',
      summary: 'Who is asking, and for which organisation',
      access: 'read',
      success: { status: 200, schema: whoSchema },
      handle: ({ credential }) =>
        ok({
          kind: credential.kind,
          name: credential.name,
          role: credential.role,
          organization_short_id: credential.organizationId,
        }),
    }),

    route({
      method: 'POST',
      path: '/account/api/v1/logout',
      operationId: 'logout',
      summary: 'Sign out: the session of the cookie ends, and the cookies are cleared',
      access: 'read',
      success: { status: 204 },
      refusals: ['forbidden'],
      async handle({ headers, db }) {
        await signOut(db, headers)
        return { status: 204, cookies: clearedCookies }
      },
    }),
  ]
}
