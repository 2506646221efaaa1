/** The gate of the console: the browser that signed in may pass, other sites and programs may not. */
import { expect, test } from 'vitest';
import { changes, reads } from '../../src/cli/console/routes.ts';
import { CliError } from '../../src/cli/terminal/errors.ts';
import { serve, type Served } from './console-served.ts';

/** The headers with which the page sends an action. */
const action = async (served: Served): Promise<Record<string, string>> => {
  const { cookie, token } = await served.signIn();
  return {
    cookie,
    origin: served.origin,
    'x-console-token': token,
    'content-type': 'application/json',
    'sec-fetch-site': 'same-origin',
  };
};

test('the link signs in one browser by a cookie that no script and no other site sees, and its token leaves the address', async () => {
  await using served = await serve();
  const path = served.link.slice(served.origin.length);
  const { status, headers } = await served.send(path, { headers: { 'sec-fetch-site': 'cross-site' } });
  expect(status).toBe(303);
  expect(headers['location']).toBe('/');
  expect(String(headers['set-cookie'])).toMatch(
    /^s3-replicator-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/,
  );
  const [cookie = ''] = String(headers['set-cookie']).split(';');
  expect((await served.send('/api/look', { headers: { cookie } })).status).toBe(200);
  // A second browser is refused, and so is somebody who finds the link in a history, and somebody who guesses the token.
  const replayed = await served.send(path);
  expect(replayed.status).toBe(401);
  expect(replayed.headers['set-cookie']).toBeUndefined();
  expect(replayed.text).not.toContain(new URL(served.link).searchParams.get('token'));
  expect((await served.send(path, { headers: { cookie } })).status).toBe(303);
  expect((await served.send('/sign-in?token=guess', { headers: { cookie } })).status).toBe(401);
});

test.each([
  ['another name that resolves to this machine', { host: 'attacker.example' }, 421],
  ['another port of this machine', { host: '127.0.0.1:1' }, 421],
  ['the page of another site', { origin: 'http://attacker.example' }, 403],
  ['a page without an origin', { origin: 'null' }, 403],
  ['another server of this machine', { origin: 'http://127.0.0.1:1', 'sec-fetch-site': 'same-site' }, 403],
  ['a link or an image of another site', { 'sec-fetch-site': 'cross-site' }, 403],
  ['a browser that has not signed in', { cookie: '' }, 401],
  ['a guessed cookie', { cookie: 's3-replicator-1=guess' }, 401],
])('%s reads nothing', async (_who, headers: Record<string, string>, status) => {
  await using served = await serve();
  const { cookie } = await served.signIn();
  for (const path of ['/', '/page.js', '/api/look', '/api/nothing']) {
    const answer = await served.send(path, { headers: { cookie, ...headers } });
    expect({ path, status: answer.status }).toEqual({ path, status });
  }
  expect(served.calls).toEqual([]);
});

test.each<[string, Record<string, string | undefined>, number]>([
  ['without the token of the page', { 'x-console-token': undefined }, 403],
  ['with the token of another console', { 'x-console-token': 'x'.repeat(43) }, 403],
  ['without an origin', { origin: undefined }, 403],
  ['from another site', { origin: 'http://attacker.example' }, 403],
  ['without the cookie', { cookie: undefined }, 401],
  ['as a form, which other sites can send', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
  ['as plain text, which other sites can send', { 'content-type': 'text/plain' }, 415],
])('an action %s is refused', async (_how, changed, status) => {
  await using served = await serve();
  const headers = Object.entries({ ...(await action(served)), ...changed }).filter(
    (each): each is [string, string] => each[1] !== undefined,
  );
  const answer = await served.send('/api/act', {
    method: 'POST',
    headers: Object.fromEntries(headers),
    body: '{}',
  });
  expect({ status: answer.status, calls: served.calls }).toEqual({ status, calls: [] });
});

test('an action of the page is carried out, and fields that are empty or off are left out of it', async () => {
  await using served = await serve();
  const headers = await action(served);
  const body = JSON.stringify({ rule: 'invoices', prefix: '', yes: false, repair: true, limit: 10 });
  expect((await served.send('/api/act', { method: 'POST', headers, body })).status).toBe(200);
  expect(served.calls).toEqual(['{"rule":"invoices","repair":true,"limit":"10"}']);
  // A GET, as a link sends it, does not carry out an action.
  expect((await served.send('/api/act', { headers })).status).toBe(404);
  expect((await served.send('/api/act', { method: 'PUT', headers, body })).status).toBe(405);
});

test('no other method and no header that names one carries out an action, and no other site is told that it may ask', async () => {
  await using served = await serve();
  const headers = await action(served);
  for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD', 'TRACE']) {
    const answer = await served.send('/api/act', { method, headers });
    expect({ method, status: answer.status }).toEqual({ method, status: 405 });
    expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'))).toEqual([]);
  }
  for (const path of ['/api/act', '/api/act?_method=POST'])
    for (const name of ['x-http-method-override', 'x-http-method', 'x-method-override'])
      expect((await served.send(path, { headers: { ...headers, [name]: 'POST' } })).status).toBe(404);
  // A form can send a POST, but not the header with the token. A token in the query does not count.
  const { 'x-console-token': _token, ...without } = headers;
  expect((await served.send('/api/act?x-console-token=x', { method: 'POST', headers: without })).status).toBe(
    403,
  );
  expect(served.calls).toEqual([]);
});

