/** Invokes the batch function as S3 Batch Operations would, and checks the permissions that a real job would need. */
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { SOURCE_ACCOUNT } from '../../../../demo/two-accounts.ts';
import type { Caller } from '@s3-replicator/local-aws';
import { missing, upload, where } from './event-battery.ts';
import { PERMISSION_SECONDS, REGION, type Stage } from '../stages/stage.ts';

export interface JobObservation {
  /** Names of objects that were not replicated. */
  missing: string[];
  /** `<object>: <result code>: <reason>` for each task that did not succeed. */
  failed: string[];
  /** Whether log lines reach CloudWatch. */
  logged: boolean;
}

/** The observation of a complete deployment. */
export const JOBS_ARE_WELL: JobObservation = { missing: [], failed: [], logged: true };

/** Runs a job over one object of each kind. The keys contain `run`. */
export const jobBattery = async (stage: Stage, run: string): Promise<JobObservation> => {
  const firstLine = stage.logs.length;
  const names = await upload(stage, run, false);
  const { Bucket, Key } = where(run, 'deleted');
  await stage.source.s3().send(new DeleteObjectCommand({ Bucket, Key }));
  const batch = stage.aws.lambda.function(stage.names.batchFunction);
  // The function logs nothing about a malformed event, but Lambda logs the failure.
  await batch.run('"malformed"');
  const tasks = [...names, 'gone'].map((name) => {
    const { Bucket: s3Bucket, Key: key } = where(run, name);
    return { taskId: name, s3Bucket, s3Key: encodeURIComponent(key), s3VersionId: null };
  });
  const event = { invocationSchemaVersion: '2.0', invocationId: run, job: { id: run }, tasks };
  const attempt = async (): Promise<Result[]> => {
    const answer = await batch.run(JSON.stringify(event));
    const { results }: { results: Result[] } = JSON.parse(answer.payload);
    return results;
  };
  let results = await attempt();
  if (results.some(({ resultCode }) => resultCode === 'TemporaryFailure')) {
    // S3 repeats such tasks. A permission may have been granted in the meantime.
    stage.aws.clock.advance(PERMISSION_SECONDS * 1_000);
    results = await attempt();
  }
  return {
    missing: await missing(stage, run, names),
    failed: results
      .filter(({ resultCode, resultString }) => resultCode !== 'Succeeded' && !resultString.endsWith(GONE))
      .map(({ taskId, resultCode, resultString }) => `${taskId}: ${resultCode}: ${reasonIn(resultString)}`)
      .toSorted(),
    logged: stage.logs.slice(firstLine).every(({ delivered }) => delivered),
  };
};

const GONE = 'the object is not in the source bucket';

/** The text of a failure is `<destination>: <reason>: <message>`. */
const reasonIn = (resultString: string): string => resultString.split(': ')[1] ?? resultString;

interface Result {
  taskId: string;
  resultCode: string;
  resultString: string;
}

/**
 * Returns the actions of a job that IAM would refuse. The local AWS has no S3 Batch Operations, so its IAM evaluates each request
 * that the service would send. The service assumes the job's role, reads the manifest (with or without a version id), invokes
 * the function, and writes the report.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/batch-ops-invoke-lambda.html
 */
export const refusedToJobs = ({ aws, names }: Stage): string[] => {
  const roleArn = `arn:aws:iam::${SOURCE_ACCOUNT}:role/${names.batchJobRole}`;
  const job = aws.iam.createSession(roleArn, 'job', 900).caller;
  const service: Caller = {
    kind: 'service',
    service: 'batchoperations.s3.amazonaws.com',
    sourceArn: `arn:aws:s3:${REGION}:${SOURCE_ACCOUNT}:job/1`,
    sourceAccount: SOURCE_ACCOUNT,
  };
  const reports = 'arn:aws:s3:::reports/replication';
  const calls = [
    {
      caller: service,
      action: 'sts:AssumeRole',
      resource: roleArn,
      resourcePolicy: aws.iam.role(roleArn)?.assumeRolePolicy,
    },
    { caller: job, action: 's3:GetObject', resource: `${reports}/manifest.csv` },
    { caller: job, action: 's3:GetObjectVersion', resource: `${reports}/manifest.csv` },
    {
      caller: job,
      action: 'lambda:InvokeFunction',
      resource: `arn:aws:lambda:${REGION}:${SOURCE_ACCOUNT}:function:${names.batchFunction}`,
    },
    { caller: job, action: 's3:PutObject', resource: `${reports}/job-1/results/1.csv` },
  ];
  return calls
    .filter(
      (call) =>
        !aws.iam.decide({ resourceAccountId: SOURCE_ACCOUNT, secureTransport: true, ...call }).allowed,
    )
    .map(({ action }) => action);
};
