/** Lambda's functions, their mappings and the account's concurrency. */
import {
  GetAccountSettingsCommand,
  GetEventSourceMappingCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  GetFunctionRecursionConfigCommand,
  GetPolicyCommand,
  LambdaClient,
} from '@aws-sdk/client-lambda';
import { CONTROL_CLIENT } from '../control-client.ts';
import { ask, type Asked, type AskedPlace, askOnce } from './asked.ts';

export interface FunctionState {
  state: string;
  lastUpdateStatus: string;
  role: string;
  timeoutSeconds: number;
  variables: Readonly<Record<string, string>>;
}

export interface MappingState {
  state: string;
  batchSize: number;
  batchWindowSeconds: number;
  maximumConcurrency: number | null;
  reportsFailures: boolean;
}

export interface FunctionSettings {
  state(name: string): Promise<Asked<FunctionState>>;
  /** The reserved concurrency of a function; null: nothing is reserved, and the function shares the account's concurrency. */
  reservedConcurrency(name: string): Promise<Asked<number | null>>;
  recursiveLoop(name: string): Promise<Asked<string>>;
  /** The policy of the function as text. */
  policy(name: string): Promise<Asked<string>>;
  mapping(uuid: string): Promise<Asked<MappingState>>;
  /** The concurrency that the account's functions without a reservation share. */
  accountConcurrency(): Promise<Asked<number>>;
}

export const createFunctionSettings = (place: AskedPlace): FunctionSettings => {
  const client = new LambdaClient({ ...place, ...CONTROL_CLIENT });
  return {
    state: askOnce((name: string) =>
      ask('lambda:GetFunctionConfiguration', async () => {
        const found = await client.send(new GetFunctionConfigurationCommand({ FunctionName: name }));
        return {
          state: found.State ?? '',
          lastUpdateStatus: found.LastUpdateStatus ?? '',
          role: found.Role ?? '',
          timeoutSeconds: found.Timeout ?? 0,
          variables: found.Environment?.Variables ?? {},
        };
      }),
    ),
    reservedConcurrency: askOnce((name: string) =>
      ask('lambda:GetFunctionConcurrency', async () => {
        const command = new GetFunctionConcurrencyCommand({ FunctionName: name });
        return (await client.send(command)).ReservedConcurrentExecutions ?? null;
      }),
    ),
    recursiveLoop: askOnce((name: string) =>
      ask('lambda:GetFunctionRecursionConfig', async () => {
        const command = new GetFunctionRecursionConfigCommand({ FunctionName: name });
        return (await client.send(command)).RecursiveLoop ?? 'Terminate';
      }),
    ),
    policy: askOnce((name: string) =>
      ask('lambda:GetPolicy', async () => {
        const { Policy: text = '' } = await client.send(new GetPolicyCommand({ FunctionName: name }));
        return text;
      }),
    ),
    mapping: askOnce((uuid: string) =>
      ask('lambda:GetEventSourceMapping', async () => {
        const found = await client.send(new GetEventSourceMappingCommand({ UUID: uuid }));
        return {
          state: found.State ?? '',
          batchSize: found.BatchSize ?? 0,
          batchWindowSeconds: found.MaximumBatchingWindowInSeconds ?? 0,
          maximumConcurrency: found.ScalingConfig?.MaximumConcurrency ?? null,
          reportsFailures: found.FunctionResponseTypes?.includes('ReportBatchItemFailures') ?? false,
        };
      }),
    ),
    accountConcurrency: askOnce(() =>
      ask('lambda:GetAccountSettings', async () => {
        const { AccountLimit: limit } = await client.send(new GetAccountSettingsCommand({}));
        return limit?.UnreservedConcurrentExecutions ?? limit?.ConcurrentExecutions ?? 0;
      }),
    ),
  };
};
