/** The whole local AWS, the types that its parts share, and options for clients of the AWS SDK. */
export { type LocalAws, type LocalAwsOptions, startLocalAws } from '../start/local-aws.ts';
export { type ClientConfig, clientConfig } from '../start/client-config.ts';
export { type AdjustableClock, createClock } from '../core/clock.ts';
export type { Caller, Credentials, PolicyDocument } from '../core/access.ts';
export type { Fault } from '../core/fault.ts';
export type { AwsRequest } from '../core/request.ts';
export type { LogLine } from '../lambda/log-sink.ts';
