import { randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Authorizer, PolicyDocument } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import { type AwsRequest, type AwsService, requestKeys } from '../core/request.ts';
import { AwsError, notSupported } from '../front/aws-error.ts';
import { writeJson } from '../front/protocol.ts';
import { readBody } from '../front/read-body.ts';
import { accessDeniedMessage } from '../iam/authorizer.ts';
import type { KeyDirectory } from '../kms/kms.ts';

interface Secret {
  arn: string;
  name: string;
  text: string;
  versionId: string;
  createdMs: number;
  /** The customer managed key that encrypts the secret. Left out: the AWS managed key, which everybody of the account may use. */
  kmsKeyArn?: string;
  /** The resource policy of the secret. */
  policy?: PolicyDocument;
}

export interface SecretsManager extends AwsService {
  /** Creates a secret, or replaces its text and its key. Returns its ARN, which ends with `suffix`. */
  put(secret: {
    accountId: string;
    region: string;
    name: string;
    text: string;
    suffix?: string;
    kmsKeyArn?: string;
  }): string;
}

/**
 * The local Secrets Manager. Its secrets are texts. Secrets that are created by a request are encrypted with the AWS
 * managed key. The protocol is AWS JSON 1.1.
 * Source: https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html
 */
export const createSecretsManager = (deps: Dependencies): SecretsManager => {
  const { clock } = deps;
  const secrets = createSecrets();
  const operations = operationsOn(secrets, deps);
  return {
    put({ accountId, region, name, text, suffix = randomBytes(3).toString('hex'), kmsKeyArn }) {
      const prefix = `arn:aws:secretsmanager:${region}:${accountId}:secret:${name}-`;
      const known = secrets.find(prefix, name);
      const arn = known?.arn ?? `${prefix}${suffix}`;
      secrets.set({
        ...known,
        arn,
        name,
        text,
        versionId: randomUUID(),
        createdMs: clock.now(),
        ...(kmsKeyArn && { kmsKeyArn }),
      });
      return arn;
    },
    handle: async (request, response) => {
      const name = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
      const operation = Object.hasOwn(operations, name) ? operations[name] : undefined;
      if (operation === undefined) throw notSupported(`secretsmanager:${name}`);
      const input = parseInput(JSON.parse((await readBody(request.body, MAX_BODY_BYTES)).toString() || '{}'));
      writeJson(response, operation(request, input), 'application/x-amz-json-1.1');
    },
  };
};

interface Dependencies {
  iam: Authorizer;
  kms: KeyDirectory;
  clock: Clock;
}

interface Secrets {
  /**
   * Returns a secret; null if there is none. `id` is its ARN, or its name if its ARN begins with `prefix`.
   */
  find(prefix: string, id: string): Secret | null;
  set(secret: Secret): void;
  delete(arn: string): void;
}

const createSecrets = (): Secrets => {
  const secrets = new Map<string, Secret>();
  return {
    find: (prefix, id) =>
      [...secrets.values()].find(({ arn, name }) => arn === id || (name === id && arn.startsWith(prefix))) ??
      null,
    set: (secret) => void secrets.set(secret.arn, secret),
    delete: (arn) => void secrets.delete(arn),
  };
};

const shown = ({ arn, name, versionId }: Secret) => ({
  ARN: arn,
  Name: name,
  VersionId: versionId,
  VersionStages: ['AWSCURRENT'],
});

type Operations = Record<string, (request: AwsRequest, input: Input) => object>;

