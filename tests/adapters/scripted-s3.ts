/** The adapters, with an S3 whose responses each test sets. */
import { type ScriptedAws, startScriptedAws } from '../model/scripted-aws.ts';
import { testDestination, testRule } from '../model/settings.ts';

/** The scripted server. {@link startScript} sets this variable. */
export let aws: ScriptedAws;

export const startScript = async (): Promise<void> => {
  aws = await startScriptedAws();
};

export const stopScript = async (): Promise<void> => {
  await aws[Symbol.asyncDispose]();
};

export const forgetRequests = (): void => {
  aws.seen.length = 0;
};

export const source = () => aws.buckets.source(testRule());
export const destination = () => aws.buckets.destination(testDestination());

/** Returns the requests so far, except requests to STS. */
export const s3Requests = () => aws.seen.filter(({ headers }) => !headers.authorization?.includes('/sts/'));
