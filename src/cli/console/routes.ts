/** The requests that the server passes to the routes, and their answers. */
import type { Fields } from './request-body.ts';

export interface ApiRequest {
  /** The part of the path that stands at `:id`; empty if the path has no such part. */
  id: string;
  query: URLSearchParams;
  /** Empty for a GET. */
  fields: Fields;
}

/** A value that is sent as JSON, or a page that is shown inside another page. */
export type Answer = { json: unknown } | { html: string; css: string };

export interface Route {
  method: 'GET' | 'POST';
  /** The path. In it, `:id` stands for one variable part. */
  path: string;
  /** Whether the route changes something in AWS. `--read-only` forbids such routes. */
  changes: boolean;
  answer(request: ApiRequest): Promise<Answer>;
}

const routeBy =
  (method: Route['method']) =>
  (path: string, answer: Route['answer']): Route => ({ method, path, changes: method === 'POST', answer });

/** Returns a route that changes nothing. */
export const reads = routeBy('GET');

/** Returns a route that changes something. */
export const changes = routeBy('POST');

/** Returns the route of a request, with the variable part of its path. Returns null if there is no such route. */
export const routeOf = (
  routes: readonly Route[],
  method: string,
  path: string,
): { route: Route; id: string } | null => {
  for (const route of routes) {
    const found = new RegExp(`^${route.path.replace(':id', '([\\w-]{1,100})')}$`).exec(path);
    if (found !== null && route.method === method) return { route, id: found[1] ?? '' };
  }
  return null;
};
