import { loginAnswerSchema, loginSchema } from '#contract/backend/account.ts'
import { signIn } from './credentials.ts'
import { refuse } from './answer.ts'
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
      async handle({ body, at, db }) {
        const login = await signIn(db, body.email, body.password, at)
        if (!login) return refuse('unauthorized', 'E-mail address or password is wrong.')
        const { id, email, organization_id } = login.user
        return { status: 200, body: { id, email, organization_short_id: organization_id }, cookies: login.cookies }
      },
    }),
  ]
}
