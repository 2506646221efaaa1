/**
 * The query API of the local IAM: roles, their trust policies and their inline policies.
 * Source: the pages of these names in https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html
 */
import type { PolicyDocument } from '../core/access.ts';
import { requestKeys, type AwsRequest, type AwsService } from '../core/request.ts';
import { AwsError, notSupported } from '../front/aws-error.ts';
import { writeQueryResult } from '../front/protocol.ts';
import { readQueryInput, type QueryInput } from '../front/query-input.ts';
import { queryXml, type QueryOutput } from '../front/query-xml.ts';
import { accessDeniedMessage } from './authorizer.ts';
import type { Iam, Role } from './iam.ts';

interface Call {
  iam: Iam;
  request: AwsRequest;
  input: QueryInput;
  accountId: string;
}

interface Operation {
  known: string[];
  run(call: Call, role: Role): QueryOutput;
}

const OPERATIONS: Record<string, Operation> = {
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
      PolicyNames: role.policyNames.filter((name) => name !== null),
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

const inlineWithout = (role: Role, name: string): Pick<Role, 'policies' | 'policyNames'> => {
  const position = role.policyNames.indexOf(name);
  const isOther = (_: unknown, index: number): boolean => position === -1 || index !== position;
  return { policies: role.policies.filter(isOther), policyNames: role.policyNames.filter(isOther) };
};

export const createIamApi = (iam: Iam): AwsService => ({
  handle: async (request, response) => {
    const input = await readQueryInput(request);
    const { action } = input;
    const operation = OPERATIONS[action];
    if (!operation) throw notSupported(`iam:${action}`);
    input.refuseOthers('iam', operation.known);
    const { caller } = request;
    if (caller.kind === 'anonymous' || caller.kind === 'service')
      throw new AwsError('MissingAuthenticationToken', 'Request is missing Authentication Token', {
        status: 403,
      });
    const call = { iam, request, input, accountId: caller.accountId };
    const output = operation.run(call, roleFor(call, action));
    writeQueryResult(response, {
      action,
      xmlns: XMLNS,
      content: queryXml(output),
      requestId: request.requestId,
    });
  },
});

const XMLNS = 'https://iam.amazonaws.com/doc/2010-05-08/';

/** Checks the permission first, so that callers without it do not learn whether the role exists. */
const roleFor = ({ iam, request, input, accountId }: Call, action: string): Role => {
  const roleName = required(input, 'RoleName');
  const role = iam.roleNamed(accountId, roleName);
  const question = {
    caller: request.caller,
    action: `iam:${action}`,
    resource: role?.arn ?? `arn:aws:iam::${accountId}:role/${roleName}`,
    resourceAccountId: accountId,
    secureTransport: request.secureTransport,
    context: requestKeys(request),
  };
  const decision = iam.decide(question);
  if (!decision.allowed)
    throw new AwsError('AccessDenied', accessDeniedMessage(question, decision.reason), { status: 403 });
  if (!role) throw noSuchEntity(`The role with name ${roleName} cannot be found.`);
  return role;
};

const noSuchEntity = (message: string): AwsError => new AwsError('NoSuchEntity', message, { status: 404 });

const required = (input: QueryInput, name: string): string => {
  const value = input.text(name);
  if (value !== undefined && value !== '') return value;
  throw new AwsError('ValidationError', `1 validation error detected: Value null at '${name}'`);
};

/** IAM returns policies URL-encoded, in the manner of RFC 3986. */
const encodedPolicy = (document: PolicyDocument): string => encodeURIComponent(JSON.stringify(document));

const parsedDocument = (text: string): PolicyDocument => {
  try {
    return JSON.parse(text);
  } catch {
    throw new AwsError('MalformedPolicyDocument', 'Syntax errors in policy.', { status: 400 });
  }
};
