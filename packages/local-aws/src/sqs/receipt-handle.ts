import { receiptHandleIsInvalid } from './sqs-errors.ts';

/** The content of a receipt handle, which identifies one receipt of a message. */
export interface Receipt {
  queueArn: string;
  messageId: string;
  /** How many times the message had been received, including this receipt. */
  receiveCount: number;
}

export function receiptHandleOf({ queueArn, messageId, receiveCount }: Receipt): string {
  return Buffer.from(`AQEB ${queueArn} ${messageId} ${receiveCount}`).toString('base64');
}

/** Parses a receipt handle. Throws ReceiptHandleIsInvalid unless it belongs to this queue. */
export function parseReceiptHandle(handle: string, queueArn: string): Receipt {
  const [mark, arn, messageId, receiveCount] = Buffer.from(handle, 'base64').toString().split(' ');
  if (mark !== 'AQEB' || arn !== queueArn || messageId === undefined) throw receiptHandleIsInvalid();
  return { queueArn: arn, messageId, receiveCount: Number(receiveCount) };
}
