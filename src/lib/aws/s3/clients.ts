/**
 * The SDK clients of one execution environment. The settings come from measurements of this SDK (`docs/performance.md`): with its
 * defaults it loses throughput, or hangs when a streamed body breaks.
 */
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { ReplicationError } from '../../model/errors.ts';
import type { Destination, Source } from '../../model/rule.ts';
import { type CopyConditions, createCopyConditions } from './copy-conditions.ts';
import { createEarlyCollection, type EarlyCollection } from './early-collection.ts';
import { CONTROL_CLIENT } from '../control-client.ts';
import { translateError } from '../errors.ts';
import { signHeaderBytes } from './header-bytes.ts';
import { forcePathStyle } from './path-style.ts';
import { SDK_LOGGER } from '../sdk-logger.ts';

/** A role to assume. */
interface Role {
  roleArn: string;
  externalId: string | null;
}

/**
 * Clients for one set of credentials. Calls that move bytes are retried by `inPairs`: a read and a write as a pair, or a copy inside S3.
 * All other calls are retried by the SDK. If both retried the same call, the attempts would multiply.
 */
export interface S3ClientPair {
  retrying: S3Client;
  single: S3Client;
  /** For copies inside S3, during which S3 may be silent for minutes. It does not retry. Created on first use. */
  patient(): S3Client;
}

/** S3 clients by role and region. Each pair keeps its credentials and refreshes them five minutes before they expire. */
export interface S3Clients {
  /** Clients with the function's own role. */
  own: S3ClientPair;
  source(source: Source): S3ClientPair;
  destination(destination: Destination): S3ClientPair;
  earlyCollection: EarlyCollection;
  copyConditions: CopyConditions;
  /** After `expired-credentials`: the next call assumes the role again, even if the session has not expired by the clock. */
  forget(pair: S3ClientPair): void;
}

/** STS allows sessions of 15 minutes to one hour for a role that is assumed by a role (role chaining). */
const SESSION_SECONDS = 3_600;

export const createS3Clients = (options: { region: string; sessionName: string }): S3Clients => {
  const sts = new STSClient({ region: options.region, ...CONTROL_CLIENT });
  const pairs = new Map<string, S3ClientPair>();
  const own = clientPair(s3Config(options.region), () => PATIENT_REQUEST_HANDLER);
  const forRole = (role: Role, region: string): S3ClientPair => {
    const name = JSON.stringify([role.roleArn, role.externalId, region]);
    const known = pairs.get(name);
    if (known !== undefined) return known;
    const pair = clientPair(
      {
        ...s3Config(region),
        // All clients share one pool of connections.
        requestHandler: own.retrying.config.requestHandler,
        credentials: sharedSession(() => assumeRole(sts, role, options.sessionName)),
      },
      () => own.patient().config.requestHandler,
    );
    pairs.set(name, pair);
    return pair;
  };
  return {
    own,
    earlyCollection: createEarlyCollection(),
    copyConditions: createCopyConditions(),
    source: ({ roleArn, externalId }) =>
      roleArn === null ? own : forRole({ roleArn, externalId }, options.region),
    destination: ({ roleArn, externalId, region }) => forRole({ roleArn, externalId }, region),
    forget(pair) {
      for (const [name, known] of pairs) if (known === pair) pairs.delete(name);
    },
  };
};

const clientPair = (config: S3ClientConfig, patientHandler: () => RequestHandler): S3ClientPair => {
  const retrying = signHeaderBytes(new S3Client(config));
  const singleWith = (requestHandler: RequestHandler): S3Client =>
    signHeaderBytes(new S3Client({ ...config, requestHandler, maxAttempts: 1 }));
  let patient: S3Client | null = null;
  return {
    retrying,
    single: singleWith(retrying.config.requestHandler),
    patient: () => (patient ??= singleWith(patientHandler())),
  };
};

type RequestHandler = NonNullable<S3ClientConfig['requestHandler']>;

interface Session {
  expiration?: Date;
}

/** The clients of a pair need credentials at the same time. One answer serves all of them. */
const sharedSession = <S extends Session>(assume: () => Promise<S>): (() => Promise<S>) => {
  let current: Promise<S> | null = null;
  return async () => {
    const seen = current;
    const known = await seen?.catch(() => null);
    const endsMs = known?.expiration?.getTime() ?? 0;
    if (known && endsMs > Date.now() + REFRESH_BEFORE_MS) return known;
    // A caller that has waited may find that another one has asked already.
    if (current === null || current === seen) current = assume();
    return await current;
  };
};

/** How long before their expiry credentials are refreshed: the same as in the SDK. */
const REFRESH_BEFORE_MS = 5 * 60_000;

const REQUEST_HANDLER = {
  connectionTimeout: 3_000,
  /** How long a connection may be silent. While S3 completes an upload, it sends white space. */
  socketTimeout: 30_000,
  httpsAgent: { keepAlive: true, maxSockets: 128 },
  httpAgent: { keepAlive: true, maxSockets: 128 },
};

/** S3 may be silent while it copies, so each call sets its own limit (`call.ts`). These clients have their own connections. */
const PATIENT_REQUEST_HANDLER = { ...REQUEST_HANDLER, socketTimeout: 900_000 };

const s3Config = (region: string): S3ClientConfig => ({
  region,
  requestHandler: REQUEST_HANDLER,
  maxAttempts: 3,
  logger: SDK_LOGGER,
  // With the default, each larger upload opens a new connection.
  expectContinueHeader: false,
  // Stored checksums are compared and not computed again here. The checksums that we send are known beforehand.
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
  // For uploads with a computed trailer: S3 refuses chunks under 8 KiB.
  requestStreamBufferSize: 65_536,
  forcePathStyle: forcePathStyle(),
});

const assumeRole = async (sts: STSClient, role: Role, sessionName: string) => {
  const doing = `AssumeRole of ${role.roleArn}`;
  try {
    const { Credentials: granted } = await sts.send(
      new AssumeRoleCommand({
        RoleArn: role.roleArn,
        RoleSessionName: sessionName,
        DurationSeconds: SESSION_SECONDS,
        ...(role.externalId === null ? {} : { ExternalId: role.externalId }),
      }),
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
    const translated = translateError(error, doing);
    // STS gives the same answer for a role that does not exist and for a role that does not trust the caller.
    if (!['access-denied', 'invalid-request'].includes(translated.reason)) throw translated;
    throw new ReplicationError('assume-role-denied', translated.message, {
      cause: error,
      requestId: translated.requestId,
    });
  }
};
