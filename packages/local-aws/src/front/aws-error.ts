/**
 * An error that AWS documents. Services throw such errors, and the front door writes them in the protocol of the service. `fields` are
 * additional members of the error, such as S3's `<BucketName>`.
 */
export class AwsError extends Error {
  override readonly name = 'AwsError';
  readonly code: string;
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  /** The code in the older query protocol, if it differs. SQS sends this code in the header x-amzn-query-error. */
  readonly queryCode: string | undefined;

  constructor(
    code: string,
    message: string,
    options: { status?: number; fields?: Record<string, string>; queryCode?: string } = {},
  ) {
    super(message);
    this.code = code;
    this.status = options.status ?? 400;
    this.fields = options.fields ?? {};
    this.queryCode = options.queryCode;
  }
}

/** The error for a feature that AWS has but the local AWS does not. Its status is 501, because SDKs do not retry after 501. */
export function notSupported(what: string): AwsError {
  return new AwsError('NotImplemented', `the local AWS does not support ${what}`, { status: 501 });
}