const operationsOn = (secrets: Secrets, { iam, kms, clock }: Dependencies): Operations => {
  /**
   * Returns the secret. Checks the permission first, so that a caller without it does not learn whether the
   * secret exists.
   */
  const allowed = (request: AwsRequest, { SecretId: id = '' }: Input, action: string): Secret => {
    const secret = secrets.find(arnPrefix(request), id);
    const arn = secret?.arn ?? (id.startsWith('arn:') ? id : `${arnPrefix(request)}${id}`);
    authorize(iam, request, { action, arn, policy: secret?.policy });
    if (secret !== null) return secret;
    throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  };
  return {
    CreateSecret(request, { Name: name = '', SecretString: text = '' }) {
      const arn = `${arnPrefix(request)}${name}-${randomBytes(3).toString('hex')}`;
      authorize(iam, request, { action: 'CreateSecret', arn });
      if (secrets.find(arnPrefix(request), name) !== null)
        throw new AwsError(
          'ResourceExistsException',
          `The operation failed because the secret ${name} already exists.`,
        );
      const secret = { arn, name, text, versionId: randomUUID(), createdMs: clock.now() };
      secrets.set(secret);
      return { ARN: arn, Name: name, VersionId: secret.versionId };
    },
    GetSecretValue(request, input) {
      const secret = allowed(request, input, 'GetSecretValue');
      authorizeDecrypt({ iam, kms }, request, secret);
      return { ...shown(secret), SecretString: secret.text, CreatedDate: secret.createdMs / 1_000 };
    },
    PutSecretValue(request, input) {
      const secret = allowed(request, input, 'PutSecretValue');
      Object.assign(secret, { text: input.SecretString ?? '', versionId: randomUUID() });
      return shown(secret);
    },
    GetResourcePolicy(request, input) {
      const { arn, name, policy } = allowed(request, input, 'GetResourcePolicy');
      return { ARN: arn, Name: name, ...(policy && { ResourcePolicy: JSON.stringify(policy) }) };
    },
    PutResourcePolicy(request, input) {
      const secret = allowed(request, input, 'PutResourcePolicy');
      Object.assign(secret, { policy: JSON.parse(input.ResourcePolicy ?? '{}') });
      return { ARN: secret.arn, Name: secret.name };
    },
    DeleteSecret(request, input) {
      const { arn, name } = allowed(request, input, 'DeleteSecret');
      if (input.ForceDeleteWithoutRecovery !== true) throw notSupported('the recovery of secrets');
      secrets.delete(arn);
      return { ARN: arn, Name: name, DeletionDate: clock.now() / 1_000 };
    },
  };
};

const MAX_BODY_BYTES = 128 * 1024;

const inputSchema = z.strictObject({
  Name: z.string().optional(),
  SecretId: z.string().optional(),
  SecretString: z.string().max(65_536).optional(),
  ForceDeleteWithoutRecovery: z.boolean().optional(),
  ClientRequestToken: z.string().optional(),
  ResourcePolicy: z.string().max(20_480).optional(),
});

type Input = z.output<typeof inputSchema>;

const parseInput = (json: unknown): Input => {
  const parsed = inputSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new AwsError('InvalidParameterException', z.prettifyError(parsed.error));
};

const arnPrefix = ({ region, caller }: AwsRequest): string =>
  `arn:aws:secretsmanager:${region}:${'accountId' in caller ? caller.accountId : ''}:secret:`;

const authorize = (
  iam: Authorizer,
  request: AwsRequest,
  { action, arn, policy }: { action: string; arn: string; policy?: PolicyDocument | undefined },
): void => {
  const question = {
    caller: request.caller,
    action: `secretsmanager:${action}`,
    resource: arn,
    resourceAccountId: arn.split(':')[4] ?? '',
    ...(policy && { resourcePolicy: policy }),
    secureTransport: request.secureTransport,
    context: requestKeys(request),
  };
  const decision = iam.decide(question);
  if (!decision.allowed)
    throw new AwsError('AccessDeniedException', accessDeniedMessage(question, decision.reason));
};

/**
 * Secrets Manager decrypts with the permissions of the caller.
 * Source: https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
 */
const authorizeDecrypt = (
  { iam, kms }: Omit<Dependencies, 'clock'>,
  { caller, region }: AwsRequest,
  { arn, versionId, kmsKeyArn }: Secret,
): void => {
  if (kmsKeyArn === undefined) return;
  const { allowed } = iam.decide({
    caller,
    action: 'kms:Decrypt',
    resource: kmsKeyArn,
    resourceAccountId: kmsKeyArn.split(':')[4] ?? '',
    resourcePolicy: kms.policy(kmsKeyArn),
    secureTransport: true,
    context: {
      'kms:viaservice': `secretsmanager.${region}.amazonaws.com`,
      'kms:calleraccount': 'accountId' in caller ? caller.accountId : '',
      'kms:encryptioncontextkeys': ['SecretARN', 'SecretVersionId'],
      'kms:encryptioncontext:secretarn': arn,
      'kms:encryptioncontext:secretversionid': versionId,
      'aws:viaawsservice': 'true',
    },
  });
  if (!allowed) throw new AwsError('AccessDeniedException', 'Access to KMS is not allowed');
};
