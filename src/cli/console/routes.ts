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

/** Returns a route that changes nothing. */
export const reads = (path: string, answer: Route['answer']): Route => ({
  method: 'GET',
  path,
  changes: false,
  answer,
});

/** Returns a route that changes something. */
export const changes = (path: string, answer: Route['answer']): Route => ({
  method: 'POST',
  path,
  changes: true,
  answer,
});

/** Returns the route of a request, with the variable part of its path. Returns null if there is no such route. */
export const routeOf = (
  routes: readonly Route[],
  method: string,
  path: string,
): { route: Route; id: string } | null => {
  for (const route of routes) {
    const [before = '', after] = route.path.split(':id');
    if (route.method !== method) continue;
    if (after === undefined ? path === before : path.startsWith(before) && path.endsWith(after)) {
      const id = after === undefined ? '' : path.slice(before.length, path.length - after.length);
      if (after === undefined || /^[\w-]{1,100}$/.test(id)) return { route, id };
    }
  }
  return null;
};
