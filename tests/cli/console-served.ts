/** A console over routes of a test, without AWS. */
import { request as send } from 'node:http';
import { type ConsoleServer, startConsoleServer } from '../../src/cli/console/server.ts';
import { changes, reads, type Route } from '../../src/cli/console/routes.ts';

export interface Answered {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

export interface Served extends AsyncDisposable {
  origin: string;
  link: string;
  /** What the routes were asked for. */
  calls: string[];
  bugs: unknown[];
  /** Sends a request with exactly these headers. */
  send(
    path: string,
    given?: { method?: string; headers?: Record<string, string>; body?: string },
  ): Promise<Answered>;
  /** Signs in. Resolves to the headers of a browser that is signed in. */
  signIn(): Promise<{ cookie: string; token: string }>;
}

const PAGE = {
  html: '<meta name="console-token" content="{token}" />{readOnly}',
  script: 'script',
  style: 'style',
};

export const serve = async (more: readonly Route[] = [], { readOnly = false } = {}): Promise<Served> => {
  const calls: string[] = [];
  const bugs: unknown[] = [];
  const routes = [
    reads('/api/look', async () => ({ json: calls.push('look') })),
    changes('/api/act', async ({ fields }) => ({ json: calls.push(JSON.stringify(fields)) })),
    ...more,
  ];
  const server: ConsoleServer = await startConsoleServer({
    port: 0,
    readOnly,
    page: PAGE,
    routes,
    onBug: (error) => void bugs.push(error),
  });
  const { origin, port } = new URL(server.link);
  const served: Omit<Served, 'signIn'> = {
    origin,
    link: server.link,
    calls,
    bugs,
    send: (path, { method = 'GET', headers = {}, body } = {}) =>
      new Promise((resolve, reject) => {
        const sent = send({ host: '127.0.0.1', port, path, method, headers }, (response) => {
          let text = '';
          response.on('data', (part) => (text += String(part)));
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
          );
        });
        sent.on('error', reject);
        sent.end(body);
      }),
    [Symbol.asyncDispose]: () => server.stop(),
  };
  return {
    ...served,
    async signIn() {
      const { headers } = await served.send(server.link.slice(origin.length));
      const cookie = String(headers['set-cookie']).split(';')[0] ?? '';
      const { text } = await served.send('/', { headers: { cookie } });
      return { cookie, token: /content="([^"]+)"/.exec(text)?.[1] ?? '' };
    },
  };
};
