/**
 * The SDK clients of one execution environment. The settings come from measurements of this SDK (`docs/performance.md`). With its default
 * settings, the SDK loses throughput and hangs when a streamed body breaks.
 */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { ReplicationError } from '../../model/errors.ts';
import type { DefaultRetention } from '../../model/ports.ts';
import type { Destination, Source } from '../../model/rule.ts';
import { type BucketAnswers, createBucketAnswers } from './bucket-answers.ts';
import { createEarlyCollection, type EarlyCollection } from './early-collection.ts';
import { CONTROL_CLIENT } from '../control-client.ts';
import { isSignatureRefused, translateError } from '../errors.ts';
import { signHeaderBytes } from './header-bytes.ts';
import { refuseEmptyKeys } from './empty-keys.ts';
import { keepEveryMetadataName } from './metadata-names.ts';
import { forcePathStyle } from './path-style.ts';
import { SDK_LOGGER } from '../sdk-logger.ts';
import { withPauses } from '../with-pauses.ts';

/** A role to assume. */
interface Role {
  roleArn: string;
  externalId: string | null;
}

/**
 * Clients for one set of credentials. `inPairs` retries the calls that move bytes: a read together with its write, or a copy inside S3. The
 * SDK retries all other calls. If both retried the same call, the attempts would multiply.
 */
export interface S3ClientPair {
  retrying: S3Client;
  single: S3Client;
  /**
   * Returns a client for copies inside S3, during which S3 may send nothing for minutes. That client does not retry. It is created on first
   * use.
   */
  patient(): S3Client;
}

/** S3 clients by role and region. Each pair keeps its credentials and refreshes them five minutes before they expire. */
export interface S3Clients {
  /** Clients with the credentials of this process, which in Lambda are those of the function's role. */
  own: S3ClientPair;
  source(source: Source): S3ClientPair;
  destination(destination: Destination): S3ClientPair;
  earlyCollection: EarlyCollection;
  /**
   * Whether the server of a bucket checks the conditions of CopyObject. AWS checks them. Several other servers ignore the conditions and
   * overwrite the existing object.
   */
  copyConditions: BucketAnswers;
  /** The default retention of a bucket; null: none is known. `unknown`: a refusal has shown that there is one. */
  defaultRetention: BucketAnswers<DefaultRetention | 'unknown' | null>;
  /** Called when a role may not ask about a bucket what today's `destination/template.yml` lets it ask. */
  lacks(bucket: string, action: string): void;
  /**
   * Forgets the session of the pair after `expired-credentials`. The next call assumes the role again, even if the session should still be
   * valid according to its expiry time.
   */
  forget(pair: S3ClientPair): void;
}

/** STS allows sessions of 15 minutes to one hour for a role that is assumed by a role (role chaining). */
const SESSION_SECONDS = 3_600;

export const createS3Clients = (options: {
  region: string;
  sessionName: string;
  /** Called once for each bucket and action that is lacking. */
  onLack?: (bucket: string, action: string) => void;
}): S3Clients => {
  const sts = new STSClient({ region: options.region, ...CONTROL_CLIENT });
  const pairs = new Map<string, S3ClientPair>();
  const handlers = requestHandlers();
  const own = clientPair(s3Config(options.region), {
    ...handlers,
    patient: () => PATIENT_REQUEST_HANDLER,
  });
  const forRole = (role: Role, region: string): S3ClientPair => {
    const name = JSON.stringify([role.roleArn, role.externalId, region]);
    const known = pairs.get(name);
    if (known !== undefined) return known;
    const pair = clientPair(
      { ...s3Config(region), credentials: sharedSession(() => assumeRole(sts, role, options.sessionName)) },
      {
        usual: own.retrying.config.requestHandler,
        quick: own.single.config.requestHandler,
        patient: () => own.patient().config.requestHandler,
      },
    );
    pairs.set(name, pair);
    return pair;
  };
  const lacking = new Set<string>();
  return {
    own,
    lacks(bucket, action) {
      const name = `${bucket} ${action}`;
      if (!lacking.has(name)) options.onLack?.(bucket, action);
      lacking.add(name);
    },
    earlyCollection: createEarlyCollection(),
    copyConditions: createBucketAnswers(),
    defaultRetention: createBucketAnswers(),
    source: ({ roleArn, externalId }) =>
      roleArn === null ? own : forRole({ roleArn, externalId }, options.region),
    destination: ({ roleArn, externalId, region }) => forRole({ roleArn, externalId }, region),
    forget(pair) {
      for (const [name, known] of pairs) if (known === pair) pairs.delete(name);
    },
  };
};

