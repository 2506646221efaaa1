/** The queue of ranges: slices of transfers' parts. */
import type { SQSClient } from '@aws-sdk/client-sqs';
import { asciiJson } from '../../hint/hint.ts';
import type { TransferQueue } from '../../copy/transfer/transfer.ts';
import { messagesIn, sendBodies } from './send-bodies.ts';

export const createTransferQueue = (client: SQSClient, queueUrl: string): TransferQueue => ({
  send: (messages) => sendBodies(client, queueUrl, messages.map(asciiJson)),
  waiting: () => messagesIn(client, queueUrl, 'transfer'),
});
