/** The fields that are read from any thrown value, such as an exception of the SDK or a socket error of Node. */
export interface AwsError {
  /** The error code. It comes from AWS, the SDK or Node. */
  code: string;
  /** The HTTP status; null if there was no response. */
  status: number | null;
  message: string;
  metadata: ErrorMetadata;
}

interface ErrorMetadata {
  httpStatusCode?: number;
  requestId?: string;
  /** True if the date of the response showed the SDK that our clock is wrong. From then on the SDK signs with a corrected clock. */
  clockSkewCorrected?: boolean;
}

export const readError = (error: unknown): AwsError => {
  const fields: ErrorFields = error instanceof Error ? error : { name: '', message: String(error) };
  const { name, message, code, $metadata: metadata = {} } = fields;
  const { httpStatusCode: status = null } = metadata;
  return { code: status === null && typeof code === 'string' ? code : name, status, message, metadata };
};

interface ErrorFields {
  name: string;
  message: string;
  code?: unknown;
  $metadata?: ErrorMetadata;
}
