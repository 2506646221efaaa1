/**
 * Tries to assume a role in four ways: with the external id of the rule, without an external id, with another external id, and with a
 * source identity.
 */
import { randomUUID } from 'node:crypto';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import type { ProbedTrust } from '../../../inspect/probed-place.ts';
import type { RoleDestination } from '../../../model/rule.ts';
import { CONTROL_CLIENT } from '../../control-client.ts';
import { answerOf } from './probe-answer.ts';

/** The sessions of this probe may do nothing. */
const NOTHING = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }],
});

/** The shortest duration of a session that STS accepts. */
const SESSION_SECONDS = 900;

/** Returns a function that tries to begin a session of a role. */
export const createAssumeProbe = ({ region, sessionName }: { region: string; sessionName: string }) => {
  const sts = new STSClient({ region, ...CONTROL_CLIENT });
  return (RoleArn: string, id: string | null, name = {}): ReturnType<typeof answerOf> =>
    answerOf('sts:AssumeRole', () =>
      sts.send(
        new AssumeRoleCommand({
          RoleArn,
          RoleSessionName: sessionName,
          DurationSeconds: SESSION_SECONDS,
          Policy: NOTHING,
          ...(id === null ? {} : { ExternalId: id }),
          ...name,
        }),
      ),
    );
};

export const createTrustProbe = (place: { region: string; sessionName: string; functionName: string }) => {
  const { functionName } = place;
  const assume = createAssumeProbe(place);
  return async ({ roleArn, externalId }: RoleDestination): Promise<ProbedTrust> => {
    const [withId, withoutId, withOtherId, withName] = await Promise.all([
      assume(roleArn, externalId),
      assume(roleArn, null),
      assume(roleArn, `not-${randomUUID()}`),
      assume(roleArn, externalId, { SourceIdentity: functionName }),
    ]);
    return {
      withId: withId.answer,
      withoutId: withoutId.answer,
      withOtherId: withOtherId.answer,
      withName: withName.answer,
      detail: withId.detail,
    };
  };
};
