import { accountOfArn } from '../model/rule.ts';
import { placedDestinations, type PlacedRule } from './placed.ts';
import type { Finding } from './problem.ts';
import { placeOf } from './service-checks.ts';

/** Reports a bucket that would have two owners. A source bucket without an account belongs to the account of the stack. */
export function checkOwners(rules: PlacedRule[]): Finding[] {
  const named = [
    ...rules.map(({ index, rule: { source } }) => ({
      path: ['rules', index, 'source', 'bucket'],
      kind: 'source',
      bucket: source.bucket,
      place: placeOf(source),
      owner: source.account ?? 'the account of the stack',
    })),
    ...placedDestinations(rules).map(({ path, destination }) => ({
      path: [...path, 'bucket'],
      kind: 'destination',
      bucket: destination.bucket,
      place: placeOf(destination),
      owner: destination.account ?? accountOfArn(destination.roleArn ?? ''),
    })),
  ];
  return named.flatMap(({ path, kind, bucket, place, owner }, position) => {
    const other = named.slice(0, position).find((one) => one.kind === kind && one.place === place);
    if (other === undefined || other.owner === owner) return [];
    return {
      path,
      found: `${bucket}, which here belongs to ${owner} and in another place to ${other.owner}`,
      fix: 'a bucket has one owner: write the same `account:` beside its name everywhere',
    };
  });
}
