/** The way from S3, EventBridge and SNS into a queue. */
export interface QueueSender {
  /**
   * Sends a message as an AWS service, if the queue policy allows it for aws:SourceArn and aws:SourceAccount.
   * Returns `denied` when the policy refuses, `no-such-queue` when no queue has that ARN.
   */
  sendAsService(message: {
    queueArn: string;
    body: string;
    /** The message attributes, as in SQS. SNS passes on those of a raw message. */
    attributes?: ReadonlyMap<string, { DataType: string; StringValue?: string; BinaryValue?: string }>;
    service: string;
    sourceArn: string;
    sourceAccount: string;
  }): 'sent' | 'denied' | 'no-such-queue';
  /** Whether {@link sendAsService} would be allowed. S3 checks this when a notification configuration is put. */
  maySend(message: {
    queueArn: string;
    service: string;
    sourceArn: string;
    sourceAccount: string;
  }): 'allowed' | 'denied' | 'no-such-queue';
}

/** The default event bus of an account and region. */
export interface EventBus {
  putEvent(event: {
    accountId: string;
    region: string;
    source: string;
    detailType: string;
    resources: string[];
    detail: Record<string, unknown>;
  }): void;
}
