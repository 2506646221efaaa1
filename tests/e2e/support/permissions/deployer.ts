/** A role that deploys with a policy, and a record of the permissions that its calls needed. */
import type { Credentials, LocalAws, PolicyDocument } from '@s3-replicator/local-aws';

type Question = Parameters<LocalAws['iam']['decide']>[0];

export interface Deployer {
  caller: Question['caller'];
  credentials: Credentials;
  /** Replaces the permissions of the role. */
  may(policy: PolicyDocument): void;
  /** Returns the permissions of the policy that no call needed, each as `Sid action`. */
  unused(policy: PolicyDocument): string[];
  /** Returns the permissions that calls needed but the policy did not allow, each as `action on resource`. */
  denied(): string[];
}

/** Creates the role. All its calls are recorded from now on. */
export const createDeployer = (aws: LocalAws, accountId: string, policy: PolicyDocument): Deployer => {
  const may: Deployer['may'] = (allowed) =>
    void aws.iam.putRole({
      accountId,
      roleName: 'deployer',
      assumeRolePolicy: {
        Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { AWS: accountId } }],
      },
      policies: [allowed],
    });
  may(policy);
  const { caller, credentials } = aws.iam.createSession(
    `arn:aws:iam::${accountId}:role/deployer`,
    'pipeline',
    43_200,
  );
  const { decide } = aws.iam;
  const asked = new Map<string, { question: Question; allowed: boolean }>();
  aws.iam.decide = (question) => {
    const decision = decide(question);
    const { action, resource, context } = question;
    if (question.caller.kind === 'session' && question.caller.arn === caller.arn)
      asked.set(`${action} on ${resource} ${JSON.stringify(context)}`, {
        question,
        allowed: decision.allowed,
      });
    return decision;
  };
  return {
    caller,
    credentials,
    may,
    unused: (full) => {
      may(full);
      const allowed = [...asked.values()].filter((each) => each.allowed);
      return actionsIn(full).filter((permission) => {
        const [, action = ''] = permission.split(' ');
        may(withoutAction(full, permission));
        return allowed
          .filter(({ question }) => question.action.startsWith(action.replace('*', '')))
          .every(({ question }) => decide(question).allowed);
      });
    },
    denied: () =>
      [...asked.values()].flatMap(({ question: { action, resource }, allowed }) =>
        allowed ? [] : [`${action} on ${resource}`],
      ),
  };
};

const statementsOf = ({ Statement }: PolicyDocument) => [Statement].flat();

const actionsIn = (policy: PolicyDocument): string[] =>
  statementsOf(policy).flatMap(({ Sid, Action = [] }) => [Action].flat().map((action) => `${Sid} ${action}`));

const withoutAction = (policy: PolicyDocument, permission: string): PolicyDocument => ({
  ...policy,
  Statement: statementsOf(policy)
    .map((statement) => ({
      ...statement,
      Action: [statement.Action ?? []].flat().filter((action) => `${statement.Sid} ${action}` !== permission),
    }))
    .filter(({ Action }) => Action.length > 0),
});

export const withoutStatement = (policy: PolicyDocument, sid: string): PolicyDocument => ({
  ...policy,
  Statement: statementsOf(policy).filter(({ Sid }) => Sid !== sid),
});

/** Turns a policy of the product into one of the local AWS. */
export const asDocument = (policy: object): PolicyDocument => JSON.parse(JSON.stringify(policy));
