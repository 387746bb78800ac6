import { z } from 'zod'
import { problemDetailsSchema, walletScopes } from '#contract/gate/scan-api.ts'
import { problemSchema, problems, type ProblemCode } from '#contract/backend/problem.ts'
import { referenceSchema } from '#contract/backend/values.ts'
import {
  gateApis,
  gateOperations,
  refusalsOf as gateRefusals,
  tokenPath,
  type GateOperation,
} from '../gate/operations.ts'
import { statusTitles } from '../gate/request.ts'
import { ok } from './answer.ts'
import { parameterNames, route, type Route } from './route.ts'

/** Each API of the server, by the folder it is mounted at. */
const titles: Readonly<Record<string, string>> = {
  scanner: 'Scanner API',
  products: 'Products API',
  account: 'Account API',
  integrations: 'Integrations API',
  stations: 'Stations API',
}

type Json = Record<string, unknown>

/**
 * The routes that describe the others: an OpenAPI 3.1 document for each API, the catalogue of RFC 9727 and the
 * health check.
 */
export function discoveryRoutes(routes: readonly Route[]): readonly Route[] {
  const apps = [...new Set(routes.map(appOf))].map((app) => ({
    app,
    anchor: `/${app}/api/v1/`,
    path: `/${app}/api/v1/openapi.json`,
    document: openapiDocument(
      titles[app] ?? app,
      routes.filter((row) => appOf(row) === app),
    ),
  }))
  const gates: readonly GateOperation[] = Object.values(gateOperations)
  const described = [
    ...apps,
    ...gateApis.map(({ title, anchor, document, paths }, index) => ({
      app: index === 0 ? 'scanApi' : 'gate',
      anchor,
      path: document,
      document: openapiDocument(
        title,
        [],
        gates.filter(({ path }) => paths.test(path)),
      ),
    })),
  ]
  const whole = openapiDocument('Capstan backend', routes, gates)
  return [
    route({
      method: 'GET',
      path: '/openapi.json',
      operationId: 'openapi',
      summary: 'All APIs of this server as one OpenAPI 3.1 document',
      access: 'none',
      success: { status: 200 },
      handle: () => ok(whole),
    }),
    ...described.map(({ app, path, document }) =>
      route({
        method: 'GET',
        path,
        operationId: `${app}Openapi`,
        summary: 'This API as OpenAPI 3.1',
        access: 'none',
        success: { status: 200 },
        handle: () => ok(document),
      }),
    ),
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
          linkset: described.map(({ anchor, path }) => ({
            anchor,
            'service-desc': [{ href: path, type: 'application/openapi+json' }],
          })),
        },
      }),
    }),
  ]
}

function appOf(row: Route): string {
  return row.path.split('/')[1] ?? ''
}

/** One OpenAPI 3.1 document made from route rows, also of the gate's, and the schemas they check with. */
export function openapiDocument(title: string, routes: readonly Route[], gates: readonly GateOperation[] = []): Json {
  const components: Json = {}
  const paths: Record<string, Json> = {}
  for (const row of routes) {
    paths[row.path] = { ...paths[row.path], [row.method.toLowerCase()]: operation(row, components) }
  }
  for (const row of gates) {
    paths[row.path] = { ...paths[row.path], [row.method.toLowerCase()]: gateOperation(row, components) }
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
        token: { type: 'oauth2', flows: { clientCredentials: { tokenUrl: tokenPath, scopes: scopeTexts } } },
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
      : {
          content: {
            [row.success.contentType ?? 'application/json']: { schema: jsonSchema(schema, 'output', components) },
          },
        }),
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
        ? {
            'multipart/form-data': {
              schema: withImage(jsonSchema(row.form, 'input', components), row.file ?? 'image'),
            },
          }
        : row.takesPhoto === true
          ? Object.fromEntries(
              ['image/jpeg', 'image/png', 'image/webp'].map((type) => [
                type,
                { schema: { type: 'string', format: 'binary' } },
              ]),
            )
          : undefined
  return {
    operationId: row.operationId,
    summary: row.summary,
    ...(row.access === 'none' || row.access === 'signed'
      ? { security: [] }
      : { security: [{ apiKey: [] }, { session: [] }] }),
    parameters: parametersOf(row, components),
    ...(body === undefined ? {} : { requestBody: { required: needsBody(row), content: body } }),
    responses: answers,
  }
}

