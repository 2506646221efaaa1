/** The logger of the SDK's clients, which logs nothing. */
import type { S3ClientConfig } from '@aws-sdk/client-s3';

type Logger = NonNullable<S3ClientConfig['logger']>;

const nothing = (): void => undefined;

/**
 * Unlike the SDK's own silent logger, this logger has no `info` and no `error`. If a logger has one of them, the SDK copies the input and
 * the output of every call for it, member by member. That costs 5 % of the CPU time in which a small object is replicated. Both may be
 * left out, because the SDK checks whether they exist. It calls `warn` without a check. Its warnings, about streams that it cannot send
 * again, are not needed, because our own log lines report those failures.
 */
export const SDK_LOGGER = { debug: nothing, warn: nothing } as Partial<Logger> as Logger;