type RequestHandler = NonNullable<S3ClientConfig['requestHandler']>;

interface RequestHandlers {
  usual: RequestHandler;
  /** For calls that move bytes. A connection without traffic is given up sooner. */
  quick: RequestHandler;
  patient(): RequestHandler;
}

const clientPair = (config: S3ClientConfig, handlers: RequestHandlers): S3ClientPair => {
  const singleWith = (requestHandler: RequestHandler): S3Client =>
    withOurHooks(new S3Client({ ...config, requestHandler, maxAttempts: 1 }));
  let patient: S3Client | null = null;
  return {
    retrying: withOurHooks(new S3Client({ ...config, requestHandler: handlers.usual })),
    single: singleWith(handlers.quick),
    patient: () => (patient ??= singleWith(handlers.patient())),
  };
};

const withOurHooks = (client: S3Client): S3Client =>
  keepEveryMetadataName(refuseEmptyKeys(signHeaderBytes(client)));

interface Session {
  expiration?: Date;
}

/** The clients of a pair often need credentials at the same time. They share one session, so the role is assumed only once. */
const sharedSession = <S extends Session>(assume: () => Promise<S>): (() => Promise<S>) => {
  let current: Promise<S> | null = null;
  return async () => {
    const seen = current;
    const known = await seen?.catch(() => null);
    const endsMs = known?.expiration?.getTime() ?? 0;
    if (known && endsMs > Date.now() + REFRESH_BEFORE_MS) return known;
    // If another caller has called `assume` during the wait, `current` has changed, and this caller uses the same session.
    if (current === null || current === seen) current = assume();
    return await current;
  };
};

/** How long credentials must still be valid. Credentials that expire sooner are refreshed first. The SDK uses the same value. */
const REFRESH_BEFORE_MS = 5 * 60_000;

const REQUEST_HANDLER = {
  connectionTimeout: 3_000,
  /**
   * How long a connection may be without traffic. S3 sends white space while it completes an upload, so completing does not exceed this
   * limit.
   */
  socketTimeout: 30_000,
  httpsAgent: { keepAlive: true, maxSockets: 128 },
  httpAgent: { keepAlive: true, maxSockets: 128 },
};

/** How long a connection over which bytes move may be without traffic. */
const QUICK_SOCKET_TIMEOUT_MS = 10_000;

/** All clients share one pool of connections. */
const requestHandlers = (): Omit<RequestHandlers, 'patient'> => {
  const usual = {
    ...REQUEST_HANDLER,
    httpsAgent: new HttpsAgent(REQUEST_HANDLER.httpsAgent),
    httpAgent: new HttpAgent(REQUEST_HANDLER.httpAgent),
  };
  return { usual, quick: { ...usual, socketTimeout: QUICK_SOCKET_TIMEOUT_MS } };
};

/**
 * S3 may send nothing while it copies, so each call sets its own limit (`call.ts`). Patient clients do not share connections with the other
 * clients.
 */
const PATIENT_REQUEST_HANDLER = { ...REQUEST_HANDLER, socketTimeout: 900_000 };

const s3Config = (region: string): S3ClientConfig => ({
  region,
  maxAttempts: 3,
  logger: SDK_LOGGER,
  // By default, the SDK would open a new connection for each upload of 2 MiB or more.
  expectContinueHeader: false,
  // The SDK does not need to compute checksums, because we compare stored checksums and send checksums that are already known.
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
  // Uploads with a computed trailer are sent in chunks. S3 refuses chunks under 8 KiB.
  requestStreamBufferSize: 65_536,
  forcePathStyle: forcePathStyle(),
});

const assumeRole = async (sts: STSClient, role: Role, sessionName: string) => {
  const doing = `AssumeRole of ${role.roleArn}`;
  const command = new AssumeRoleCommand({
    RoleArn: role.roleArn,
    RoleSessionName: sessionName,
    DurationSeconds: SESSION_SECONDS,
    ...(role.externalId === null ? {} : { ExternalId: role.externalId }),
  });
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
    const isDenied = reason === 'access-denied' || reason === 'invalid-request';
    const final = isSignatureRefused(error) ? 'service-error' : isDenied ? 'assume-role-denied' : reason;
    throw new ReplicationError(final, message, { cause: error, requestId });
  }
};
