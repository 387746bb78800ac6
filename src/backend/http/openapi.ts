import { z } from 'zod'
import { problemSchema, problems, type ProblemCode } from '#contract/backend/problem.ts'
import { referenceSchema } from '#contract/backend/values.ts'
import { ok } from './answer.ts'
import { route, type Route } from './route.ts'

/** Each API of the server, by the folder it is mounted at. */
const titles: Readonly<Record<string, string>> = {
  scanner: 'Scanner API',
  products: 'Products API',
  account: 'Account API',
}

type Json = Record<string, unknown>

/**
 * The routes that describe the others: an OpenAPI 3.1 document for each API, the catalogue of RFC 9727 and the
 * health check.
 */
export function discoveryRoutes(routes: readonly Route[]): readonly Route[] {
  const apps = [...new Set(routes.map(appOf))]
  return [
    ...apps.map((app) => {
      const document = openapiDocument(
        titles[app] ?? app,
        routes.filter((row) => appOf(row) === app),
      )
      return route({
        method: 'GET',
        path: `/${app}/api/v1/openapi.json`,
        operationId: `${app}Openapi`,
        summary: 'This API as OpenAPI 3.1',
        access: 'none',
        success: { status: 200 },
        handle: () => ok(document),
      })
    }),
    route({
      method: 'GET',
      path: '/.well-known/api-catalog',
      operationId: 'apiCatalog',
      summary: 'The APIs of this server, RFC 9727',
      access: 'none',
      success: { status: 200 },
      handle: () => ({
        status: 200,
        headers: { 'Content-Type': 'application/linkset+json' },
        body: {
          linkset: apps.map((app) => ({
            anchor: `/${app}/api/v1/`,
            'service-desc': [{ href: `/${app}/api/v1/openapi.json`, type: 'application/openapi+json' }],
          })),
        },
      }),
    }),
    route({
      method: 'GET',
      path: '/healthz',
      operationId: 'health',
      summary: 'Whether the server answers',
      access: 'none',
      success: { status: 200 },
      handle: () => ok({ status: 'ok' }),
    }),
  ]
}

function appOf(row: Route): string {
  return row.path.split('/')[1] ?? ''
}

/** One OpenAPI 3.1 document made from route rows and the schemas they check with. */
export function openapiDocument(title: string, routes: readonly Route[]): Json {
  const components: Json = {}
  const paths: Record<string, Json> = {}
  for (const row of routes) {
    paths[row.path] = { ...paths[row.path], [row.method.toLowerCase()]: operation(row, components) }
  }
  return {
    openapi: '3.1.0',
    info: { title, version: '1.0.0' },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: components,
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        session: { type: 'apiKey', in: 'cookie', name: 'sessionid' },
      },
    },
  }
}

function operation(row: Route, components: Json): Json {
  const answers: Json = {}
  const { status, schema } = row.success
  answers[String(status)] = {
    description: 'Success',
    ...(schema === undefined
      ? {}
      : { content: { 'application/json': { schema: jsonSchema(schema, 'output', components) } } }),
  }
  const problem = jsonSchema(problemSchema, 'output', components)
  for (const [refused, codes] of refusalsOf(row)) {
    answers[refused] = {
      description: codes.map((code) => problems[code].title).join(', '),
      content: { 'application/problem+json': { schema: problem } },
    }
  }
  const body =
    row.body !== undefined
      ? { 'application/json': { schema: jsonSchema(row.body, 'input', components) } }
      : row.form !== undefined
        ? { 'multipart/form-data': { schema: withImage(jsonSchema(row.form, 'input', components)) } }
        : undefined
  return {
    operationId: row.operationId,
    summary: row.summary,
    ...(row.access === 'none' ? { security: [] } : { security: [{ apiKey: [] }, { session: [] }] }),
    parameters: parametersOf(row, components),
    ...(body === undefined ? {} : { requestBody: { required: row.form !== undefined, content: body } }),
    responses: answers,
  }
}

/** Every refusal a route can answer with: its own, and those of the checks that it passes through. */
function refusalsOf(row: Route): Map<string, ProblemCode[]> {
  const codes = new Set<ProblemCode>(['rate_limited', ...(row.refusals ?? [])])
  if (row.access !== 'none') codes.add('unauthorized')
  if (row.access === 'write') codes.add('forbidden')
  if (row.path.includes('{id}')) codes.add('not_found').add('validation_error')
  if (row.query !== undefined) codes.add('validation_error')
  if (row.body !== undefined || row.form !== undefined) {
    codes.add('bad_request').add('payload_too_large').add('validation_error')
  }
  if (row.idempotent === true) codes.add('conflict').add('unprocessable_entity')
  const byStatus = new Map<string, ProblemCode[]>()
  for (const code of codes) {
    const status = String(problems[code].status)
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return new Map([...byStatus].sort())
}

function parametersOf(row: Route, components: Json): Json[] {
  const parameters: Json[] = []
  if (row.path.includes('{id}')) {
    parameters.push({
      name: 'id',
      in: 'path',
      required: true,
      schema: jsonSchema(referenceSchema, 'input', components),
    })
  }
  if (row.path.includes('{gtin}')) {
    parameters.push({ name: 'gtin', in: 'path', required: true, schema: { type: 'string' } })
  }
  if (row.query !== undefined) {
    const { properties = {} } = jsonSchema(row.query, 'input', components) as { properties?: Record<string, unknown> }
    for (const [name, schema] of Object.entries(properties)) {
      parameters.push({ name, in: 'query', required: false, schema })
    }
  }
  if (row.idempotent === true) {
    parameters.push({
      name: 'Idempotency-Key',
      in: 'header',
      required: false,
      schema: { type: 'string', minLength: 1, maxLength: 255 },
    })
  }
  return parameters
}

/** The form's fields with the file beside them. */
function withImage(fields: Json): Json {
  return {
    ...fields,
    properties: { ...(fields['properties'] as Json), image: { type: 'string', format: 'binary' } },
    required: [...((fields['required'] as string[] | undefined) ?? []), 'image'],
  }
}

/** A schema as JSON Schema 2020-12; named schemas are moved to the components and referred to. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output', components: Json): Json {
  const { $schema: _dialect, $defs, ...own } = z.toJSONSchema(schema, { io }) as Json
  const rewrite = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/'))
  for (const [name, definition] of Object.entries(($defs ?? {}) as Json)) {
    components[name] = withoutId(rewrite(definition) as Json)
  }
  return rewrite(own) as Json
}

function withoutId({ id: _id, ...schema }: Json): Json {
  return schema
}
