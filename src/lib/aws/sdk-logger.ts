/** The logger of the SDK's clients, which logs nothing. */
import type { S3ClientConfig } from '@aws-sdk/client-s3';

type Logger = NonNullable<S3ClientConfig['logger']>;

const nothing = (): void => undefined;

/**
 * Unlike the SDK's own silent logger, this logger has no `info` and no `error`. For each of these two methods that exists, the SDK copies
 * the input and the output of every call, member by member, which takes a twentieth of the CPU time of a small object. The SDK checks
 * whether these two methods exist, but calls `warn` without a check. The SDK's warnings about streams that it cannot send again are not
 * needed, because our own log lines report those failures.
 */
export const SDK_LOGGER = { debug: nothing, warn: nothing } as Partial<Logger> as Logger;
