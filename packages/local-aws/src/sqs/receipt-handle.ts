import { receiptHandleIsInvalid } from './sqs-errors.ts';

/** A receipt handle identifies one receipt of one message from one queue. */
export interface Receipt {
  queueArn: string;
  messageId: string;
  /** The message's receive count at that receipt. */
  receiveCount: number;
}

export function receiptHandleOf({ queueArn, messageId, receiveCount }: Receipt): string {
  return Buffer.from(`AQEB ${queueArn} ${messageId} ${receiveCount}`).toString('base64');
}

/** Throws ReceiptHandleIsInvalid for text that is not a receipt handle of this queue. */
export function parseReceiptHandle(handle: string, queueArn: string): Receipt {
  const [mark, arn, messageId, receiveCount] = Buffer.from(handle, 'base64').toString().split(' ');
  if (mark !== 'AQEB' || arn !== queueArn || messageId === undefined) throw receiptHandleIsInvalid();
  return { queueArn: arn, messageId, receiveCount: Number(receiveCount) };
}
