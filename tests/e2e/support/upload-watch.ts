/** Finds multipart uploads that a function left open although it could have aborted them. */
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import type { AwsRequest, Fault } from '@s3-replicator/local-aws';
import { environmentIdOf } from '@s3-replicator/local-aws/lambda';
import { bucketOf, keyOf, operationOf } from './operations.ts';
import type { Stage } from './stages/stage.ts';

export interface UploadWatch {
  /** Receives every request, together with the fault that is injected into it. */
  see(request: AwsRequest, fault: Fault | undefined): void;
  /**
   * Returns the `bucket/key` of each open upload that a function should have aborted. Uploads that no function could abort are left
   * out.
   */
  forgotten(): Promise<string[]>;
}

interface Begun {
  /** The SDK's id of the call, which is the same for each attempt. */
  call: string;
  place: string;
  environment: string | null;
  answerIsLost: boolean;
  failed: boolean;
}

/**
 * A function cannot abort an upload if it never received the upload's id because the response was lost, if the abort failed, or if
 * the function itself was killed. The lifecycle rule in destination/template.yml aborts these uploads (docs/limits.md).
 */
export const watchUploads = (stage: Stage): UploadWatch => {
  const begun: Begun[] = [];
  const known = new Map<string, { environment: string | null; abortFailed: boolean }>();

  const isDead = (environment: string | null): boolean =>
    stage.aws.lambda
      .usage(stage.names.replicateFunction)
      .latest.some(
        ({ environmentId, cause }) =>
          environmentId === environment && (cause === 'exited' || cause === 'timed-out'),
      );

  return {
    see(request, fault) {
      if (request.service !== 's3') return;
      const operation = operationOf(request);
      const environment = environmentIdOf(request.headers['user-agent']);
      const uploadId = new URLSearchParams(request.query).get('uploadId');
      if (operation === 's3:CreateMultipartUpload') {
        const call = String(request.headers['amz-sdk-invocation-id']);
        // The SDK repeats a call whose response was late. On a busy machine, responses may be late without an injected fault.
        const before = begun.findLast((each) => each.call === call);
        if (before !== undefined && !before.failed) before.answerIsLost = true;
        begun.push({
          call,
          place: `${bucketOf(request)}/${keyOf(request)}`,
          environment,
          answerIsLost: fault?.kind === 'reset-after',
          failed: fault !== undefined,
        });
      } else if (uploadId !== null) {
        const failed = operation === 's3:AbortMultipartUpload' && fault !== undefined;
        const before = known.get(uploadId)?.abortFailed ?? false;
        known.set(uploadId, { environment, abortFailed: before || failed });
      }
    },
    async forgotten() {
      const open = await openUploads(stage);
      const unheardOf = open.filter(({ id }) => !known.has(id));
      // Each lost response or dead function explains only one open upload.
      const excuses = begun.filter(({ environment, answerIsLost }) => answerIsLost || isDead(environment));
      const unexcused = unheardOf.filter(({ place }) => {
        const at = excuses.findIndex((excuse) => excuse.place === place);
        if (at >= 0) excuses.splice(at, 1);
        return at < 0;
      });
      const abandoned = open.filter(({ id }) => {
        const upload = known.get(id);
        return upload !== undefined && !upload.abortFailed && !isDead(upload.environment);
      });
      return [...unexcused, ...abandoned].map(({ place }) => place);
    },
  };
};

const openUploads = async (stage: Stage): Promise<{ id: string; place: string }[]> => {
  const destinations = stage.configuration.replication.rules.flatMap((rule) => rule.destinations);
  const regions = new Map(destinations.map(({ bucket, region }) => [bucket, region]));
  const open = [...regions].map(async ([bucket, region]) => {
    const { Uploads: uploads = [] } = await stage.destination
      .s3(region)
      .send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    return uploads.map(({ UploadId: id = '', Key: key }) => ({ id, place: `${bucket}/${key}` }));
  });
  return (await Promise.all(open)).flat();
};
