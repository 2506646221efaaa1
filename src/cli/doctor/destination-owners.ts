/** Adds the view of the owner to a destination, if the caller has a profile of the destination account. */
import { accountOfArn, ruleDestinations } from '../../lib/model/rule.ts';
import type { Context } from './context.ts';
import { ownersView } from './destination-account.ts';
import { DESTINATION_CAUSES } from './destination-causes.ts';
import type { Seen } from './destination-seen.ts';
import { type Finding, findingsOf } from './finding.ts';
import type { Fix } from './fix.ts';

const { notChecked } = findingsOf('destinations', DESTINATION_CAUSES);

/** Adds the findings and the fixes from the view of the destination's owner. */
export const withOwners = async (one: Seen): Promise<SeenByOwner> => {
  const { roleArn, region, bucket } = one.destination;
  const settings = roleArn === null ? null : one.context.owners.settingsOf(accountOfArn(roleArn), region);
  const view = settings === null ? null : await ownersView(one, settings);
  if (view === null) return { ...one, owners: [], isTrustNamed: false, isTrustRight: false };
  // If the policies are right, only a policy of the bucket, the key or the organization can still refuse the role.
  const look: Fix = {
    kind: 'command',
    account: one.destination.account ?? '',
    command: `aws s3api get-bucket-policy --bucket ${bucket} --query Policy --output text`,
  };
  const { trust, compare, bucket: denial } = view.fixes;
  const policy = denial ?? (view.isSound ? look : one.template);
  return {
    ...one,
    owners: view.findings,
    isTrustNamed: view.isTrustNamed,
    isTrustRight: view.isTrustRight,
    repairs: {
      trust: trust ?? one.template,
      policy: view.fixes.policy ?? policy,
      compare: compare ?? policy,
    },
  };
};

/** A destination and the findings of its owner. The list is empty if no profile of the owner was given. */
export type SeenByOwner = Seen & {
  owners: Finding[];
  /** Whether these findings name the reason why the role cannot be assumed. */
  isTrustNamed: boolean;
  /** Whether they show that nothing there refuses our role. */
  isTrustRight: boolean;
};

export const unseenOwners = ({ configuration, identity, isDeployed, owners }: Context): Finding[] => {
  const accounts = ruleDestinations(configuration.replication).flatMap(({ destination }) =>
    destination.roleArn === null ||
    owners.settingsOf(accountOfArn(destination.roleArn), destination.region) !== null
      ? []
      : [accountOfArn(destination.roleArn)],
  );
  const unseen = [...new Set(accounts)];
  const isNothing = unseen.length === 0 || identity === null || !isDeployed;
  return [
    ...owners.unusable.map((why) => notChecked(why)),
    ...(isNothing
      ? []
      : [
          notChecked(
            `template version, trust policies, ownership and lifecycle in account ${unseen.join(', ')}: give its profile with --destination-profile`,
          ),
        ]),
  ];
};
