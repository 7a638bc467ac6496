// The API as an OpenAPI 3.1 document, made from the table of routes and the forms. Its JSON Schema is 2020-12 as it is.

import { z } from 'zod';
import { ROUTES, type Route, type RouteName } from '../api/routes.ts';
import { SCHEMAS, type SchemaName } from '../api/schemas.ts';
import { API_HEADER, API_NUMBER, readVersion, VERSION_HEADER } from '../api/version.ts';

type Json = Readonly<Record<string, unknown>>;

let made: Json | undefined;

export function createOpenApi(): Json {
  made ??= {
    openapi: '3.1.0',
    info: {
      title: 'Distributo',
      version: readVersion(),
      description: `API ${API_NUMBER}. Answers carry ${VERSION_HEADER} and ${API_HEADER}; requests may, and are refused where they do not fit.`,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    paths: describePaths(),
    components: { schemas: describeForms() },
  };
  return made;
}

function describePaths(): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [name, route] of Object.entries(ROUTES) as [RouteName, Route][]) {
    paths[route.path] ??= {};
    (paths[route.path] as Record<string, Json>)[route.method.toLowerCase()] = describeRoute(name, route);
  }
  return paths;
}

function describeRoute(name: RouteName, route: Route): Json {
  const bodyType = route.lines === 'body' ? 'application/x-ndjson' : 'application/json';
  const answerType = route.lines === 'answer' ? 'application/x-ndjson' : 'application/json';
  return {
    operationId: name,
    summary: route.summary,
    parameters: [...pathParameters(route.path), ...queryParameters(route)],
    ...(route.body === undefined
      ? {}
      : { requestBody: { required: true, content: { [bodyType]: { schema: reference(route.body) } } } }),
    responses: {
      200: { description: route.summary, content: { [answerType]: { schema: reference(route.answer) } } },
      default: {
        description: 'What, why and what next',
        content: { 'application/json': { schema: reference('error') } },
      },
    },
  };
}

const pathParameters = (path: string): Json[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));

function queryParameters(route: Route): Json[] {
  if (route.query === undefined) return [];
  const form = z.toJSONSchema(SCHEMAS[route.query as SchemaName], { io: 'input' });
  const required = new Set(form.required ?? []);
  return Object.entries(form.properties ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required.has(name),
    schema: schema as Json,
  }));
}

const idOf = (name: string): string => SCHEMAS[name as SchemaName].meta()?.id ?? name;

const reference = (name: string): Json => ({ $ref: `#/components/schemas/${idOf(name)}` });

/** Every form of a body or an answer, and what they share, under its own name. */
function describeForms(): Json {
  const registry = z.registry<{ id: string }>();
  const names = new Set<string>(['error']);
  for (const route of Object.values(ROUTES) as Route[]) {
    names.add(route.answer);
    if (route.body !== undefined) names.add(route.body);
  }
  for (const name of names) registry.add(SCHEMAS[name as SchemaName], { id: idOf(name) });
  const made = z.toJSONSchema(registry, { io: 'input', uri: (id) => `#/components/schemas/${id}` });
  // Forms inside forms come out under one shared name; in the document each stands on its own.
  const flat = JSON.stringify(made.schemas).replaceAll('__shared#/$defs/', '');
  const { __shared, ...forms } = JSON.parse(flat) as Record<string, { readonly $defs?: Json }>;
  return Object.fromEntries(
    Object.entries({ ...forms, ...__shared?.$defs }).map(([id, form]) => {
      const { $id: _id, $schema: _schema, ...kept } = form as Json;
      return [id, kept];
    }),
  );
}
