/** Sends messages of S3, EventBridge and SNS to queues. */
export interface QueueSender {
  /**
   * Sends a message as an AWS service. The queue policy must allow the message with the given aws:SourceArn and aws:SourceAccount.
   * Returns `denied` if the policy does not allow the message, and `no-such-queue` if no queue has the ARN.
   */
  sendAsService(message: {
    queueArn: string;
    body: string;
    /** The message attributes, in the form of SQS. SNS sets them for raw message delivery. */
    attributes?: ReadonlyMap<string, { DataType: string; StringValue?: string; BinaryValue?: string }>;
    service: string;
    sourceArn: string;
    sourceAccount: string;
  }): 'sent' | 'denied' | 'no-such-queue';
  /** Returns whether {@link sendAsService} would be allowed. S3 checks this before it stores a notification configuration. */
  maySend(message: {
    queueArn: string;
    service: string;
    sourceArn: string;
    sourceAccount: string;
  }): 'allowed' | 'denied' | 'no-such-queue';
}

/** The default event bus of an account and region. */
export interface EventBus {
  /** Sends an event to the bus and returns the event's id. */
  putEvent(event: {
    accountId: string;
    region: string;
    source: string;
    detailType: string;
    resources: string[];
    detail: Record<string, unknown>;
  }): string;
}
