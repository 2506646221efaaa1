/** The fields that the SDK's exceptions, Node's socket errors and anything else have in common. */
export interface AwsError {
  /** The error code of AWS, of the SDK or of Node, whichever there is. */
  code: string;
  /** The HTTP status; null when there was no answer. */
  status: number | null;
  message: string;
  metadata: ErrorMetadata;
}

interface ErrorMetadata {
  httpStatusCode?: number;
  requestId?: string;
  /** The SDK found from the date of the answer that our clock is wrong, and signs with a corrected clock from now on. */
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
