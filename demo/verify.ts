/** Compares both sides independently of the replicator. The keys, all bytes, all headers and all metadata are compared. */
import { Readable } from 'node:stream';
import { GetObjectCommand, paginateListObjectsV2 } from '@aws-sdk/client-s3';
import type { GetObjectCommandOutput, S3Client } from '@aws-sdk/client-s3';
import { printable } from '../src/lib/text/printable.ts';
import type { Configuration } from '../src/lib/configuration/configuration.ts';
import type { Account } from './account.ts';
import { firstDifference } from './compare-streams.ts';
import { replicaPlaces } from './replica-places.ts';
import type { ReplicaPlace } from './replica-places.ts';
import { STAMP, stampIn, stampOf } from './stamp.ts';

export interface Verification {
  /** The number of replicas that were compared. */
  replicas: number;
  /** The number of bytes that are equal. */
  bytes: number;
  /** One sentence for each difference. The list is empty if both sides agree. */
  differences: string[];
}

/**
 * Checks that each destination has every replica that the rules require, and nothing else. `onBytes` is called with the number of bytes
 * that were compared since its last call.
 */
export const verify = async (
  accounts: { configuration: Configuration; source: Account; destination: Account },
  onBytes: (bytes: number) => void = () => {},
): Promise<Verification> => {
  const { rules } = accounts.configuration.replication;
  const sourceBuckets = [...new Set(rules.map(({ source }) => source.bucket))];
  const places: ReplicaPlace[] = [];
  for (const bucket of sourceBuckets) {
    const keys = await keysIn(accounts.source.s3(), bucket);
    places.push(...keys.flatMap((key) => replicaPlaces(accounts.configuration, { bucket, key })));
  }
  const result: Verification = { replicas: places.length, bytes: 0, differences: [] };
  result.differences.push(...(await unexpected(accounts, places)));
  for (const place of places) {
    const difference = await compare(accounts, place, (bytes) => {
      result.bytes += bytes;
      onBytes(bytes);
    });
    if (difference !== null) result.differences.push(`${name(place)}: ${difference}`);
  }
  return result;
};

const name = ({ bucket, key }: { bucket: string; key: string }): string => `${bucket}/${printable(key)}`;

const keysIn = async (client: S3Client, bucket: string): Promise<string[]> => {
  const keys: string[] = [];
  // A listing is XML, which cannot contain control characters. Keys with control characters are listed correctly only with this encoding.
  const input = { Bucket: bucket, EncodingType: 'url' } as const;
  for await (const page of paginateListObjectsV2({ client }, input)) {
    keys.push(...(page.Contents ?? []).map(({ Key = '' }) => decodeListed(Key)));
  }
  return keys;
};

const decodeListed = (encoded: string): string => decodeURIComponent(encoded.replaceAll('+', ' '));

const unexpected = async (
  accounts: { configuration: Configuration; destination: Account },
  places: ReplicaPlace[],
): Promise<string[]> => {
  const expected = new Set(places.map(name));
  const destinations = accounts.configuration.replication.rules.flatMap((rule) => rule.destinations);
  const regions = new Map(destinations.map(({ bucket, region }) => [bucket, region]));
  const found: string[] = [];
  for (const [bucket, region] of regions) {
    const keys = await keysIn(accounts.destination.s3(region), bucket);
    found.push(...keys.map((key) => name({ bucket, key })).filter((each) => !expected.has(each)));
  }
  return found.map((each) => `${each}: has no source object`);
};

/** Returns a description of how a replica differs from its source. Returns null if they are equal. */
const compare = async (
  accounts: { source: Account; destination: Account },
  place: ReplicaPlace,
  onBytes: (bytes: number) => void,
): Promise<string | null> => {
  const { bucket, key } = place.source;
  const source = await get(accounts.source.s3(), bucket, key);
  const replica = await get(accounts.destination.s3(place.destination.region), place.bucket, place.key).catch(
    (error: unknown) => {
      source.body.destroy();
      return error instanceof Error ? `cannot be read: ${error.name}` : String(error);
    },
  );
  if (typeof replica === 'string') return replica;
  const position = await firstDifference(source.body, replica.body, onBytes);
  if (position !== null) return `differs from ${name(place.source)} at byte ${position}`;
  const wanted = describe(source.output, place.destination.storageClass);
  const actual = describe(replica.output, null);
  const wrong = Object.keys({ ...wanted, ...actual }).filter((field) => wanted[field] !== actual[field]);
  if (wrong.length > 0) {
    const said = wrong.map((field) => `${field} is ${shown(actual[field])}, not ${shown(wanted[field])}`);
    return said.join('; ');
  }
  return stampProblem(source.output, replica.output, place);
};

const get = async (
  client: S3Client,
  Bucket: string,
  Key: string,
): Promise<{ output: GetObjectCommandOutput; body: Readable }> => {
  const output = await client.send(new GetObjectCommand({ Bucket, Key }));
  if (!(output.Body instanceof Readable)) throw new Error('GetObject answered without a body');
  return { output, body: output.Body };
};

const shown = (value: string | undefined): string =>
  value === undefined ? 'missing' : JSON.stringify(value);

/** Returns the fields in which a replica must equal its source, by their names in the S3 API. */
const describe = (object: GetObjectCommandOutput, storageClass: string | null): Record<string, string> => {
  const { [STAMP]: _stamp, ...metadata } = object.Metadata ?? {};
  const fields: Record<string, string | number | undefined> = {
    ETag: object.ETag,
    ContentLength: object.ContentLength,
    ContentType: object.ContentType,
    CacheControl: object.CacheControl,
    ContentDisposition: object.ContentDisposition,
    ContentEncoding: object.ContentEncoding,
    ContentLanguage: object.ContentLanguage,
    Expires: object.ExpiresString,
    WebsiteRedirectLocation: object.WebsiteRedirectLocation,
    StorageClass: storageClass ?? object.StorageClass ?? 'STANDARD',
    ...Object.fromEntries(Object.entries(metadata).map(([key, value]) => [`Metadata ${key}`, value])),
  };
  return Object.fromEntries(
    Object.entries(fields).flatMap(([field, value]) => (value === undefined ? [] : [[field, String(value)]])),
  );
};

/** Checks that the stamp of the replica names the source version that the replica holds. Returns the problem, or null if there is none. */
const stampProblem = (
  source: GetObjectCommandOutput,
  replica: GetObjectCommandOutput,
  place: ReplicaPlace,
): string | null => {
  if (!place.rule.stamp) return null;
  const wanted = stampOf(source, place);
  const actual = stampIn(replica);
  return actual === wanted ? null : `its stamp is ${shown(actual)}, not ${shown(wanted)}`;
};
