import { Agent } from 'node:https';
import type { LocalAws } from './local-aws.ts';
import type { Credentials } from '../core/access.ts';

/** Options for any client of the AWS SDK for JavaScript. */
export interface ClientConfig {
  region: string;
  endpoint: string;
  credentials: Credentials;
  /** True because the local S3 uses the same host name for all buckets. */
  forcePathStyle: true;
  requestHandler: { httpsAgent: Agent } | Record<string, never>;
}

/** Returns options for clients that use this local AWS with `credentials`. They use HTTPS unless `tls` is false. */
export const clientConfig = (
  aws: Pick<LocalAws, 'endpoint' | 'httpEndpoint' | 'caPem' | 'region'>,
  credentials: Credentials,
  { tls = true, region = aws.region }: { tls?: boolean; region?: string } = {},
): ClientConfig => ({
  region,
  endpoint: tls ? aws.endpoint : aws.httpEndpoint,
  credentials,
  forcePathStyle: true,
  requestHandler: tls ? { httpsAgent: new Agent({ ca: aws.caPem, keepAlive: true, maxSockets: 50 }) } : {},
});
