/** SQS alone, and what its queues hold. */
export type { MessageStore } from '../sqs/message-store.ts';
export { createSqs, type Sqs } from '../sqs/sqs.ts';
