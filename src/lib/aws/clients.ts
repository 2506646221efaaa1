/**
 * The SDK clients of one execution environment. Settings come from measurements of this SDK (`docs/performance.md`):
 * its defaults cost throughput or hang when a streamed body breaks.
 */
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import { ReplicationError } from '../errors.ts';
import type { Destination, Source } from '../rule.ts';
import { translateError } from './errors.ts';

/** A role to assume; null: the function's own. */
interface Role {
  roleArn: string;
  externalId: string | null;
}

/** S3 clients by role and region. Credentials are cached with the client and refreshed five minutes before they end. */
export interface S3Clients {
  source(source: Source): S3Client;
  destination(destination: Destination): S3Client;
  /** After `expired-credentials`: the next call assumes the role anew, whatever the clock says. */
  forget(client: S3Client): void;
}

/** S3 allows STS sessions of 15 minutes to an hour for a role assumed by a role (role chaining). */
const SESSION_SECONDS = 3_600;

export const createS3Clients = (options: { region: string; sessionName: string }): S3Clients => {
  const sts = new STSClient({ region: options.region, requestHandler: REQUEST_HANDLER });
  const clients = new Map<string, S3Client>();
  const own = new S3Client(s3Config(options.region));
  const forRole = (role: Role, region: string): S3Client => {
    const name = JSON.stringify([role.roleArn, role.externalId, region]);
    const known = clients.get(name);
    if (known !== undefined) return known;
    const client = new S3Client({
      ...s3Config(region),
      // One pool of connections for all.
      requestHandler: own.config.requestHandler,
      credentials: () => assumeRole(sts, role, options.sessionName),
    });
    clients.set(name, client);
    return client;
  };
  return {
    source: ({ roleArn, externalId }) =>
      roleArn === null ? own : forRole({ roleArn, externalId }, options.region),
    destination: ({ roleArn, externalId, region }) => forRole({ roleArn, externalId }, region),
    forget(client) {
      for (const [name, known] of clients) if (known === client) clients.delete(name);
    },
  };
};

const REQUEST_HANDLER = {
  connectionTimeout: 3_000,
  /** Nothing moved for so long: S3 sends white space while it completes an upload. */
  socketTimeout: 30_000,
  httpsAgent: { keepAlive: true, maxSockets: 128 },
  httpAgent: { keepAlive: true, maxSockets: 128 },
};

const nothing = (): void => undefined;
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing };

const s3Config = (region: string): S3ClientConfig => ({
  region,
  requestHandler: REQUEST_HANDLER,
  maxAttempts: 3,
  // The SDK warns on the console about streams it cannot send again; that failure is reported in our own line.
  logger: SILENT,
  // With the default, each larger upload opens a connection of its own.
  expectContinueHeader: false,
  // Stored checksums are compared without being computed here again; those we send are known beforehand.
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
  // Where a trailer has to be computed: S3 refuses chunks under 8 KiB.
  requestStreamBufferSize: 65_536,
  // Bucket names in host names only work where DNS knows them.
  forcePathStyle: Boolean(process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL']),
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
    if (translated.reason !== 'access-denied' && translated.reason !== 'invalid-request') throw translated;
    throw new ReplicationError('assume-role-denied', translated.message, {
      cause: error,
      requestId: translated.requestId,
    });
  }
};
