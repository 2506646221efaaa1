/** Checks the role at each destination that backfill and verify use for comparisons. Only the backfill function may assume this role. */
import type { Asked } from '../../lib/aws/settings/asked.ts';
import { askInspect } from '../../lib/aws/settings/inspect-function.ts';
import type { ProbedPlace } from '../../lib/inspect/probed-place.ts';
import { COMPARE_PROBE, type ComparedPlace, parseComparedPlaces } from '../../lib/runs/compare-probe.ts';
import { compareRoleArn } from '../../lib/model/rule.ts';
import type { Context } from './context.ts';
import type { SeenByOwner } from './destination-owners.ts';
import { type Finding, whyNotChecked } from './finding.ts';

export type AskedCompare = Asked<ComparedPlace[]>;

export const askCompare = ({ names, region }: Context): Promise<AskedCompare> =>
  askInspect({ functionName: names.backfillFunction, region }, COMPARE_PROBE, parseComparedPlaces);

/** If the writing role of the destination cannot be assumed either, the finding about that role already names the cause. */
export const compareFindings = (one: SeenByOwner, asked: AskedCompare, { trust }: ProbedPlace): Finding[] => {
  const { rule, destination } = one;
  if (destination.roleArn === null || trust?.withId !== 'allowed') return [];
  const name = compareRoleArn(destination.roleArn).split('/').at(-1) ?? '';
  const why = whyNotChecked(`role ${name}`, asked);
  if (asked.kind !== 'answer') return [one.notChecked(why ?? `role ${name}: there is no backfill function`)];
  const place = asked.value.find((each) => each.rule === rule.id && each.destination === destination.id);
  const refused = (place?.steps ?? []).filter(({ answer }) => answer !== 'allowed');
  if (place === undefined || refused.length === 0) return [one.ok('compare role')];
  const permissions = refused.map(({ permission }) => permission).join(', ');
  return [
    one.found(
      'compare-refused',
      `backfill and verify cannot look at replicas: role ${name} is refused ${permissions}`,
      one.repairs.compare,
    ),
  ];
};
