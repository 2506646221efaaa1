/**
 * AssumeRole with every parameter that the present `destination/template.yml` allows. If a stack of an older template refuses a
 * parameter, the call is repeated without it.
 */
import { AssumeRoleCommand, type AssumeRoleCommandInput, type STSClient } from '@aws-sdk/client-sts';
import { ReplicationError } from '../../../model/errors.ts';
import { isSignatureRefused, translateError } from '../../errors.ts';
import { readError } from '../../read-error.ts';
import { withPauses } from '../../with-pauses.ts';
import type { SessionRequest } from './sessions.ts';

/** STS allows sessions of 15 minutes to one hour for a role that is assumed by a role (role chaining). */
const SESSION_SECONDS = 3_600;

interface Granted {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
  expiration?: Date;
}

/** Begins a session. Throws ReplicationError. */
export type Assume = (request: SessionRequest) => Promise<Granted>;

interface Options {
  sessionName: string;
  sourceIdentity: string | null;
  /** Called with an action that the role does not allow although the present template does. */
  lacks(bucket: string, action: string): void;
}

export const beginSessions = (sts: STSClient, { sessionName, sourceIdentity, lacks }: Options): Assume => {
  const assume = async (request: SessionRequest, RoleArn: string): Promise<Granted> => {
    const { externalId, policy, saysWho, bucket } = request;
    const input = {
      RoleArn,
      RoleSessionName: sessionName,
      DurationSeconds: SESSION_SECONDS,
      ...(externalId === null ? {} : { ExternalId: externalId }),
      ...(policy === null ? {} : { Policy: policy }),
    };
    const sendNarrow = async (asked: AssumeRoleCommandInput): Promise<Granted> => {
      try {
        return await send(sts, asked);
      } catch (error) {
        if (!isTooLarge(error)) throw error;
        lacks(bucket, 'sts:AssumeRole with a session policy');
        return await send(sts, { ...asked, Policy: undefined });
      }
    };
    if (sourceIdentity === null || !saysWho) return await sendNarrow(input);
    try {
      return await sendNarrow({ ...input, SourceIdentity: sourceIdentity });
    } catch (error) {
      if (!isDenied(error) || deniesTheRole(error)) throw error;
      const granted = await sendNarrow(input);
      lacks(bucket, 'sts:SetSourceIdentity');
      return granted;
    }
  };
  return async (request) => {
    const { roleArn, otherwise, bucket } = request;
    try {
      return await assume(request, roleArn);
    } catch (error) {
      if (otherwise === null || !isDenied(error)) throw error;
      const granted = await assume(request, otherwise).catch((last: unknown) => {
        // If neither role trusts the function, the error about `roleArn` is thrown, because a person has to correct the trust policy of
        // that role.
        throw isDenied(last) ? error : last;
      });
      lacks(bucket, 'sts:AssumeRole');
      return granted;
    }
  };
};

const isDenied = (error: unknown): error is ReplicationError =>
  error instanceof ReplicationError && error.reason === 'assume-role-denied';

/**
 * Returns whether AWS cannot pack the session policy. AWS documents neither the packing nor the limit. The role is then assumed
 * without the policy, because the policy is never the only protection.
 */
const isTooLarge = (error: unknown): boolean =>
  error instanceof ReplicationError && readError(error.cause).code.startsWith('PackedPolicyTooLarge');

/**
 * Returns whether STS refused the role itself, and would therefore also refuse it without a source identity. The message of STS names the
 * action that it refused, but AWS does not document this message. After any other message, the role is tried without a source identity.
 */
const deniesTheRole = (error: ReplicationError): boolean =>
  /not authorized to perform: sts:AssumeRole\b/.test(readError(error.cause).message);

const send = async (sts: STSClient, input: AssumeRoleCommandInput): Promise<Granted> => {
  const doing = `AssumeRole of ${input.RoleArn}`;
  const command = new AssumeRoleCommand(input);
  try {
    const { Credentials: granted } = await withPauses(
      () => sts.send(command),
      async (error) => isSignatureRefused(error),
    );
    if (granted?.AccessKeyId === undefined || granted.SecretAccessKey === undefined) {
      throw new ReplicationError('service-error', `${doing}: the answer holds no credentials`);
    }
    return {
      accessKeyId: granted.AccessKeyId,
      secretAccessKey: granted.SecretAccessKey,
      ...(granted.SessionToken === undefined ? {} : { sessionToken: granted.SessionToken }),
      ...(granted.Expiration === undefined ? {} : { expiration: granted.Expiration }),
    };
  } catch (error) {
    const { reason, message, requestId } = translateError(error, doing);
    // STS returns the same error for a role that does not exist and for a role that does not trust the caller.
    const denied = reason === 'access-denied' || reason === 'invalid-request';
    const final = isSignatureRefused(error) ? 'service-error' : denied ? 'assume-role-denied' : reason;
    throw new ReplicationError(final, message, { cause: error, requestId });
  }
};
