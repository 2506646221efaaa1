import { requestKeys, type AwsService } from '../core/request.ts';
import { AwsError, notSupported } from '../front/aws-error.ts';
import { readBody } from '../front/read-body.ts';
import { accessDeniedMessage } from '../iam/authorizer.ts';
import type { Iam } from '../iam/iam.ts';

/**
 * A registry without repositories. `serverless remove` asks it whether the service has a repository.
 * Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeRepositories.html
 */
export const createEcr = ({ iam }: { iam: Iam }): AwsService => ({
  handle: async (request) => {
    const target = String(request.headers['x-amz-target']);
    if (!target.endsWith('.DescribeRepositories')) throw notSupported(`ECR's ${target}`);
    const input: { repositoryNames?: string[]; registryId?: string } = JSON.parse(
      (await readBody(request.body, 1024 * 1024)).toString(),
    );
    const accountId = 'accountId' in request.caller ? request.caller.accountId : '';
    const { repositoryNames: [name] = [], registryId = accountId } = input;
    if (name === undefined) throw notSupported('lists of ECR repositories');
    const question = {
      caller: request.caller,
      action: 'ecr:DescribeRepositories',
      resource: `arn:aws:ecr:${request.region}:${registryId}:repository/${name}`,
      resourceAccountId: registryId,
      secureTransport: request.secureTransport,
      context: requestKeys(request),
    };
    const decision = iam.decide(question);
    if (!decision.allowed) {
      throw new AwsError('AccessDeniedException', accessDeniedMessage(question, decision.reason));
    }
    throw new AwsError(
      'RepositoryNotFoundException',
      `The repository with name '${name}' does not exist in the registry with id '${registryId}'`,
    );
  },
});
