/** Only the local SQS, and the messages of its queues. */
export type { MessageStore } from '../sqs/message-store.ts';
export { createSqs, type Sqs } from '../sqs/sqs.ts';
