/** What the SDK's clients log to: nothing. */
import type { S3ClientConfig } from '@aws-sdk/client-s3';

type Logger = NonNullable<S3ClientConfig['logger']>;

const nothing = (): void => undefined;

/**
 * Without `info` and `error`, unlike the SDK's own silent logger: where there is a method, the SDK makes a copy of the input and
 * the output of every call for it, member by member: a twentieth of the CPU time of a small object. It asks before it calls those
 * two, and not before it warns. Its warnings, of streams that it cannot send again, are failures that our own lines report.
 */
export const SDK_LOGGER = { debug: nothing, warn: nothing } as Partial<Logger> as Logger;
