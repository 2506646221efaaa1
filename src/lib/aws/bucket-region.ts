/**
 * Returns the region that S3 names after a request reached the wrong region, or null for any other error. S3 names the region
 * even to callers without permissions. https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadBucket.html
 */
export const regionInAnswer = (error: unknown): string | null => {
  const response: unknown = error instanceof Error ? Reflect.get(error, '$response') : null;
  if (typeof response !== 'object' || response === null) return null;
  if (!MOVED.has(Number(Reflect.get(response, 'statusCode')))) return null;
  const headers: unknown = Reflect.get(response, 'headers');
  const region: unknown =
    typeof headers === 'object' && headers !== null ? Reflect.get(headers, 'x-amz-bucket-region') : null;
  return typeof region === 'string' ? region : null;
};

/** S3 answers a request that was signed for another region with 400, and any other request with a redirect. */
const MOVED: ReadonlySet<number> = new Set([301, 307, 400]);
