/** The fifth group: the rules themselves, compared with the existing keys. */
import { destinationKey, MAX_KEY_BYTES, type ReplicationRule } from '../../lib/model/rule.ts';
import { nearestWord } from '../../lib/text/nearest-word.ts';
import { countOf } from '../../lib/text/amounts.ts';
import { accountOf, type Context } from './context.ts';
import { type Cause, type Finding, findingsOf, whyNotChecked } from './finding.ts';
import { DEPLOY } from './fix.ts';
import { KNOWN_REGIONS } from './regions.ts';

export const RULE_CAUSES = {
  'key-too-long': {
    verdict: 'error',
    asks: 's3:ListBucket (the first 1,000 keys under the prefix)',
    means: 'With the prefix of the destination, a key is longer than 1,024 bytes.',
    fix: 'a shorter `prefix` of the destination, then npx serverless deploy',
  },
  'empty-prefix': {
    verdict: 'warning',
    asks: 's3:ListBucket',
    means: 'There is no object under the prefix of the rule: it may be mistyped.',
    fix: 'correct `prefix` of the source, then npx serverless deploy',
  },
  'odd-prefix': {
    verdict: 'warning',
    asks: 'replication.yml',
    means: 'A prefix begins with `/` or contains `*`. Both are plain characters of a key here.',
    fix: 'correct `prefix`, then npx serverless deploy',
  },
  'unknown-region': {
    verdict: 'warning',
    asks: 'replication.yml',
    means: 'AWS has no region of this name, as far as this version knows.',
    fix: 'correct `region`, then npx serverless deploy',
  },
  'replicas-travel-on': {
    verdict: 'warning',
    asks: 'replication.yml',
    means: 'A rule reads a bucket that another rule writes, and does not pass on replicas.',
    fix: '`replicas: replicate`, if the chain is meant, then npx serverless deploy',
  },
} as const satisfies Record<string, Cause>;

const { ok, found, notChecked } = findingsOf('rules', RULE_CAUSES);

export const ruleFindings = async (context: Context): Promise<Finding[]> => {
  const { rules } = context.configuration.replication;
  const findings = await Promise.all(
    rules.map(async (rule) => [
      ...prefixFindings(context, rule),
      ...regionFindings(context, rule),
      ...chainFindings(context, rule),
      ...(context.identity === null ? [] : await keyFindings(context, rule)),
    ]),
  );
  const all = findings.flat();
  return all.length > 0 ? all : [ok(`${countOf(rules.length, 'rule')} without an oddity`)];
};

const edited = (context: Context, edit: string) =>
  ({
    kind: 'edit',
    account: accountOf(context),
    edit: `${edit} in replication.yml`,
    command: DEPLOY,
  }) as const;

const prefixFindings = (context: Context, rule: ReplicationRule): Finding[] => {
  const prefixes = [
    { where: 'source', prefix: rule.source.prefix },
    ...rule.destinations.map(({ id, prefix }) => ({ where: `destination ${id}`, prefix: prefix ?? '' })),
  ];
  return prefixes
    .filter(({ prefix }) => prefix.startsWith('/') || prefix.includes('*'))
    .map(({ where, prefix }) =>
      found('odd-prefix', {
        subject: rule.id,
        text: `prefix "${prefix}" of ${where} ${prefix.startsWith('/') ? 'begins with /' : 'contains *'}, which is a plain character in a key`,
        fix: edited(context, `correct the prefix of ${where} of rule ${rule.id}`),
      }),
    );
};

const regionFindings = (context: Context, rule: ReplicationRule): Finding[] => {
  const named = [context.region, ...rule.destinations.map(({ region }) => region)];
  return [...new Set(named)]
    .filter((region) => !KNOWN_REGIONS.includes(region))
    .map((region) => {
      const nearest = nearestWord(region, KNOWN_REGIONS);
      return found('unknown-region', {
        subject: rule.id,
        text: `AWS has no region ${region}${nearest === null ? '' : `; did you mean ${nearest}?`}`,
        fix: edited(context, `write region: ${nearest ?? '…'}`),
      });
    });
};

const chainFindings = (context: Context, rule: ReplicationRule): Finding[] => {
  if (rule.replicas === 'replicate') return [];
  const feeding = context.whole.replication.rules.filter(
    (other) => other.id !== rule.id && other.destinations.some(({ bucket }) => bucket === rule.source.bucket),
  );
  return feeding.map((other) =>
    found('replicas-travel-on', {
      subject: rule.id,
      text: `rule ${other.id} writes into ${rule.source.bucket}, and this rule leaves replicas there`,
      fix: edited(context, `add replicas: replicate to rule ${rule.id}, if its replicas should travel on,`),
    }),
  );
};

const keyFindings = async (context: Context, rule: ReplicationRule): Promise<Finding[]> => {
  const { bucket, prefix, suffix } = rule.source;
  const asked = await context.settings.buckets.firstKeys(bucket, prefix);
  // A bucket that does not exist is reported with the sources.
  if (asked.kind === 'missing') return [];
  if (asked.kind !== 'answer') return [notChecked(whyNotChecked('keys', asked) ?? 'keys', rule.id)];
  const { keys } = asked.value;
  if (keys.length === 0 && prefix !== '')
    return [
      found('empty-prefix', {
        subject: rule.id,
        text: `there is nothing under ${prefix} in ${bucket}`,
        fix: edited(context, `correct the prefix of the source of rule ${rule.id}`),
      }),
    ];
  return rule.destinations.flatMap((destination) => {
    const tooLong = keys.find(
      (key) =>
        key.endsWith(suffix) && Buffer.byteLength(destinationKey(rule, destination, key)) > MAX_KEY_BYTES,
    );
    if (tooLong === undefined) return [];
    const bytes = Buffer.byteLength(destinationKey(rule, destination, tooLong));
    return [
      found('key-too-long', {
        subject: rule.id,
        text: `a key at ${destination.id} would have ${bytes} bytes, S3 allows ${MAX_KEY_BYTES}: ${tooLong.slice(0, 40)}…`,
        fix: edited(context, `shorten the prefix of destination ${destination.id}`),
      }),
    ];
  });
};
