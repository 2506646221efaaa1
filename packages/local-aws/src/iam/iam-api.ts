/**
 * The query API of the local IAM: roles, their trust policies and their policies.
 * Source: the pages of these names in https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html
 */
import type { AwsService } from '../core/request.ts';
import { AwsError, notSupported } from '../front/aws-error.ts';
import { writeQueryResult } from '../front/protocol.ts';
import { readQueryInput } from '../front/query-input.ts';
import { queryXml, type QueryOutput } from '../front/query-xml.ts';
import {
  type Call,
  encodedPolicy,
  noSuchEntity,
  type Operation,
  parsedDocument,
  permit,
  required,
} from './iam-call.ts';
import type { Iam, Role } from './iam.ts';
import {
  ATTACHMENT_OPERATIONS,
  type NamedPolicy,
  POLICY_OPERATIONS,
  policyNamed,
} from './managed-policy-api.ts';
import { isManaged, QuotaExceeded } from './quotas.ts';

const ROLE_OPERATIONS: Record<string, Operation<Role>> = {
  ...ATTACHMENT_OPERATIONS,
  GetRole: {
    known: ['RoleName'],
    run: ({ iam }, role) => ({
      Role: {
        Path: role.path,
        RoleName: role.roleName,
        RoleId: role.roleId,
        Arn: role.arn,
        AssumeRolePolicyDocument: encodedPolicy(iam.show(role.trust)),
        MaxSessionDuration: role.maxSessionDurationSeconds,
      },
    }),
  },
  ListRolePolicies: {
    known: ['RoleName', 'Marker', 'MaxItems'],
    run: (_call, role) => ({
      PolicyNames: role.policyNames.filter((name) => name !== null && !isManaged(name)),
      IsTruncated: false,
    }),
  },
  GetRolePolicy: {
    known: ['RoleName', 'PolicyName'],
    run: (call, role) => {
      const name = required(call.input, 'PolicyName');
      const document = role.policies[role.policyNames.indexOf(name)];
      if (document === undefined) throw noSuchEntity(`The role policy with name ${name} cannot be found.`);
      return { RoleName: role.roleName, PolicyName: name, PolicyDocument: encodedPolicy(document) };
    },
  },
  PutRolePolicy: {
    known: ['RoleName', 'PolicyName', 'PolicyDocument'],
    run: ({ iam, input }, role) => {
      const name = required(input, 'PolicyName');
      const document = parsedDocument(required(input, 'PolicyDocument'));
      const kept = inlineWithout(role, name);
      iam.putRole({
        ...role,
        policies: [...kept.policies, document],
        policyNames: [...kept.policyNames, name],
      });
      return {};
    },
  },
  DeleteRolePolicy: {
    known: ['RoleName', 'PolicyName'],
    run: ({ iam, input }, role) => {
      const name = required(input, 'PolicyName');
      if (!role.policyNames.includes(name))
        throw noSuchEntity(`The role policy with name ${name} cannot be found.`);
      iam.putRole({ ...role, ...inlineWithout(role, name) });
      return {};
    },
  },
  UpdateAssumeRolePolicy: {
    known: ['RoleName', 'PolicyDocument'],
    run: ({ iam, input }, role) => {
      iam.putRole({ ...role, assumeRolePolicy: parsedDocument(required(input, 'PolicyDocument')) });
      return {};
    },
  },
};

/** CreateRole requires the permission on the ARN that the new role will have. */
const CREATE_ROLE: Operation<string> = {
  known: ['RoleName', 'Path', 'AssumeRolePolicyDocument', 'Description', 'MaxSessionDuration'],
  run: ({ iam, input, accountId }, roleName) => {
    if (iam.roleNamed(accountId, roleName) !== undefined)
      throw new AwsError('EntityAlreadyExists', `Role with name ${roleName} already exists.`, {
        status: 409,
      });
    const { path, roleId, arn } = iam.putRole({
      accountId,
      roleName,
      path: input.text('Path') ?? '/',
      assumeRolePolicy: parsedDocument(required(input, 'AssumeRolePolicyDocument')),
      policies: [],
      policyNames: [],
      maxSessionDurationSeconds: Number(input.text('MaxSessionDuration') ?? 3_600),
    });
    return { Role: { Path: path, RoleName: roleName, RoleId: roleId, Arn: arn } };
  },
};

const inlineWithout = (role: Role, name: string): Pick<Role, 'policies' | 'policyNames'> => {
  const position = role.policyNames.indexOf(name);
  const isOther = (_: unknown, index: number): boolean => position === -1 || index !== position;
  return { policies: role.policies.filter(isOther), policyNames: role.policyNames.filter(isOther) };
};

export const createIamApi = (iam: Iam): AwsService => ({
  handle: async (request, response) => {
    const input = await readQueryInput(request);
    const { action } = input;
    const ofRole = ROLE_OPERATIONS[action];
    const ofPolicy = POLICY_OPERATIONS[action];
    const isCreation = action === 'CreateRole';
    const known = (isCreation ? CREATE_ROLE : (ofRole ?? ofPolicy))?.known;
    if (known === undefined) throw notSupported(`iam:${action}`);
    input.refuseOthers('iam', known);
    const { caller } = request;
    if (caller.kind === 'anonymous' || caller.kind === 'service')
      throw new AwsError('MissingAuthenticationToken', 'Request is missing Authentication Token', {
        status: 403,
      });
    const call = { iam, request, input, accountId: caller.accountId };
    const output = answered(() =>
      isCreation
        ? CREATE_ROLE.run(call, newRoleFor(call))
        : (ofRole?.run(call, roleFor(call)) ?? ofPolicy?.run(call, policyFor(call))),
    );
    writeQueryResult(response, {
      action,
      xmlns: XMLNS,
      content: queryXml(output),
      requestId: request.requestId,
    });
  },
});

const XMLNS = 'https://iam.amazonaws.com/doc/2010-05-08/';

const answered = (run: () => QueryOutput | undefined): QueryOutput => {
  try {
    return run() ?? {};
  } catch (error) {
    if (error instanceof QuotaExceeded) throw new AwsError('LimitExceeded', error.message, { status: 409 });
    throw error;
  }
};

/**
 * Returns the role. Checks the permission first, so that a caller without it does not learn whether the role
 * exists.
 */
const roleFor = (call: Call): Role => {
  const roleName = required(call.input, 'RoleName');
  const role = call.iam.roleNamed(call.accountId, roleName);
  permit(call, role?.arn ?? `arn:aws:iam::${call.accountId}:role/${roleName}`);
  if (!role) throw noSuchEntity(`The role with name ${roleName} cannot be found.`);
  return role;
};

const newRoleFor = (call: Call): string => {
  const roleName = required(call.input, 'RoleName');
  permit(call, `arn:aws:iam::${call.accountId}:role${call.input.text('Path') ?? '/'}${roleName}`);
  return roleName;
};

const policyFor = (call: Call): NamedPolicy => {
  const arn = required(call.input, 'PolicyArn');
  permit(call, arn);
  return policyNamed(call, arn);
};
