/** Whether buckets are named in the path of a URL: bucket names in host names work only where DNS knows them, which is at AWS. */
export const forcePathStyle = (): boolean =>
  Boolean(process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL']);
