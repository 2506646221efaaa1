/** The deployed stack, as CloudFormation describes it. */
import {
  CloudFormationClient,
  DescribeStacksCommand,
  GetTemplateCommand,
  paginateDescribeStacks,
  paginateListStackResources,
  type Stack,
} from '@aws-sdk/client-cloudformation';
import { CONTROL_CLIENT } from '../control-client.ts';
import { readError } from '../read-error.ts';
import { ask, type Asked, type AskedPlace, askOnce } from './asked.ts';

export interface StackState {
  name: string;
  status: string;
  outputs: Readonly<Record<string, string>>;
  parameters: Readonly<Record<string, string>>;
}

export interface StackResource {
  logicalId: string;
  physicalId: string;
  type: string;
}

export interface StackSettings {
  state(stack: string): Promise<Asked<StackState>>;
  /** The stack of `destination/template.yml` that created the role. The stack may have any name. */
  ofRole(roleArn: string): Promise<Asked<StackState>>;
  resources(stack: string): Promise<Asked<StackResource[]>>;
  /** The text of the template, as it was deployed. */
  template(stack: string): Promise<Asked<string>>;
}

export const createStackSettings = (place: AskedPlace): StackSettings => {
  const client = new CloudFormationClient({ ...place, ...CONTROL_CLIENT });
  const existing = async <Value>(
    permission: string,
    send: () => Promise<Value | null>,
  ): Promise<Asked<Value>> => {
    const asked = await ask(permission, () => send().catch(withoutStack));
    if (asked.kind !== 'answer') return asked;
    return asked.value === null ? { kind: 'missing' } : { kind: 'answer', value: asked.value };
  };
  return {
    state: askOnce((stack: string) =>
      existing('cloudformation:DescribeStacks', async () => {
        const { Stacks: [found] = [] } = await client.send(new DescribeStacksCommand({ StackName: stack }));
        return stateOf(found);
      }),
    ),
    ofRole: askOnce((roleArn: string) =>
      existing('cloudformation:DescribeStacks', async () => {
        for await (const page of paginateDescribeStacks({ client }, {})) {
          const found = (page.Stacks ?? [])
            .map(stateOf)
            .find(({ outputs }) => outputs['RoleArn'] === roleArn);
          if (found !== undefined) return found;
        }
        return null;
      }),
    ),
    resources: askOnce((stack: string) =>
      existing('cloudformation:ListStackResources', async () => {
        const resources: StackResource[] = [];
        for await (const page of paginateListStackResources({ client }, { StackName: stack }))
          for (const one of page.StackResourceSummaries ?? [])
            resources.push({
              logicalId: one.LogicalResourceId ?? '',
              physicalId: one.PhysicalResourceId ?? '',
              type: one.ResourceType ?? '',
            });
        return resources;
      }),
    ),
    template: askOnce((stack: string) =>
      existing('cloudformation:GetTemplate', async () => {
        const command = new GetTemplateCommand({ StackName: stack, TemplateStage: 'Original' });
        return (await client.send(command)).TemplateBody ?? '';
      }),
    ),
  };
};

const stateOf = (found: Stack | undefined): StackState => ({
  name: found?.StackName ?? '',
  status: found?.StackStatus ?? '',
  outputs: record(found?.Outputs?.map((one) => [one.OutputKey, one.OutputValue])),
  parameters: record(found?.Parameters?.map((one) => [one.ParameterKey, one.ParameterValue])),
});

/**
 * Returns null if the stack does not exist. CloudFormation reports that as a ValidationError. The requests in this file are
 * valid, so this error has no other cause.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html
 */
const withoutStack = (error: unknown): null => {
  if (readError(error).code === 'ValidationError') return null;
  throw error;
};

const record = (entries: [string | undefined, string | undefined][] = []): Record<string, string> =>
  Object.fromEntries(entries.map(([name = '', value = '']) => [name, value]));
