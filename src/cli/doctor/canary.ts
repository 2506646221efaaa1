/**
 * The seventh group, which runs only on request. It uploads one small object for each rule, and measures the time until every
 * replica is proven.
 */
import { randomUUID } from 'node:crypto';
import { createCanaryObject, type CanaryObject } from '../../lib/aws/settings/canary-object.ts';
import { askInspect } from '../../lib/aws/settings/inspect-function.ts';
import { type Explanation, parseExplanation } from '../../lib/inspect/explain.ts';
import type { ReplicationRule } from '../../lib/model/rule.ts';
import type { CliIo } from '../terminal/io.ts';
import { accountOf, type Context } from './context.ts';
import { type Cause, type Finding, findingsOf, NO_CREDENTIALS, whyNotChecked } from './finding.ts';

export const CANARY_CAUSES = {
  'canary-lost': {
    verdict: 'error',
    asks: 's3:PutObject of a new key, then the state of both sides',
    means: 'An object that was just uploaded was not replicated within two minutes.',
    fix: 'npx s3-replicator explain, which says what happens to it',
  },
  'canary-left': {
    verdict: 'warning',
    asks: 's3:DeleteObject of the same key',
    means: 'The object of the canary could not be removed again.',
    fix: 'aws s3 rm …',
  },
} as const satisfies Record<string, Cause>;

const { ok, found, notChecked } = findingsOf('canary', CANARY_CAUSES);

/** How long a replica may take. */
const PATIENCE_MS = 120_000;
const PAUSE_MS = 1_000;

type Time = Pick<CliIo, 'interrupted' | 'now' | 'sleep'>;

export const canaryFindings = async (context: Context, time: Time): Promise<Finding[]> => {
  if (context.identity === null) return [notChecked(NO_CREDENTIALS)];
  if (!context.isDeployed) return [notChecked('nothing is deployed')];
  const { rules } = context.configuration.replication;
  const findings = await Promise.all(rules.map((rule) => oneCanary(context, rule, time)));
  return findings.flat();
};

const oneCanary = async (context: Context, rule: ReplicationRule, time: Time): Promise<Finding[]> => {
  const { bucket, prefix, suffix, account } = rule.source;
  const key = `${prefix}s3-replicator-canary-${randomUUID()}${suffix}`;
  const object = createCanaryObject({
    region: context.region,
    bucket,
    key,
    account: account ?? accountOf(context),
  });
  // The object is as small as the rule allows.
  const uploaded = await object.upload(
    Buffer.alloc(Math.max(1, rule.filter.minimumBytes ?? 0)),
    rule.filter.tags,
  );
  if (uploaded.kind !== 'answer')
    return [notChecked(whyNotChecked('canary', uploaded) ?? `${bucket} is gone`, rule.id)];
  const startedMs = time.now();
  const missing = await untilProven(context, { bucket, key, rule: rule.id }, time);
  const seconds = ((time.now() - startedMs) / 1_000).toFixed(1);
  const result =
    missing === null
      ? ok(`replicated and proven in ${seconds} s`, rule.id)
      : found('canary-lost', {
          subject: rule.id,
          text: `not replicated after ${seconds} s: ${missing}`,
          fix: {
            kind: 'command',
            account: accountOf(context),
            command: `npx s3-replicator explain s3://${bucket}/${key}`,
          },
        });
  return [result, ...(await removed(context, rule, { bucket, key, object }))];
};

/** Resolves to null as soon as all replicas are proven. When the time is over, resolves to a description of what is missing. */
const untilProven = async (
  { names, region }: Context,
  about: { bucket: string; key: string; rule: string },
  { now, sleep, interrupted }: Time,
): Promise<string | null> => {
  const endMs = now() + PATIENCE_MS;
  let missing = 'no answer of the inspect function';
  while (now() < endMs && !interrupted.aborted) {
    const asked = await askInspect(
      { functionName: names.inspectFunction, region },
      { inspect: 'explain', ...about },
      parseExplanation,
    );
    if (asked.kind !== 'answer') return whyNotChecked('state', asked) ?? 'there is no inspect function';
    const open = openPlaces(asked.value);
    if (open.length === 0) return null;
    missing = open.join(', ');
    await sleep(PAUSE_MS);
  }
  return missing;
};

/** A replica counts when it holds the source version and its receipt or stamp proves the copy. */
const openPlaces = ({ places }: Explanation): string[] =>
  places
    .filter(({ relation }) => relation.holds !== true)
    .map(({ destination, next }) =>
      next.kind === 'fails' ? `${destination} (${next.reason}: ${next.detail.slice(0, 120)})` : destination,
    );

const removed = async (
  context: Context,
  { id, deletes }: ReplicationRule,
  { bucket, key, object }: { bucket: string; key: string; object: CanaryObject },
): Promise<Finding[]> => {
  // If the rule ignores deletes, the replica would remain after its source is deleted.
  if (deletes !== 'replicate') return [ok(`${key} stays, because the rule ignores deletes`, id)];
  const gone = await object.remove();
  if (gone.kind === 'answer') return [];
  return [
    found('canary-left', {
      subject: id,
      text: `s3://${bucket}/${key} could not be removed: ${whyNotChecked('it', gone) ?? 'it is gone'}`,
      fix: { kind: 'command', account: accountOf(context), command: `aws s3 rm s3://${bucket}/${key}` },
    }),
  ];
};
