/** Parses fault rules in JSON, for the command line. */
import { z } from 'zod';
import type { FaultRule } from './fault-rule.ts';

/**
 * Parses a list of rules, or an object with such a list in its member `rules`.
 * @throws TypeError that lists all errors with their positions
 */
export const parseFaultRules = (text: string): FaultRule[] => {
  const parsed = file.safeParse(parseJson(text));
  if (parsed.success) return Array.isArray(parsed.data) ? parsed.data : parsed.data.rules;
  throw new TypeError(`the fault rules are wrong:\n${z.prettifyError(parsed.error)}`);
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new TypeError('the fault rules are not JSON', { cause });
  }
};

const count = z.int().min(0);
const milliseconds = z.number().min(0);
const rate = z.number().positive();

const frequency = {
  name: z.string().exactOptional(),
  per: z.enum(['rule', 'subject']).exactOptional(),
  after: count.exactOptional(),
  every: z.int().min(1).exactOptional(),
  times: count.exactOptional(),
  probability: z.number().min(0).max(1).exactOptional(),
  fromMs: milliseconds.exactOptional(),
  untilMs: milliseconds.exactOptional(),
};

const kind = <K extends string>(name: K) => z.literal(name);

const requestFault = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: kind('error'),
    status: z.int().min(400).max(599),
    code: z.string(),
    message: z.string().exactOptional(),
  }),
  z.strictObject({ kind: kind('throttle'), by: z.enum(['service', 'kms']).exactOptional() }),
  z.strictObject({ kind: kind('expired-credentials') }),
  z.strictObject({ kind: kind('clock-skew'), aheadMs: z.number() }),
  z.strictObject({ kind: kind('reset-before') }),
  z.strictObject({ kind: kind('reset-after') }),
  z.strictObject({ kind: kind('lose-answer') }),
  z.strictObject({ kind: kind('truncate'), afterBytes: count }),
  z.strictObject({ kind: kind('truncate-request'), afterBytes: count }),
  z.strictObject({ kind: kind('slow-answer'), bytesPerSecond: rate }),
  z.strictObject({ kind: kind('slow-request'), bytesPerSecond: rate }),
  z.strictObject({ kind: kind('delay'), byMs: milliseconds }),
  z.strictObject({ kind: kind('kill-function'), when: z.enum(['before', 'after']) }),
]);

const messageFault = z.discriminatedUnion('kind', [
  z.strictObject({ kind: kind('delay-message'), byMs: milliseconds }),
  z.strictObject({ kind: kind('duplicate-message'), copies: z.int().min(1) }),
  z.strictObject({ kind: kind('overtake-message'), by: z.int().min(1) }),
  z.strictObject({ kind: kind('hold-message') }),
  z.strictObject({ kind: kind('visible-again'), afterMs: milliseconds }),
  z.strictObject({ kind: kind('forget-delete') }),
  z.strictObject({ kind: kind('shuffle') }),
]);

const invocationFault = z.discriminatedUnion('kind', [
  z.strictObject({ kind: kind('kill-invocation'), afterMs: milliseconds }),
  z.strictObject({ kind: kind('time-out-invocation'), afterMs: milliseconds }),
]);

const rule = z.union([
  z.strictObject({
    ...frequency,
    operation: z.string(),
    bucket: z.string().exactOptional(),
    key: z.string().exactOptional(),
    caller: z.string().exactOptional(),
    fault: requestFault,
  }),
  z.strictObject({
    ...frequency,
    queue: z.string(),
    key: z.string().exactOptional(),
    sender: z.string().exactOptional(),
    fault: messageFault,
  }),
  z.strictObject({ ...frequency, function: z.string(), fault: invocationFault }),
]);

const rules = z.array(rule);
const file = z.union([rules, z.strictObject({ rules })]);
