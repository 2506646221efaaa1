/**
 * The operations of the local KMS that administrators of keys use. It speaks AWS JSON 1.1.
 * Sources: https://docs.aws.amazon.com/kms/latest/APIReference/API_GetKeyPolicy.html, API_PutKeyPolicy.html and API_EnableKey.html
 */
import { z } from 'zod';
import type { Authorizer, PolicyDocument } from '../core/access.ts';
import { type AwsRequest, type AwsService, requestKeys } from '../core/request.ts';
import { AwsError, notSupported } from '../front/aws-error.ts';
import { writeJson } from '../front/protocol.ts';
import { readBody } from '../front/read-body.ts';
import { accessDeniedMessage } from '../iam/authorizer.ts';
import type { KmsKeys } from './kms.ts';

export const createKmsApi = ({ iam, kms }: { iam: Authorizer; kms: KmsKeys }): AwsService => {
  const operations = operationsOn({ iam, kms });
  return {
    handle: async (request, response) => {
      const name = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
      const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
      if (operation === undefined) throw notSupported(`kms:${name}`);
      const input = parseInput(JSON.parse((await readBody(request.body, MAX_BODY_BYTES)).toString()));
      writeJson(response, operation(request, input), 'application/x-amz-json-1.1');
    },
  };
};

type Operations = Record<string, (request: AwsRequest, input: Input) => object>;

const operationsOn = ({ iam, kms }: { iam: Authorizer; kms: KmsKeys }): Operations => ({
  GetKeyPolicy(request, input) {
    const arn = authorizedKey({ iam, kms }, request, input, 'kms:GetKeyPolicy');
    return { Policy: JSON.stringify(kms.policy(arn)), PolicyName: 'default' };
  },
  PutKeyPolicy(request, input) {
    const arn = authorizedKey({ iam, kms }, request, input, 'kms:PutKeyPolicy');
    const policy = parsePolicyText(input.Policy ?? '');
    const question = questionOf(request, 'kms:PutKeyPolicy', arn, policy);
    if (input.BypassPolicyLockoutSafetyCheck !== true && !iam.decide(question).allowed)
      throw new AwsError(
        'MalformedPolicyDocumentException',
        'The new key policy will not allow you to update the key policy in the future.',
      );
    kms.put(arn, policy);
    return {};
  },
  EnableKey(request, input) {
    kms.setState(authorizedKey({ iam, kms }, request, input, 'kms:EnableKey'), 'Enabled');
    return {};
  },
});

const MAX_BODY_BYTES = 64 * 1024;

const inputSchema = z.strictObject({
  KeyId: z.string(),
  PolicyName: z.literal('default').optional(),
  Policy: z.string().max(32_768).optional(),
  BypassPolicyLockoutSafetyCheck: z.boolean().optional(),
});

type Input = z.output<typeof inputSchema>;

const parseInput = (json: unknown): Input => {
  const parsed = inputSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new AwsError('ValidationException', z.prettifyError(parsed.error));
};

const parsePolicyText = (text: string): PolicyDocument => {
  try {
    return JSON.parse(text);
  } catch {
    throw new AwsError('MalformedPolicyDocumentException', 'Policy is not valid JSON.');
  }
};

/** Returns the ARN of the key. None of these operations works with an alias, or with a key of another account. */
const authorizedKey = (
  { iam, kms }: { iam: Authorizer; kms: KmsKeys },
  request: AwsRequest,
  { KeyId: id }: Input,
  action: string,
): string => {
  const { region, caller } = request;
  const account = 'accountId' in caller ? caller.accountId : '';
  const arn = id.startsWith('arn:') ? id : `arn:aws:kms:${region}:${account}:key/${id}`;
  if (!arn.startsWith(`arn:aws:kms:${region}:${account}:key/`) || kms.state(arn) === null)
    throw new AwsError('NotFoundException', `Key '${arn}' does not exist`);
  const question = questionOf(request, action, arn, kms.policy(arn));
  const decision = iam.decide(question);
  if (!decision.allowed)
    throw new AwsError('AccessDeniedException', accessDeniedMessage(question, decision.reason));
  return arn;
};

const questionOf = (request: AwsRequest, action: string, arn: string, resourcePolicy: PolicyDocument) => ({
  caller: request.caller,
  action,
  resource: arn,
  resourceAccountId: arn.split(':')[4] ?? '',
  resourcePolicy,
  secureTransport: request.secureTransport,
  context: requestKeys(request),
});
