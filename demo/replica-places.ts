/** Finds the places where the rules require replicas of an object, and checks whether the replicas exist. */
import { HeadObjectCommand, NotFound } from '@aws-sdk/client-s3';
import type { HeadObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import type { Configuration } from '../src/lib/configuration/configuration.ts';
import { ruleWants } from '../src/lib/model/filter.ts';
import { destinationKey } from '../src/lib/model/rule.ts';
import type { Destination, ReplicationRule } from '../src/lib/model/rule.ts';
import type { Account } from './account.ts';
import { stampIn, stampOf } from './stamp.ts';

export interface ObjectName {
  bucket: string;
  key: string;
}

/** One place to which the rules replicate an object. */
export interface ReplicaPlace extends ObjectName {
  source: ObjectName;
  rule: ReplicationRule;
  destination: Destination;
}

export const replicaPlaces = ({ replication }: Configuration, source: ObjectName): ReplicaPlace[] =>
  replication.rules
    .filter((rule) => ruleWants(rule, source.bucket, source.key))
    .flatMap((rule) =>
      rule.destinations.map((destination) => {
        const { bucket } = destination;
        return { bucket, key: destinationKey(rule, destination, source.key), source, rule, destination };
      }),
    );

/**
 * Resolves to true when the place holds the current version of the source object. Compares the results of two HEADs. If the stamp of the
 * replica names a version, only the stamp is compared. Otherwise ETag and size are compared. Resolves to false when there is no source
 * object.
 */
export const isReplicated = async (
  accounts: { source: Account; destination: Account },
  place: ReplicaPlace,
): Promise<boolean> => {
  const { bucket, key } = place.source;
  const [source, replica] = await Promise.all([
    head(accounts.source.s3(), bucket, key),
    head(accounts.destination.s3(place.destination.region), place.bucket, place.key),
  ]);
  if (source === null || replica === null) return false;
  const stamp = stampIn(replica);
  if (stamp?.startsWith('v/')) return stamp === stampOf(source, place);
  return replica.ETag === source.ETag && replica.ContentLength === source.ContentLength;
};

const head = async (
  client: S3Client,
  bucket: string,
  key: string,
): Promise<HeadObjectCommandOutput | null> => {
  try {
    return await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
  } catch (error) {
    if (error instanceof NotFound) return null;
    throw error;
  }
};
