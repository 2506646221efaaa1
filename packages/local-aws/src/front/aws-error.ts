/**
 * An error that AWS documents. Services throw it, and the front door writes it in the service's own protocol. `fields` are
 * further members of the error, such as S3's `<BucketName>`.
 */
export class AwsError extends Error {
  override readonly name = 'AwsError';
  readonly code: string;
  readonly status: number;
  readonly fields: Readonly<Record<string, string>>;
  /** The code in the older query protocol, if it differs (SQS sends it as x-amzn-query-error). */
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

/** An operation that AWS has and the local AWS does not. Status 501, which no SDK retries. */
export function notSupported(what: string): AwsError {
  return new AwsError('NotImplemented', `the local AWS does not support ${what}`, { status: 501 });
}
