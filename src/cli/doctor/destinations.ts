/**
 * The fourth group: each destination of each rule. The inspect function tries the destinations with the role of the replicate
 * function.
 */
import type { Asked } from '../../lib/aws/settings/asked.ts';
import { askInspect } from '../../lib/aws/settings/inspect-function.ts';
import { parseProbe } from '../../lib/inspect/probe.ts';
import type { ProbedBucket, ProbedPlace, ProbedTrust } from '../../lib/inspect/probed-place.ts';
import type { ProbeStep } from '../../lib/model/probe-step.ts';
import { accountOfArn, ruleDestinations } from '../../lib/model/rule.ts';
import { accountOf, type Context } from './context.ts';
import { askCompare, compareFindings } from './compare-role.ts';
import { DESTINATION_CAUSES } from './destination-causes.ts';
import { type Finding, findingsOf, NO_CREDENTIALS, whyNotChecked } from './finding.ts';
import { type SeenByOwner, unseenOwners, withOwners } from './destination-owners.ts';
import { type Seen, seenFrom } from './destination-seen.ts';
import { replicaKeyRepair, secretRepair, sourceRepair } from './refused-access.ts';
import { settingFindings } from './destination-settings.ts';
import { serviceFindings } from './service-findings.ts';
import { destinationSubject } from './report.ts';

const { notChecked } = findingsOf('destinations', DESTINATION_CAUSES);

export const destinationFindings = async (context: Context): Promise<Finding[]> => {
  if (context.identity === null) return [notChecked(NO_CREDENTIALS), ...unseenOwners(context)];
  const all = ruleDestinations(context.configuration.replication);
  const asked = context.isDeployed ? await askProbe(context) : null;
  const places = asked?.kind === 'answer' ? asked.value : null;
  // The owners of the destinations can be asked before the first deployment too.
  if (places === null) {
    const seen = await Promise.all(all.map((where) => withOwners(seenFrom(context, where))));
    return [...unasked(asked), ...unseenOwners(context), ...seen.flatMap(({ owners }) => owners)];
  }
  const compared = await askCompare(context);
  const findings = await Promise.all(
    all.map(async (where) => {
      const isIt = ({ rule, destination }: { rule: string; destination: string }): boolean =>
        rule === where.rule.id && destination === where.destination.id;
      const place = places.find(isIt);
      if (place === undefined) return [notChecked('it is not deployed yet', destinationSubject(where))];
      const seen = await withOwners(seenFrom(context, where));
      return [...(await placeFindings(seen, place)), ...compareFindings(seen, compared, place)];
    }),
  );
  return [...unseenOwners(context), ...findings.flat()];
};

const askProbe = ({ names, region, configuration }: Context): Promise<Asked<ProbedPlace[]>> => {
  const rules = configuration.replication.rules.map(({ id }) => id);
  return askInspect({ functionName: names.inspectFunction, region }, { inspect: 'probe', rules }, parseProbe);
};

/** Says why the function was not asked. Before the first deployment, nothing is said. */
const unasked = (asked: Asked<unknown> | null): Finding[] => {
  if (asked === null) return [];
  const why =
    asked.kind === 'missing'
      ? 'the stack has no inspect function: deploy it again'
      : (whyNotChecked('all destinations', asked) ?? 'all destinations');
  return [notChecked(why)];
};

const placeFindings = async (one: SeenByOwner, place: ProbedPlace): Promise<Finding[]> => [
  ...one.owners,
  ...(place.secret === null ? trustFindings(one, place.trust) : await secretFindings(one, place.secret)),
  ...(await sourceFindings(one, place.source)),
  ...(place.bucket === null ? [] : bucketFindings(one, place.bucket)),
  ...(await stepFindings(one, place.steps)),
  ...(place.service === null ? [] : serviceFindings(one, place.service)),
  ...(place.bucket === null ? [] : settingFindings(one, place.bucket)),
];

const secretFindings = async (one: Seen, step: ProbeStep): Promise<Finding[]> =>
  step.answer === 'allowed'
    ? [one.ok('secret read')]
    : [one.found('secret-unreadable', step.detail, await secretRepair(one, step))];

const trustFindings = (one: SeenByOwner, trust: ProbedTrust | null): Finding[] => {
  const { roleArn, externalId } = one.destination;
  if (trust === null || roleArn === null) return [];
  const role = roleArn.split('/').at(-1) ?? '';
  if (trust.withId !== 'allowed') {
    if (one.isTrustRight || NO_IDENTITY_POLICY.test(trust.detail))
      return [
        one.found(
          'own-role-refused',
          `our role may not assume ${roleArn}, because of a policy of our own account`,
          {
            kind: 'command',
            account: accountOf(one.context),
            command: `npx s3-replicator doctor --fix-script --rule ${one.rule.id}`,
          },
        ),
      ];
    if (one.isTrustNamed) return [];
    const text = `role ${role} cannot be assumed with "${externalId}": it does not exist in account ${accountOfArn(roleArn)}, does not trust ${one.context.names.replicateRole}, or expects another external id (--destination-profile tells which)`;
    return [one.found('role-refused', text, one.template)];
  }
  const open = [
    ...(trust.withoutId === 'allowed' ? ['without an external id'] : []),
    ...(trust.withOtherId === 'allowed' ? ['with any external id'] : []),
  ];
  const nameless =
    trust.withName === 'allowed'
      ? []
      : [
          one.found(
            'role-nameless',
            `role ${role} does not allow sts:SetSourceIdentity, so CloudTrail does not show which function writes`,
            one.repairs.trust,
          ),
        ];
  if (open.length === 0) return [one.ok('role assumed'), one.ok('refused without external id'), ...nameless];
  return [
    one.found('trust-open', `role ${role} can be assumed ${open.join(' and ')}`, one.repairs.trust),
    ...nameless,
  ];
};

