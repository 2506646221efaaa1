/** Tries everything that replication needs at a destination, with sessions like those of replication. */
import {
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
  ListBucketsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { ProbedBucket, ProbedPlace, Prober } from '../../../inspect/probed-place.ts';
import type { ProbeStep } from '../../../model/probe-step.ts';
import { copiesInsideS3, type Destination, type ReplicationRule } from '../../../model/rule.ts';
import { regionInAnswer } from '../../bucket-region.ts';
import { readError } from '../../read-error.ts';
import type { S3Clients } from '../client/clients.ts';
import { absentKey } from './probe-key.ts';
import { answerOf } from './probe-answer.ts';
import { probeGuards, probePermissions } from './probe-permissions.ts';
import { probeSource } from './probe-source.ts';
import { probeService } from './probe-service.ts';
import { createTrustProbe } from './probe-trust.ts';
import { probeUpload } from './probe-upload.ts';

export const createProber = (
  clients: S3Clients,
  place: { region: string; sessionName: string; functionName: string; now(): number },
): Prober => {
  const { now } = place;
  const trustOf = createTrustProbe(place);
  const accessTo = async (destination: Destination): Promise<Pick<ProbedPlace, 'secret' | 'trust'>> =>
    destination.service === null
      ? { trust: await trustOf(destination), secret: null }
      : { trust: null, secret: await probeSecret(clients, destination) };
  return {
    async probe(rule, destination) {
      const names = { rule: rule.id, destination: destination.id };
      const [access, source] = await Promise.all([
        accessTo(destination),
        probeSource(clients.source(rule.source).retrying, rule).catch((error: unknown) => ({
          steps: [failedStep('sts:AssumeRole of the source role', error)],
          sample: null,
        })),
      ]);
      const seen = { ...names, ...access, source: source.steps };
      if ((access.trust?.withId ?? access.secret?.answer) !== 'allowed')
        return { ...seen, bucket: null, service: null, steps: [] };
      const client = clients.destination(destination).retrying;
      const tried = { client, rule, destination, key: absentKey(rule, destination), now: now() };
      const settings = await bucketSettings(client, destination);
      if (
        settings.existence === 'missing' ||
        settings.existence === 'others' ||
        isElsewhere(settings, destination)
      )
        return { ...seen, bucket: settings, service: null, steps: [] };
      if (destination.service !== null) return { ...seen, ...(await probedService(tried, settings)) };
      return { ...seen, service: null, ...(await triedPlace(clients, tried, settings, source.sample)) };
    },
  };
};

const probeSecret = (clients: S3Clients, destination: Destination): Promise<ProbeStep> =>
  answerOf('secretsmanager:GetSecretValue', () =>
    clients.destination(destination).retrying.config.credentials(),
  );

interface Place {
  client: S3Client;
  rule: ReplicationRule;
  destination: Destination;
  key: string;
  now: number;
}

/** Probes a destination that is reached with an access key. The permissions of the key show only when the key is used. */
const probedService = async (
  { client, rule, destination, now }: Place,
  { steps, ...bucket }: Awaited<ReturnType<typeof bucketSettings>>,
): Promise<Pick<ProbedPlace, 'bucket' | 'service' | 'steps'>> => {
  let service: ProbedPlace['service'] = null;
  const prefix = destination.prefix ?? rule.source.prefix;
  const asked = await answerOf('s3:PutObject, s3:GetObject, s3:DeleteObject and listings', async () => {
    service = await probeService(client, { bucket: destination.bucket, prefix, nowMs: now });
  });
  return { bucket, service, steps: [...steps.filter(({ answer }) => answer === 'denied'), asked] };
};

const triedPlace = async (
  clients: S3Clients,
  place: Place,
  { steps: read, ...settings }: Awaited<ReturnType<typeof bucketSettings>>,
  sample: string | null,
): Promise<Pick<ProbedPlace, 'bucket' | 'steps'>> => {
  const { source } = place.rule;
  const copySource =
    sample === null || !copiesInsideS3(place.rule, place.destination)
      ? null
      : {
          CopySource: `${source.bucket}/${sample.split('/').map(encodeURIComponent).join('/')}`,
          ExpectedSourceBucketOwner: (await clients.accountOf(source.account)) ?? undefined,
        };
  const hasObjectLock = settings.hasObjectLock ?? false;
  const [permissions, guards] = await Promise.all([
    probePermissions({ ...place, hasObjectLock }),
    probeGuards({ ...place, hasObjectLock }),
  ]);
  // Without the permission to abort, the probe would leave its upload behind.
  const mayAbort = permissions.every(
    ({ permission, answer }) => permission !== 's3:AbortMultipartUpload' || answer === 'allowed',
  );
  const upload = mayAbort
    ? await probeUpload({ ...place, bucket: settings, copySource })
    : { steps: [], copied: null };
  const { steps, ...seen } = upload;
  return { bucket: { ...settings, ...seen, guards }, steps: [...read, ...permissions, ...steps] };
};

const isElsewhere = ({ region }: Pick<ProbedBucket, 'region'>, destination: Destination): boolean =>
  region !== null && region !== '' && region !== destination.region;

const failedStep = (permission: string, error: unknown): ProbeStep => {
  const { code, message, status } = readError(error);
  return { permission, answer: status === 403 ? 'denied' : 'failed', detail: `${code}: ${message}` };
};

const bucketSettings = async (
  client: S3Client,
  { bucket: Bucket }: Destination,
): Promise<ProbedBucket & { steps: ProbeStep[] }> => {
  const unread = { versioning: null, hasObjectLock: null, defaultRetention: null, copied: null };
  const place = await placeOf(client, Bucket);
  if (place.existence !== 'there' && place.existence !== 'unknown') return { ...place, ...unread, steps: [] };
  let versioning: ProbedBucket['versioning'] = null;
  let lock: Pick<ProbedBucket, 'defaultRetention' | 'hasObjectLock'> = unread;
  const steps = await Promise.all([
    answerOf('s3:GetBucketVersioning', async () => {
      const { Status: status } = await client.send(new GetBucketVersioningCommand({ Bucket }));
      versioning = status ?? 'never';
    }),
    answerOf('s3:GetBucketObjectLockConfiguration', async () => {
      lock = await lockOf(client, Bucket);
    }),
  ]);
  return { ...place, versioning, ...lock, copied: null, steps };
};

const lockOf = async (
  client: S3Client,
  Bucket: string,
): Promise<Pick<ProbedBucket, 'defaultRetention' | 'hasObjectLock'>> => {
  try {
    const { ObjectLockConfiguration: found } = await client.send(
      new GetObjectLockConfigurationCommand({ Bucket }),
    );
    const { Mode: mode, Days: days, Years: years } = found?.Rule?.DefaultRetention ?? {};
    const retention = mode === undefined ? null : { mode, days: days ?? (years ?? 0) * 365 };
    return { hasObjectLock: found?.ObjectLockEnabled === 'Enabled', defaultRetention: retention };
  } catch (error) {
    if (readError(error).status === 404) return { hasObjectLock: false, defaultRetention: null };
    throw error;
  }
};

const placeOf = async (
  client: S3Client,
  Bucket: string,
): Promise<Pick<ProbedBucket, 'existence' | 'region'>> => {
  try {
    const { BucketRegion: region = null } = await client.send(new HeadBucketCommand({ Bucket }));
    return { region, existence: 'there' };
  } catch (error) {
    const region = regionInAnswer(error);
    if (region !== null) return { region, existence: 'there' };
    const { status } = readError(error);
    if (status === 404) return { region, existence: 'missing' };
    const isOthers = status === 403 && !(await isOwn(client, Bucket));
    return { region, existence: isOthers ? 'others' : 'unknown' };
  }
};

/**
 * Returns true if the account of the role has this bucket. If the role may not list the buckets of its account, the bucket counts
 * as the account's own.
 */
const isOwn = async (client: S3Client, bucket: string): Promise<boolean> => {
  try {
    const { Buckets: buckets = [] } = await client.send(new ListBucketsCommand({ Prefix: bucket }));
    return buckets.some(({ Name }) => Name === bucket);
  } catch {
    return true;
  }
};
