import type { Authorizer } from '../../core/access.ts';
import type { AwsService } from '../../core/request.ts';
import { AwsError, notSupported } from '../../front/aws-error.ts';
import { writeQueryResult } from '../../front/protocol.ts';
import { readQueryInput } from '../../front/query-input.ts';
import { queryXml } from '../../front/query-xml.ts';
import type { S3Service } from '../../s3/service.ts';
import type { CloudFormation } from '../cloudformation.ts';
import { StackError } from '../stack.ts';
import { TemplateError } from '../template.ts';
import type { ChangeSets, Operation } from './call.ts';
import { changeSetOperations } from './change-sets.ts';
import { stackDescriptions } from './stack-descriptions.ts';
import { stackOperations } from './stack-operations.ts';

const OPERATIONS: Record<string, Operation> = {
  ...changeSetOperations,
  ...stackDescriptions,
  ...stackOperations,
};

/**
 * The query API of the local CloudFormation. Each call requires the permission for its operation. Templates and code in S3 are read with
 * the caller's permissions.
 * Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html
 */
export const createCloudFormationApi = (services: {
  cloudformation: CloudFormation;
  authorizer: Authorizer;
  objects: Pick<S3Service, 'readObject'>;
}): AwsService => {
  const changeSets: ChangeSets = new Map();
  return {
    handle: async (request, response) => {
      const input = await readQueryInput(request);
      const { action } = input;
      const operation = OPERATIONS[action];
      if (!operation) throw notSupported(`cloudformation:${action}`);
      input.refuseOthers('cloudformation', operation.known);
      const { caller, region, requestId } = request;
      if (caller.kind === 'anonymous' || caller.kind === 'service') throw unauthenticated();
      const { accountId } = caller;
      const call = { ...services, changeSets, request, input, accountId, region };
      const output = await Promise.resolve()
        .then(() => operation.run(call))
        .catch(rethrow);
      writeQueryResult(response, { action, xmlns: XMLNS, content: queryXml(output), requestId });
    },
  };
};

const XMLNS = 'http://cloudformation.amazonaws.com/doc/2010-05-15/';

const unauthenticated = (): AwsError =>
  new AwsError('MissingAuthenticationToken', 'Request is missing Authentication Token', { status: 403 });

const rethrow = (error: unknown): never => {
  if (error instanceof TemplateError || error instanceof StackError) {
    throw new AwsError('ValidationError', error.message);
  }
  throw error;
};
