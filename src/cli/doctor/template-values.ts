/** Calculates the values of a deployed template. */
import { partitionOfRegion } from '../../lib/configuration/aws-syntax.ts';
import { parseTemplateText } from '../../lib/configuration/template-text.ts';
import { isRecord } from '../../lib/model/json.ts';
import type { StackResource } from '../../lib/aws/settings/stack-settings.ts';
import { filler, NO_VALUE } from './intrinsics.ts';

export interface TemplateResource {
  logicalId: string;
  physicalId: string;
  type: string;
  /** The properties with all values filled in. {@link UNKNOWN} stands for a value that doctor cannot know. */
  properties: Readonly<Record<string, unknown>>;
}

/** Represents a value that only CloudFormation knows. */
export const UNKNOWN = '<unknown>';

export interface Place {
  account: string;
  region: string;
  stack: string;
  parameters: Readonly<Record<string, string>>;
}

/** Returns the resources of a template, or null if the text is not a template. */
export const templateResources = (
  text: string,
  resources: readonly StackResource[],
  place: Place,
): TemplateResource[] | null => {
  const template = parseTemplateText(text);
  if (template === null || !isRecord(template['Resources'])) return null;
  const byId = new Map(resources.map((one) => [one.logicalId, one]));
  const paths = new Map<string, string>();
  const parameters = parametersOf(template['Parameters'], place);
  const fill = filler({
    reference: (name) =>
      pseudoParameters(place)[name] ?? parameters[name] ?? byId.get(name)?.physicalId ?? UNKNOWN,
    attribute(logicalId, name) {
      const resource = byId.get(logicalId);
      if (resource === undefined) return UNKNOWN;
      if (name === 'Arn') return arnOf(resource, place, paths.get(logicalId) ?? '/');
      return name === 'QueueName' ? (resource.physicalId.split('/').at(-1) ?? '') : UNKNOWN;
    },
    conditions: isRecord(template['Conditions']) ? template['Conditions'] : {},
  });
  // The path of a role is a part of its ARN, and not of its physical id.
  for (const [logicalId, resource] of Object.entries(template['Resources'])) {
    const properties = isRecord(resource) ? resource['Properties'] : null;
    const path = fill(isRecord(properties) ? properties['Path'] : null);
    if (typeof path === 'string') paths.set(logicalId, path);
  }
  return Object.entries(template['Resources']).flatMap(([logicalId, resource]) => {
    const physicalId = byId.get(logicalId)?.physicalId;
    if (!isRecord(resource) || physicalId === undefined) return [];
    const properties = fill(resource['Properties'] ?? {});
    const type = String(resource['Type']);
    return isRecord(properties) ? [{ logicalId, physicalId, type, properties }] : [];
  });
};

/** The values of the parameters. A parameter that the stack does not name has its default. */
const parametersOf = (declared: unknown, { parameters }: Place): Record<string, string | string[]> =>
  Object.fromEntries(
    Object.entries(isRecord(declared) ? declared : {}).map(([name, declaration]) => {
      const { Type: type, Default: byDefault = '' } = isRecord(declaration) ? declaration : {};
      const value = parameters[name] ?? String(byDefault);
      return [name, type === 'CommaDelimitedList' ? value.split(',').map((one) => one.trim()) : value];
    }),
  );

const pseudoParameters = ({ account, region, stack }: Place): Record<string, string | symbol> => ({
  'AWS::NoValue': NO_VALUE,
  'AWS::AccountId': account,
  'AWS::Region': region,
  'AWS::Partition': partitionOfRegion(region),
  'AWS::StackName': stack,
  'AWS::URLSuffix': region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com',
});

const arnOf = ({ type, physicalId }: StackResource, { account, region }: Place, path: string): string => {
  const partition = partitionOfRegion(region);
  const regional = (service: string, rest: string): string =>
    `arn:${partition}:${service}:${region}:${account}:${rest}`;
  switch (type) {
    case 'AWS::IAM::Role':
      return `arn:${partition}:iam::${account}:role${path}${physicalId}`;
    case 'AWS::SQS::Queue':
      return regional('sqs', physicalId.split('/').at(-1) ?? '');
    case 'AWS::DynamoDB::Table':
      return regional('dynamodb', `table/${physicalId}`);
    case 'AWS::Logs::LogGroup':
      return regional('logs', `log-group:${physicalId}:*`);
    case 'AWS::Lambda::Function':
      return regional('lambda', `function:${physicalId}`);
    case 'AWS::Events::Rule':
      return regional('events', `rule/${physicalId}`);
    default:
      return UNKNOWN;
  }
};
