import type { ServerResponse } from 'node:http';
import type { Authorizer } from '../core/access.ts';
import { requestKeys, type AwsRequest } from '../core/request.ts';
import { notSupported } from '../front/aws-error.ts';
import { writeJson } from '../front/protocol.ts';
import { accessDeniedMessage } from '../iam/authorizer.ts';
import { lambdaError } from './lambda-error.ts';
import type { LambdaFunction } from './lambda-function.ts';

export const ACCOUNT_SETTINGS_PATH = '/2016-08-19/account-settings';

/**
 * Handles GetAccountSettings: the limits of the caller's account in this region, and how much of each limit is used or reserved.
 * Source: https://docs.aws.amazon.com/lambda/latest/api/API_GetAccountSettings.html
 */
export const handleAccountRequest = async (
  { functions, limit, iam }: { functions: LambdaFunction[]; limit: number; iam: Authorizer },
  request: AwsRequest,
  response: ServerResponse,
): Promise<void> => {
  if (request.method !== 'GET') throw notSupported(`${request.method} ${request.path} of Lambda`);
  const accountId = 'accountId' in request.caller ? request.caller.accountId : '';
  const question = {
    caller: request.caller,
    action: 'lambda:GetAccountSettings',
    resource: '*',
    resourceAccountId: accountId,
    secureTransport: request.secureTransport,
    context: requestKeys(request),
  };
  const decision = iam.decide(question);
  if (!decision.allowed)
    throw lambdaError('AccessDeniedException', accessDeniedMessage(question, decision.reason));
  const own = functions.filter((found) => found.configuration().accountId === accountId);
  const reserved = own.reduce((sum, found) => sum + (found.configuration().reservedConcurrency ?? 0), 0);
  const codeBytes = own.reduce((sum, found) => sum + found.codeSizeBytes(), 0);
  const answer = {
    AccountLimit: {
      CodeSizeUnzipped: 262_144_000,
      CodeSizeZipped: 52_428_800,
      TotalCodeSize: 80_530_636_800,
      ConcurrentExecutions: limit,
      UnreservedConcurrentExecutions: Math.max(0, limit - reserved),
    },
    AccountUsage: { FunctionCount: own.length, TotalCodeSize: codeBytes },
  };
  writeJson(response, answer, 'application/json');
};