/** AWS uses these words if no policy of the caller allows the call. They only make the text of a finding more exact. */
const NO_IDENTITY_POLICY = /no identity-based policy allows the sts:AssumeRole action/;

const sourceFindings = async (one: Seen, steps: readonly ProbeStep[]): Promise<Finding[]> => {
  const refused = steps.filter(({ answer }) => answer !== 'allowed');
  if (refused.length === 0) return [one.ok('source read')];
  const text = `the function is refused at ${one.rule.source.bucket}: ${refusalText(refused)}`;
  return [one.found('source-unreadable', text, await sourceRepair(one, refused))];
};

const refusalText = (steps: readonly ProbeStep[]): string => {
  const [first] = steps;
  const reason = reasonOf(first?.detail ?? '');
  return `${steps.map(({ permission }) => permission).join(', ')}${reason === '' ? '' : ` (${reason})`}`;
};

/** Returns the part of AWS's message that names the policy that refused. */
const reasonOf = (detail: string): string => /(?:because|with an) .*/.exec(detail)?.[0].slice(0, 120) ?? '';

const bucketFindings = (one: Seen, { existence, region }: ProbedBucket): Finding[] => {
  const { bucket, account, region: wanted } = one.destination;
  if (existence === 'missing')
    return [one.found('destination-missing', `bucket ${bucket} does not exist`, one.template)];
  if (existence === 'others') {
    const text = `bucket ${bucket} belongs to another account than ${account}`;
    return [
      one.found(
        'destination-owner',
        text,
        one.edit('correct bucket: or account: of the destination (only you know which is meant)'),
      ),
    ];
  }
  if (region !== null && region !== '' && region !== wanted)
    return [
      one.found(
        'destination-region',
        `bucket ${bucket} is in ${region}, the rule says ${wanted}`,
        one.edit(`write region: ${region} for destination ${one.destination.id}`),
      ),
    ];
  return [one.ok(region === null || region === '' ? wanted : region)];
};

const stepFindings = async (one: Seen, steps: readonly ProbeStep[]): Promise<Finding[]> => {
  if (steps.length === 0) return [];
  const refused = steps.filter(({ answer }) => answer !== 'allowed');
  if (refused.length === 0) return [one.ok(`write probe (${probeText(one)})`)];
  const isQuestion = ({ permission }: ProbeStep): boolean => permission === 's3:ListAllMyBuckets';
  const ofKey = refused.filter((step) => isWrite(step) && /kms/i.test(step.detail));
  const failed = refused.filter((step) => step.answer === 'failed' && !ofKey.includes(step));
  const denied = refused.filter(
    (step) => !isQuestion(step) && !ofKey.includes(step) && !failed.includes(step),
  );
  return [
    ...(ofKey.length === 0 ? [] : [await keyFinding(one, ofKey)]),
    ...(failed.length === 0
      ? []
      : [
          one.found(
            'destination-write',
            `S3 refuses ${failed.map(({ permission, detail }) => `${permission}: ${detail}`).join('; ')}`,
            one.edit(
              `correct what S3 names of destination ${one.destination.id} (only you know what is wanted)`,
            ),
          ),
        ]),
    ...(denied.length === 0
      ? []
      : [one.found('destination-permission', `refused: ${refusalText(denied)}`, one.repairs.policy)]),
    ...(refused.some(isQuestion)
      ? [
          one.found(
            'destination-owner-question',
            'the role may not ask whose a bucket is (s3:ListAllMyBuckets)',
            one.repairs.policy,
          ),
        ]
      : []),
  ];
};

/** Returns whether the step is the write itself. Tags, locks and grants have separate permissions whose names begin in the same way. */
const isWrite = ({ permission }: ProbeStep): boolean => /^s3:PutObject( |$)/.test(permission);

const keyFinding = async (one: Seen, steps: readonly ProbeStep[]): Promise<Finding> =>
  one.found(
    'destination-key',
    `the KMS key of the replicas cannot be used: ${shortRefusal(steps[0]?.detail ?? '')}`,
    await replicaKeyRepair(one, steps[0]?.detail ?? ''),
  );

/** Leaves out of AWS's message who asked and for which resource, because the subject of the finding says both. */
const shortRefusal = (detail: string): string => {
  const [, action, reason] = /not authorized to perform: (\S+) on resource: \S+ (.*)$/s.exec(detail) ?? [];
  return (action === undefined ? detail : `${action} is denied ${reason}`).slice(0, 300);
};

const probeText = ({ rule, destination }: Seen): string =>
  [
    destination.encryption ?? (destination.kmsKeyArn === null ? 'default encryption' : 'aws:kms'),
    ...(rule.tags === 'replicate' ? ['tags'] : []),
    ...(rule.deletes === 'replicate' ? ['deletes'] : []),
    ...(rule.acl === 'replicate' ? ['grants'] : []),
  ].join(', ');
