/**
 * The SDK clients of one execution environment. Settings come from measurements of this SDK (`docs/performance.md`):
 * its defaults cost throughput or hang when a streamed body breaks.
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

/** A role to assume; null: the function's own. */
interface Role {
  roleArn: string;
  externalId: string | null;
}

/**
 * Clients for one set of credentials. Bytes are tried again by `inPairs`, read and written as a pair or copied inside S3;
 * everything else by the SDK. Both at once would multiply.
 */
export interface S3ClientPair {
  retrying: S3Client;
  single: S3Client;
  /** For copies inside S3, while which nothing may be heard for minutes; nothing is tried again. Made when first asked for. */
  patient(): S3Client;
}

/** S3 clients by role and region. Credentials are kept with them and refreshed five minutes before they end. */
export interface S3Clients {
  /** With the function's own role. */
  own: S3ClientPair;
  source(source: Source): S3ClientPair;
  destination(destination: Destination): S3ClientPair;
  earlyCollection: EarlyCollection;
  copyConditions: CopyConditions;
  /** After `expired-credentials`: the next call assumes the role anew, whatever the clock says. */
  forget(pair: S3ClientPair): void;
}

/** S3 allows STS sessions of 15 minutes to an hour for a role assumed by a role (role chaining). */
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
        // One pool of connections for all.
        requestHandler: own.retrying.config.requestHandler,
        credentials: shared(() => assumeRole(sts, role, options.sessionName)),
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

/** Both clients of a pair ask for credentials at the same times; one answer serves both. */
const shared = <S extends Session>(assume: () => Promise<S>): (() => Promise<S>) => {
  let current: Promise<S> | null = null;
  return async () => {
    const seen = current;
    const known = await seen?.catch(() => null);
    const endsMs = known?.expiration?.getTime() ?? 0;
    if (known && endsMs > Date.now() + REFRESH_BEFORE_MS) return known;
    // Whoever waited meanwhile finds the question already asked.
    if (current === null || current === seen) current = assume();
    return await current;
  };
};

/** As the SDK: it asks again five minutes before the end. */
const REFRESH_BEFORE_MS = 5 * 60_000;

const REQUEST_HANDLER = {
  connectionTimeout: 3_000,
  /** Nothing moved for so long: S3 sends white space while it completes an upload. */
  socketTimeout: 30_000,
  httpsAgent: { keepAlive: true, maxSockets: 128 },
  httpAgent: { keepAlive: true, maxSockets: 128 },
};

/** S3 may be silent while it copies, so each call says itself how long it waits (`call.ts`). Connections of its own. */
const PATIENT_REQUEST_HANDLER = { ...REQUEST_HANDLER, socketTimeout: 900_000 };

const s3Config = (region: string): S3ClientConfig => ({
  region,
  requestHandler: REQUEST_HANDLER,
  maxAttempts: 3,
  logger: SDK_LOGGER,
  // With the default, each larger upload opens a connection of its own.
  expectContinueHeader: false,
  // Stored checksums are compared without being computed here again; those we send are known beforehand.
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
  // Where a trailer has to be computed: S3 refuses chunks under 8 KiB.
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
    // STS does not tell a role that does not exist from one that does not trust the caller.
    if (!['access-denied', 'invalid-request'].includes(translated.reason)) throw translated;
    throw new ReplicationError('assume-role-denied', translated.message, {
      cause: error,
      requestId: translated.requestId,
    });
  }
};
