/** Serves the console on the loopback address. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createGate, type Gate, SIGN_IN_PATH } from './gate.ts';
import type { PageFiles } from './page-files.ts';
import { BUG, problemOf } from './problem.ts';
import { readFields } from './request-body.ts';
import { type Answer, type Route, routeOf } from './routes.ts';

export interface ConsoleServer {
  /** The link with which a browser signs in. */
  link: string;
  stop(): Promise<void>;
}

interface Setting {
  /** The port; 0 lets the system choose a free port. */
  port: number;
  readOnly: boolean;
  page: PageFiles;
  routes: readonly Route[];
  /** Called with an error that is a bug and not caused by an operator. */
  onBug(error: unknown): void;
}

/** Starts the server. Rejects if the port is in use. */
export const startConsoleServer = async (setting: Setting): Promise<ConsoleServer> => {
  const server = createServer();
  const port = await listening(server, setting.port);
  const gate = createGate(port);
  server.on('request', (request, response) => void handle({ request, response, gate }, setting));
  return {
    link: `http://127.0.0.1:${port}${SIGN_IN_PATH}?token=${gate.linkToken}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

const listening = async (server: Server, port: number): Promise<number> => {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
};

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  gate: Gate;
}

const handle = async (exchange: Exchange, setting: Setting): Promise<void> => {
  const { request, response, gate } = exchange;
  try {
    const url = urlOf(request);
    const refusal = gate.refusal(request, url?.pathname ?? '');
    if (url === null) send(response, { status: 400, text: 'This is no address.' });
    else if (refusal !== null) send(response, { status: refusal.status, text: refusal.message });
    else if (url.pathname === SIGN_IN_PATH) signIn(exchange, url);
    else if (url.pathname.startsWith('/api/')) await answerApi(exchange, url, setting);
    else sendPage(exchange, url.pathname, setting);
  } catch (error) {
    const { status, body } = problemOf(error);
    if (status === BUG) setting.onBug(error);
    if (response.headersSent) response.destroy();
    else send(response, { status, text: JSON.stringify(body), type: 'application/json' });
    // The rest of a refused body is not read.
    if (status === 413) request.destroy();
  }
};

const urlOf = ({ url = '' }: IncomingMessage): URL | null =>
  URL.canParse(url, 'http://console') ? new URL(url, 'http://console') : null;

/** The redirection removes the token from the address, so that it is neither in the history nor in a copied address. */
const signIn = ({ request, response, gate }: Exchange, url: URL): void => {
  const cookie = gate.signIn(url.searchParams.get('token') ?? '', request);
  if (cookie === null)
    send(response, {
      status: 401,
      text: 'This link was used by another browser, or is of an earlier console. Start the console again for a new link.',
    });
  else send(response, { status: 303, text: '', headers: { Location: '/', 'Set-Cookie': cookie } });
};

const answerApi = async ({ request, response }: Exchange, url: URL, setting: Setting): Promise<void> => {
  const found = routeOf(setting.routes, request.method ?? '', url.pathname);
  if (found === null) return send(response, { status: 404, text: 'There is no such route.' });
  const { route, id } = found;
  if (route.changes && setting.readOnly)
    return send(response, { status: 403, text: 'The console was started with --read-only.' });
  const fields = route.method === 'POST' ? await readFields(request) : {};
  sendAnswer(response, await route.answer({ id, query: url.searchParams, fields }));
};

const sendAnswer = (response: ServerResponse, answer: Answer): void => {
  if ('json' in answer)
    return send(response, { text: JSON.stringify(answer.json), type: 'application/json' });
  const digest = createHash('sha256').update(answer.css).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-same-origin`;
  send(response, { text: answer.html, type: 'text/html', headers: { 'Content-Security-Policy': policy } });
};

/** The paths are compared, never opened, so no path leads to another file. */
const sendPage = ({ response, gate }: Exchange, path: string, { page, readOnly }: Setting): void => {
  if (path === '/page.js') return send(response, { text: page.script, type: 'text/javascript' });
  if (path === '/page.css') return send(response, { text: page.style, type: 'text/css' });
  if (!PAGES.test(path)) return send(response, { status: 404, text: 'There is no such page.' });
  send(response, {
    text: page.html.replace('{token}', gate.actionToken).replace('{readOnly}', String(readOnly)),
    type: 'text/html',
  });
};

const PAGES = /^\/(letters|runs|runs\/[\w-]{1,100}|key|doctor)?$/;

const send = (
  response: ServerResponse,
  given: { status?: number; text: string; type?: string; headers?: Record<string, string> },
): void => {
  const { status = 200, text, type = 'text/plain', headers = {} } = given;
  response.writeHead(status, { ...SAFE, 'Content-Type': `${type}; charset=utf-8`, ...headers });
  response.end(text);
};

/** Headers of every answer. They forbid resources of other sites, and scripts and styles inside a page. */
const SAFE = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};
