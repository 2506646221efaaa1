import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import type { AwsRequest } from '../../src/core/request.ts';
import { chaosRules } from '../../src/faults/chaos.ts';
import { createFaultPlan } from '../../src/faults/fault-plan.ts';
import type { RequestRule } from '../../src/faults/fault-rule.ts';

const request = (key: string, method = 'PUT'): AwsRequest => ({
  service: 's3',
  region: 'eu-central-1',
  method,
  path: `/bucket/${key}`,
  query: '',
  headers: {},
  body: Readable.from([]),
  caller: { kind: 'anonymous' },
  secureTransport: true,
  requestId: '1',
  sourceIp: '127.0.0.1',
});

/**
 * Passes `count` requests for the key `k` to a plan with this rule. Returns one character for each request:
 * `x` if the rule injected a fault, otherwise `.`.
 */
const pattern = (rule: Partial<RequestRule>, count: number, seed = 1): string => {
  const plan = createFaultPlan({
    rules: [{ operation: 's3:PutObject', fault: { kind: 'throttle' }, ...rule }],
    seed,
  });
  return Array.from({ length: count }, () => (plan(request('k')) ? 'x' : '.')).join('');
};

test.each<[string, Partial<RequestRule>, string]>([
  ['everything that matches', {}, 'xxxxxxxx'],
  ['the first requests up to its limit', { times: 2 }, 'xx......'],
  ['the n-th request', { after: 2, times: 1 }, '..x.....'],
  ['every n-th request', { every: 3 }, '..x..x..'],
  ['every n-th request after an offset, up to its limit', { after: 1, every: 2, times: 2 }, '..x.x...'],
  ['no request for another operation', { operation: 's3:GetObject' }, '........'],
  ['no request for another bucket', { bucket: 'buck' }, '........'],
  ['requests whose names match its patterns', { operation: 's3:*', bucket: 'b*t', key: '*' }, 'xxxxxxxx'],
])('a fault rule affects %s', (_what, rule, expected) => {
  expect(pattern(rule, 8)).toBe(expected);
});

test('a fault rule that counts by subject applies its limit to each key separately', () => {
  const rules = [
    { operation: 's3:PutObject', fault: { kind: 'throttle' as const }, times: 1, per: 'subject' as const },
  ];
  const plan = createFaultPlan({ rules });
  const hits = ['a', 'b', 'a', 'b'].map((key) => plan(request(key)) !== undefined);
  expect(hits).toEqual([true, true, false, false]);
});

test('a fault rule injects faults only within its time window', () => {
  const clock = { ms: 1_000_000, now: () => clock.ms };
  const rules = [{ operation: '*', fault: { kind: 'throttle' as const }, fromMs: 100, untilMs: 200 }];
  const plan = createFaultPlan({ rules, clock });
  const at = (milliseconds: number): boolean => {
    clock.ms = 1_000_000 + milliseconds;
    return plan(request('k')) !== undefined;
  };
  expect([at(0), at(99), at(100), at(199), at(200)]).toEqual([false, false, true, true, false]);
});

test('random faults repeat with their seed, and are about as frequent as requested', () => {
  const once = pattern({ probability: 0.3 }, 1000, 7);
  expect(pattern({ probability: 0.3 }, 1000, 7)).toBe(once);
  expect(pattern({ probability: 0.3 }, 1000, 8)).not.toBe(once);
  expect(once.replaceAll('.', '').length).toBeGreaterThan(240);
  expect(once.replaceAll('.', '').length).toBeLessThan(360);
});

test('the faults of one key do not depend on requests for other keys', () => {
  const rules = [{ operation: '*', fault: { kind: 'throttle' as const }, probability: 0.5 }];
  const hitsOfA = (order: string): string => {
    const plan = createFaultPlan({ rules, seed: 3 });
    return order
      .split('')
      .map((key) => ({ key, hit: plan(request(key)) !== undefined }))
      .flatMap(({ key, hit }) => (key === 'a' ? [hit ? 'x' : '.'] : []))
      .join('');
  };
  expect(hitsOfA('aaaaaaaaaa')).toBe(hitsOfA('babcabacaabbacaacaa'));
});

test('chaos makes every kind of request fail sometimes, and no key permanently', () => {
  const plan = createFaultPlan({ rules: chaosRules({ probability: 0.5, times: 2 }), seed: 11 });
  for (let turn = 0; turn < 500; turn += 1) plan(request('k'));
  const kinds = new Set(plan.injected().map(({ fault }) => fault.kind));
  expect(kinds).toContain('throttle');
  expect(kinds).toContain('reset-after');
  const last = Array.from({ length: 50 }, () => plan(request('k')));
  expect(last.every((fault) => fault === undefined)).toBe(true);
});

test("chaos for one caller spares all others and kills that caller's function", () => {
  const rules = chaosRules({ probability: 1, caller: 'arn:aws:sts::*', function: 'replicate' });
  const plan = createFaultPlan({ rules });
  for (let turn = 0; turn < 100; turn += 1) expect(plan(request('k'))).toBeUndefined();
  const arn = 'arn:aws:sts::111111111111:assumed-role/replicate/session';
  const caller = { kind: 'root' as const, accountId: '111111111111', arn, principalId: 'replicate' };
  for (let turn = 0; turn < 300; turn += 1) plan({ ...request('k'), caller });
  expect(plan.count('kill-function')).toBe(2);
  expect(plan.count('truncate-request')).toBeGreaterThan(0);
});

test('a fault plan describes its seed, its rules and their effects', () => {
  const clock = { now: () => 5 };
  const plan = createFaultPlan({
    seed: 42,
    clock,
    rules: [
      { name: 'busy', operation: 's3:PutObject', key: 'k*', fault: { kind: 'throttle' }, times: 1 },
      { queue: 'live', sender: 's3.amazonaws.com', fault: { kind: 'delay-message', byMs: 500 }, every: 2 },
      { function: 'replicate', fault: { kind: 'kill-invocation', afterMs: 10 }, probability: 0.1 },
    ],
  });
  plan(request('k1'));
  plan(request('k2'));
  expect(plan.count('busy')).toBe(1);
  expect(plan.describe()).toBe(`fault plan, seed 42
  1× busy: s3:PutObject of */k*: throttle; 1 time
  0× messages of live from s3.amazonaws.com: delay-message (byMs 500); every 2
  0× invocations of replicate: kill-invocation (afterMs 10); with probability 0.1
injected:
  0 ms  throttle  s3:PutObject bucket/k1`);
});
