/** The whole local AWS, what its parts share, and clients for it. */
export { type LocalAws, type LocalAwsOptions, startLocalAws } from '../aws.ts';
export { type ClientConfig, clientConfig } from '../client-config.ts';
export { type AdjustableClock, createClock } from '../clock.ts';
export type { AwsRequest, Caller, Credentials, Fault, PolicyDocument } from '../core.ts';
export type { LogLine } from '../lambda/log-sink.ts';