/** Scopes need no words beyond their names. */
const scopeTexts = Object.fromEntries(walletScopes.map((scope) => [scope, '']))

/** The same of the gate's, whose refusals are ASP.NET's. */
function gateOperation(row: GateOperation, components: Json): Json {
  const problem = jsonSchema(problemDetailsSchema, 'output', components)
  const query = row.query === undefined ? [] : queryParameters(row.query, components)
  const ids = parameterNames(row.path).map((name) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  return {
    operationId: row.operationId,
    summary: row.summary,
    security: [{ apiKey: [row.scope] }, { token: [row.scope] }],
    parameters: [...ids, ...query],
    ...(row.body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: jsonSchema(row.body, 'input', components) } },
          },
        }),
    responses: Object.fromEntries([
      ...row.answers.map(({ status, schema, contentType = 'application/json', headers }) => [
        status,
        {
          description: 'Success',
          ...(headers === undefined
            ? {}
            : {
                headers: Object.fromEntries(
                  Object.entries(headers).map(([name, description]) => [
                    name,
                    { description, schema: { type: 'string' } },
                  ]),
                ),
              }),
          ...(schema === undefined && contentType === 'application/json'
            ? {}
            : {
                content: {
                  [contentType]: {
                    schema:
                      schema === undefined
                        ? { type: 'string', format: 'binary' }
                        : jsonSchema(schema, 'output', components),
                  },
                },
              }),
        },
      ]),
      ...gateRefusals(row).map((status) => [
        status,
        { description: statusTitles[status] ?? '', content: { 'application/problem+json': { schema: problem } } },
      ]),
    ]),
  }
}

/** Every refusal a route can answer with: its own, and those of the checks that it passes through. */
function refusalsOf(row: Route): Map<string, ProblemCode[]> {
  const codes = new Set<ProblemCode>(['rate_limited', ...(row.refusals ?? [])])
  if (row.access === 'read' || row.access === 'write') codes.add('unauthorized')
  if (row.access === 'write' || row.isForManagers === true) codes.add('forbidden')
  if (parameterNames(row.path).length > 0) codes.add('not_found').add('validation_error')
  if (row.query !== undefined) codes.add('validation_error')
  if (row.body !== undefined || row.form !== undefined || row.takesPhoto === true) {
    codes.add('bad_request').add('payload_too_large').add('validation_error')
  }
  if (row.idempotent === true) codes.add('conflict').add('unprocessable_entity')
  // While the database is away; what needs no credential may not need it either.
  if (row.access !== 'none') codes.add('service_unavailable')
  const byStatus = new Map<string, ProblemCode[]>()
  for (const code of codes) {
    const status = String(problems[code].status)
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return new Map([...byStatus].sort())
}

function parametersOf(row: Route, components: Json): Json[] {
  const parameters: Json[] = []
  for (const name of parameterNames(row.path)) {
    const schema =
      name === 'gtin' || name === 'token' ? { type: 'string' } : jsonSchema(referenceSchema, 'input', components)
    parameters.push({ name, in: 'path', required: true, schema })
  }
  if (row.query !== undefined) parameters.push(...queryParameters(row.query, components))
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

function queryParameters(query: z.ZodType, components: Json): Json[] {
  const { properties = {}, required = [] } = jsonSchema(query, 'input', components) as {
    properties?: Record<string, unknown>
    required?: readonly string[]
  }
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema,
  }))
}

/** The form's fields with the file beside them. */
function withImage(fields: Json, part: string): Json {
  return {
    ...fields,
    properties: { ...(fields['properties'] as Json), [part]: { type: 'string', format: 'binary' } },
    required: [...((fields['required'] as string[] | undefined) ?? []), part],
  }
}

/** A body may be left out where an empty object would do. */
function needsBody(row: Route): boolean {
  return row.form !== undefined || row.takesPhoto === true || row.body?.safeParse({}).success === false
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
