/**
 * Clients for a bucket that a person names at a shell. They use the credentials of the shell, of a profile or of a role, and reach AWS or
 * another endpoint.
 */
import { HeadBucketCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { STSClient } from '@aws-sdk/client-sts';
import { accountOfArn } from '../../../model/rule.ts';
import { regionInAnswer } from '../../bucket-region.ts';
import { CONTROL_CLIENT } from '../../control-client.ts';
import { SDK_LOGGER } from '../../sdk-logger.ts';
import { beginSessions } from './assume-role.ts';
import { clientPair, handlersOf, type S3ClientPair, s3Config } from './clients.ts';
import { environmentEndpoint } from './path-style.ts';
import { sharedSession } from './shared-session.ts';
import { profileEndpoint, profileRegion } from './profile-endpoint.ts';

/** How the bucket of one side, the source or the destination, is reached. */
export interface Access {
  /** The region of the bucket; null: S3 names it, or else the profile or the environment does. */
  region: string | null;
  /** A profile of the shared configuration files; null: the credentials of the environment. */
  profile: string | null;
  /** A role to assume with these credentials; null: none. */
  roleArn: string | null;
  externalId: string | null;
  /** The URL of an S3 other than AWS; null: the endpoint of the profile or the environment, or AWS if neither names one. */
  endpoint: string | null;
}

/** The region and the endpoint through which a bucket is reached. */
export interface Place {
  region: string;
  /** The URL of the endpoint; null: AWS. */
  endpoint: string | null;
}

/** The region whose endpoint answers requests about buckets of every region. */
const ANY_REGION = 'us-east-1';

/**
 * Finds out where a bucket is. AWS names the region of a bucket to every caller. If another server does not, the region of the profile or
 * the environment counts.
 */
export const placeOf = async (access: Access, bucket: string): Promise<Place> => {
  const { profile } = access;
  const ofProfile = profile === null ? undefined : await profileEndpoint(profile);
  const endpoint = access.endpoint ?? ofProfile ?? environmentEndpoint();
  const usual = (profile === null ? undefined : await profileRegion(profile)) ?? usualRegion();
  if (access.region !== null) return { endpoint, region: access.region };
  const client = new S3Client(configOf(access, { region: usual, endpoint }));
  try {
    const { BucketRegion: region } = await client.send(new HeadBucketCommand({ Bucket: bucket }));
    return { endpoint, region: region ?? usual };
  } catch (error) {
    // If access is denied, the listing fails next, and its error says more.
    return { endpoint, region: regionInAnswer(error) ?? usual };
  } finally {
    client.destroy();
  }
};

const usualRegion = (): string =>
  process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'] ?? ANY_REGION;

/**
 * Creates clients that share the connections of `like`. `owner` is the account that must own the bucket; null: any account may, because
 * the person has named the bucket.
 */
export const accessPair = (
  access: Access,
  place: Place,
  { like, owner }: { like: S3ClientPair; owner: string | null },
): S3ClientPair =>
  clientPair({ ...s3Config(place.region), ...configOf(access, place) }, handlersOf(like), {
    secretArn: null,
    owner: async () => owner,
    caller: async () => (access.roleArn === null ? null : accountOfArn(access.roleArn)),
  });

const configOf = (access: Access, { region, endpoint }: Place): S3ClientConfig => ({
  region,
  // The profile takes precedence over AWS_ACCESS_KEY_ID. Without this logger, the SDK would write a warning about this precedence to the
  // console.
  logger: SDK_LOGGER,
  ...(access.profile === null ? {} : { profile: access.profile }),
  ...(access.roleArn === null ? {} : { credentials: sessionOf(access, access.roleArn, region) }),
  // Only AWS has DNS entries for the names of buckets.
  ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
});

const sessionOf = ({ profile, externalId }: Access, roleArn: string, region: string) => {
  const sts = new STSClient({ region, ...(profile === null ? {} : { profile }), ...CONTROL_CLIENT });
  const assume = beginSessions(sts, {
    sessionName: 's3-replicator-operator',
    sourceIdentity: null,
    lacks: () => undefined,
  });
  const request = { bucket: '', roleArn, externalId, policy: null, otherwise: null, saysWho: false };
  return sharedSession(() => assume(request));
};
