/**
 * An error that AWS documents. Services throw it, and the front door writes it in the protocol of the service. `fields` are additional
 * members of the error, such as S3's `<BucketName>`.
 */
export class AwsError extends Error {
  override readonly name = 'AwsError';
  readonly code: string;
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  /** The code of the error in the older query protocol, if it has another code there. SQS sends it in the header x-amzn-query-error. */
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

/** Returns the error for a feature of AWS that the local AWS lacks. Its status is 501, because SDKs do not retry after 501. */
export function notSupported(what: string): AwsError {
  return new AwsError('NotImplemented', `the local AWS does not support ${what}`, { status: 501 });
}
