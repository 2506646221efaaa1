/** How S3 and EventBridge reach a queue. */
export interface QueueSender {
  /**
   * Sends as an AWS service. Judged by the queue policy with aws:SourceArn and aws:SourceAccount.
   * `denied` when the policy refuses, `no-such-queue` when there is none with that ARN.
   */
  sendAsService(message: {
    queueArn: string;
    body: string;
    /** Of the message, as SQS knows them; SNS hands over those of a raw message. */
    attributes?: ReadonlyMap<string, { DataType: string; StringValue?: string; BinaryValue?: string }>;
    service: string;
    sourceArn: string;
    sourceAccount: string;
  }): 'sent' | 'denied' | 'no-such-queue';
  /** Would {@link sendAsService} be allowed? S3 checks this when a notification configuration is put. */
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
