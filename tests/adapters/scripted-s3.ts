/** The adapters, with an S3 that answers as each test says. */
import { type ScriptedAws, startScriptedAws } from '../model/scripted-aws.ts';
import { testDestination, testRule } from '../model/settings.ts';

/** Set by {@link startScript}. */
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

/** The requests so far, except those to STS. */
export const s3Requests = () => aws.seen.filter(({ headers }) => !headers.authorization?.includes('/sts/'));
