/** Returns the endpoint of S3 that the environment names; null: AWS. An empty variable counts as unset, as it does for the SDK. */
export const environmentEndpoint = (): string | null =>
  process.env['AWS_ENDPOINT_URL_S3'] || process.env['AWS_ENDPOINT_URL'] || null;

/**
 * Returns true if the bucket must be named in the path of the URL and not in the host name. That is the case for every endpoint other than
 * AWS, because only AWS has DNS entries for bucket names.
 */
export const forcePathStyle = (): boolean => environmentEndpoint() !== null;

/** Returns true for an endpoint of AWS itself, such as one of a VPC. */
export const isOfAws = (endpoint: string): boolean =>
  /\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|api\.aws)$/.test(new URL(endpoint).hostname);
