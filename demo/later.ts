/** Changes objects after their replication, with overwrites, tags and deletes, and checks the replicas. */
import {
  DeleteObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  NotFound,
  PutObjectTaggingCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { DELETED, DOCUMENTS, OVERWRITTEN, RETAGGED } from './objects.ts';
import { replicaPlaces } from './replica-places.ts';
import type { ObjectName, ReplicaPlace } from './replica-places.ts';
import type { TwoAccounts } from './two-accounts.ts';

/** Calls `done` with one sentence for each change. @throws Error if a replica is not as the rules require */
export const showLater = async (
  accounts: TwoAccounts,
  done: (sentence: string) => void,
  signal: AbortSignal,
): Promise<void> => {
  done(await history(accounts, { bucket: DOCUMENTS, key: OVERWRITTEN }));
  done(await changedTag(accounts, { bucket: DOCUMENTS, key: RETAGGED }, signal));
  done(await deleted(accounts, { bucket: DOCUMENTS, key: DELETED }, signal));
};

const history = async (accounts: TwoAccounts, object: ObjectName): Promise<string> => {
  const places = replicaPlaces(accounts.configuration, object);
  const source = await etagsOf(accounts.source.s3(), object);
  for (const place of places) {
    const replicas = await etagsOf(clientOf(accounts, place), place);
    const wanted = place.rule.versions === 'all' ? source : source.slice(-1);
    if (replicas.slice(-wanted.length).join() !== wanted.join()) {
      throw new Error(`the histories of ${nameOf(place)} and ${nameOf(object)} differ`);
    }
  }
  return `${object.key}: all ${source.length} versions are in ${bucketsOf(places)}, in the order of the source`;
};

const changedTag = async (
  accounts: TwoAccounts,
  object: ObjectName,
  signal: AbortSignal,
): Promise<string> => {
  const places = replicaPlaces(accounts.configuration, object);
  const before = await Promise.all(places.map((place) => etagsOf(clientOf(accounts, place), place)));
  const [Key, Value] = ['status', 'checked'];
  const where = { Bucket: object.bucket, Key: object.key };
  const Tagging = { TagSet: [{ Key, Value }] };
  await accounts.source.s3().send(new PutObjectTaggingCommand({ ...where, Tagging }));
  const isThere = async (place: ReplicaPlace): Promise<boolean> => {
    const { TagSet = [] } = await clientOf(accounts, place).send(
      new GetObjectTaggingCommand({ Bucket: place.bucket, Key: place.key }),
    );
    return TagSet.some((tag) => tag.Key === Key && tag.Value === Value);
  };
  const isEverywhere = async (): Promise<boolean> =>
    (await Promise.all(places.map(isThere))).every((each) => each);
  await accounts.waitUntil('the tag is on all replicas', isEverywhere, { signal });
  await accounts.waitUntilQuiet({ signal });
  const after = await Promise.all(places.map((place) => etagsOf(clientOf(accounts, place), place)));
  if (after.join() !== before.join())
    throw new Error(`${object.key} was copied a second time because of a tag`);
  return `${object.key}: its new tag ${Key}=${Value} is on all replicas, and no content was copied again`;
};

const deleted = async (accounts: TwoAccounts, object: ObjectName, signal: AbortSignal): Promise<string> => {
  const places = replicaPlaces(accounts.configuration, object);
  await accounts.source.s3().send(new DeleteObjectCommand({ Bucket: object.bucket, Key: object.key }));
  await accounts.waitUntilQuiet({ signal });
  for (const place of places) {
    const stays = place.rule.deletes === 'ignore';
    const isAsWanted = async (): Promise<boolean> => (await isThere(accounts, place)) === stays;
    await accounts.waitUntil(`${nameOf(place)} ${stays ? 'stays' : 'is gone'}`, isAsWanted, { signal });
  }
  const rules = new Set(places.map(({ rule }) => rule.deletes));
  const what = rules.has('ignore') ? 'its replicas stay (`deletes: ignore`)' : 'so are its replicas';
  return `${object.key}: deleted at the source, ${what}`;
};

/** Returns the ETags of all versions, oldest first. */
const etagsOf = async (client: S3Client, { bucket, key }: ObjectName): Promise<string[]> => {
  const { Versions: versions = [] } = await client.send(
    new ListObjectVersionsCommand({ Bucket: bucket, Prefix: key }),
  );
  return versions
    .filter(({ Key }) => Key === key)
    .map(({ ETag = '' }) => ETag)
    .toReversed();
};

const isThere = async (accounts: TwoAccounts, place: ReplicaPlace): Promise<boolean> => {
  const where = { Bucket: place.bucket, Key: place.key };
  try {
    await clientOf(accounts, place).send(new HeadObjectCommand(where));
    return true;
  } catch (error) {
    if (error instanceof NotFound) return false;
    throw error;
  }
};

const clientOf = ({ destination }: TwoAccounts, place: ReplicaPlace): S3Client =>
  destination.s3(place.destination.region);

const nameOf = ({ bucket, key }: ObjectName): string => `${bucket}/${key}`;

const bucketsOf = (places: ReplicaPlace[]): string => places.map(({ bucket }) => bucket).join(' and ');