test('a key with HTML in it is data in an answer and in an error, and nothing that a browser would run', async () => {
  const key = '<script>alert(1)</script>';
  await using served = await serve([
    reads('/api/key', async () => ({ json: { key } })),
    reads('/api/refused', async () => {
      throw new CliError('bad-request', `No object ${key}.`);
    }),
  ]);
  const { cookie } = await served.signIn();
  for (const path of ['/api/key', '/api/refused', `/api/${key}`, `/${key}`, `/sign-in?token=${key}`]) {
    const { headers, text } = await served.send(encodeURI(path), { headers: { cookie } });
    expect(headers['content-type'], path).toMatch(/^(application\/json|text\/plain); charset=utf-8$/);
    expect(headers['x-content-type-options']).toBe('nosniff');
    if (path.startsWith('/api/<') || path.includes('sign-in')) expect(text).not.toContain('script');
  }
});

test('with --read-only no action is carried out, and everything is shown', async () => {
  await using served = await serve([], { readOnly: true });
  const headers = await action(served);
  const answer = await served.send('/api/act', { method: 'POST', headers, body: '{}' });
  expect({ status: answer.status, calls: served.calls }).toEqual({ status: 403, calls: [] });
  expect((await served.send('/api/look', { headers: { cookie: headers['cookie'] ?? '' } })).status).toBe(200);
  expect((await served.send('/', { headers: { cookie: headers['cookie'] ?? '' } })).text).toContain('true');
});

test.each([
  ['a body that is too large', 'x'.repeat(70_000), 413],
  ['a body that is no JSON', '{', 400],
  ['a list', '[]', 400],
  ['a field within a field', '{"rule":{"id":1}}', 400],
])('%s is refused', async (_what, body, status) => {
  await using served = await serve();
  const answer = await served.send('/api/act', { method: 'POST', headers: await action(served), body });
  expect({ status: answer.status, calls: served.calls }).toEqual({ status, calls: [] });
});

test('no answer may be kept, framed, guessed at or filled with scripts from elsewhere', async () => {
  await using served = await serve();
  const { cookie } = await served.signIn();
  for (const path of ['/', '/page.js', '/api/look', '/api/nothing', '/nothing']) {
    const { headers } = await served.send(path, { headers: { cookie } });
    expect(headers['content-security-policy'], path).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    );
    expect(headers).toMatchObject({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
  }
});

test.each([
  '/../package.json',
  '/%2e%2e/package.json',
  '/page.js/../../x',
  '/runs/../../etc/passwd',
  '//etc/passwd',
  '/api/runs/..%2f..%2f',
  '/page.css%00',
])('the path %s leads to no file', async (path) => {
  await using served = await serve([reads('/api/runs/:id', async ({ id }) => ({ json: id }))]);
  const { cookie } = await served.signIn();
  const { status } = await served.send(path, { headers: { cookie } });
  expect(status).toBe(404);
});

test('an address that is none does not end the console', async () => {
  await using served = await serve();
  const { cookie } = await served.signIn();
  expect((await served.send('//[', { headers: { cookie } })).status).toBe(400);
  expect((await served.send('/api/look', { headers: { cookie } })).status).toBe(200);
});

test('a report inside of the page runs no script, and only its own style', async () => {
  const html = { html: '<style>a{}</style>', css: 'a{}' };
  await using served = await serve([reads('/api/report', async () => html)]);
  const { cookie } = await served.signIn();
  const { headers, text } = await served.send('/api/report', { headers: { cookie } });
  expect(text).toBe(html.html);
  expect(headers['content-security-policy']).toMatch(
    /^default-src 'none'; style-src 'sha256-[\w+/=]{44}';.* frame-ancestors 'self'; sandbox allow-same-origin$/,
  );
});

test('an error that is a mistake of the program is told at the terminal, and not in the browser', async () => {
  const broken = changes('/api/broken', async () => {
    throw new TypeError('secret detail');
  });
  await using served = await serve([broken]);
  const answer = await served.send('/api/broken', {
    method: 'POST',
    headers: await action(served),
    body: '{}',
  });
  expect(answer.status).toBe(500);
  expect(answer.text).not.toContain('secret');
  expect(served.bugs).toHaveLength(1);
});

test('the server does not listen on other addresses of this machine', async () => {
  await using served = await serve();
  // A server that listens on all addresses would answer here, too.
  await expect(fetch(served.origin.replace('127.0.0.1', '127.0.0.2'))).rejects.toThrow('fetch failed');
});
