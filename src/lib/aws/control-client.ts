import { SDK_LOGGER } from './sdk-logger.ts';

/**
 * Settings of the clients for small calls: STS, SQS, DynamoDB. The SDK's own limits are minutes long (300 s for DynamoDB, 900 s for SQS),
 * so a single dead connection would use up the whole invocation. The limit is `socketTimeout` and not `requestTimeout`, because the SDK
 * only logs a warning when `requestTimeout` has passed. Three attempts end within the time that every invocation reserves.
 */
export const CONTROL_CLIENT = {
  logger: SDK_LOGGER,
  maxAttempts: 3,
  requestHandler: {
    connectionTimeout: 2_000,
    socketTimeout: 4_000,
    // As many as a batch has messages at most (`stack.batchSize`), so that none waits for the answer to another.
    httpsAgent: { keepAlive: true, maxSockets: 100 },
  },
} as const;
