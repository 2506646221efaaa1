/**
 * Finds out whether a service checks the conditions of writes. A service may check a condition when a write begins, and not again when it
 * ends. Such a service accepts two writes under the same condition, and the older one can end last. So writes are also made at the same time.
 */
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  type PutObjectCommandInput,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { Question, ServiceAnswer } from '../../../model/service-answers.ts';
import { accepts, etagOf, put, refuses, type Room } from './probe-room.ts';

type Condition = Pick<PutObjectCommandInput, 'IfMatch' | 'IfNoneMatch'>;

const ABSENT: Condition = { IfNoneMatch: '*' };
const STALE: Condition = { IfMatch: `"${'0'.repeat(32)}"` };

/**
 * Asks the service about each condition. At the start, no object has the key of `room`. At the end, an object has this key, and
 * more objects have keys that begin with it.
 */
export const askConditions = async (
  room: Room,
): Promise<
  Record<Extract<Question, 'completes' | 'creates' | 'deletes' | 'refusesStale' | 'replaces'>, ServiceAnswer>
> => {
  const first = await put(room, 'first');
  return {
    creates: await all(
      () => refuses(room, [412], () => put(room, 'second', ABSENT)),
      () => oneWins(room, 'created', async () => ABSENT),
    ),
    refusesStale: await all(
      () => refuses(room, [412], () => put(room, 'third', STALE)),
      () => oneWins(room, 'replaced', async (at) => ({ IfMatch: await put(at, 'start') })),
    ),
    replaces: await accepts(async () => {
      await put(room, 'first');
      await put(room, 'fourth', { IfMatch: first });
      return (await etagOf(room)) !== first;
    }),
    completes: await all(
      () => refuses(room, [412], () => complete(room, ABSENT)),
      () => refuses(room, [412], () => complete(room, STALE)),
      () =>
        accepts(async () => {
          const before = await put(room, 'fifth');
          await complete(room, { IfMatch: before });
          return (await etagOf(room)) !== before;
        }),
    ),
    deletes: await all(
      () => refuses(room, [412], () => remove(room, STALE)),
      () =>
        accepts(async () => {
          await remove(room, { IfMatch: await put(room, 'sixth') });
          return (await etagOf(room)) === null;
        }),
    ),
  };
};

/** Asks one question after the other. Returns the first answer that is not `yes`, or `yes` if there is none. */
const all = async (...asks: (() => Promise<ServiceAnswer>)[]): Promise<ServiceAnswer> => {
  for (const ask of asks) {
    const answer = await ask();
    if (answer !== 'yes') return answer;
  }
  return 'yes';
};

const remove = async ({ client, Bucket, Key }: Room, { IfMatch }: Condition): Promise<unknown> =>
  await client.send(new DeleteObjectCommand({ Bucket, Key, IfMatch }));

const complete = async ({ client, Bucket, Key }: Room, condition: Condition): Promise<void> => {
  const { UploadId = '' } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
  const upload = { Bucket, Key, UploadId };
  try {
    const { ETag } = await client.send(new UploadPartCommand({ ...upload, PartNumber: 1, Body: 'part' }));
    await client.send(
      new CompleteMultipartUploadCommand({
        ...upload,
        MultipartUpload: { Parts: [{ PartNumber: 1, ...(ETag === undefined ? {} : { ETag }) }] },
        ...condition,
      }),
    );
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
    throw error;
  }
};

/** How many writes are made at the same time. */
const CROWD = 8;

/**
 * Returns `yes` if the service never accepts two writes under the same condition. Tries a slow write and a second one that begins
 * and ends meanwhile, and then several writes at once. `prepare` makes the condition true for a key.
 */
const oneWins = async (
  room: Room,
  name: string,
  prepare: (at: Room) => Promise<Condition>,
): Promise<ServiceAnswer> => {
  const slowly: Room = { ...room, Key: `${room.Key}-${name}-slowly` };
  const condition = await prepare(slowly);
  const slow = slowBody();
  const writing = isWritten(put(slowly, slow.body, { ...condition, ContentLength: SLOW_BYTES }));
  await Promise.race([slow.begun, writing]);
  await setTimeout(SLOW_MS);
  const overtaking = isWritten(put(slowly, 'overtaking', condition));
  // Some services let the second write wait until the first one has ended. So this wait has a limit.
  await Promise.race([overtaking, setTimeout(LOCK_MS)]);
  slow.end();
  if ((await writing) && (await overtaking)) return 'no';
  const crowded: Room = { ...room, Key: `${room.Key}-${name}-at-once` };
  const same = await prepare(crowded);
  const writes = Array.from({ length: CROWD }, (_, index) => isWritten(put(crowded, `write ${index}`, same)));
  return (await Promise.all(writes)).filter(Boolean).length > 1 ? 'no' : 'yes';
};

const isWritten = async (write: Promise<unknown>): Promise<boolean> =>
  await write.then(
    () => true,
    () => false,
  );

const SLOW_BYTES = 8;

/** How long the service has to read the first bytes of the slow write, before the other write begins. */
const SLOW_MS = 100;

/** How long the second write may take before the slow one ends. */
const LOCK_MS = 1_000;

/** A body that sends its first half at once, and the rest after `end`. */
const slowBody = (): { body: Readable; begun: Promise<void>; end(): void } => {
  const begun = Promise.withResolvers<void>();
  const ending = Promise.withResolvers<void>();
  const body = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from('slow');
    begun.resolve();
    await ending.promise;
    yield Buffer.from('body');
  };
  return { body: Readable.from(body()), begun: begun.promise, end: ending.resolve };
};
