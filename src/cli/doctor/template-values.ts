/** Calculates the values of a deployed template. Only the intrinsic functions that our own template uses are supported. */
import { partitionOfRegion } from '../../lib/configuration/aws-syntax.ts';
import { isRecord, parsedJson } from '../../lib/model/json.ts';
import type { StackResource } from '../../lib/aws/settings/stack-settings.ts';

export interface TemplateResource {
  logicalId: string;
  physicalId: string;
  type: string;
  /** The properties with all values filled in. A value that cannot be known from here is {@link UNKNOWN}. */
  properties: Readonly<Record<string, unknown>>;
}

/** Represents a value that only CloudFormation knows. */
export const UNKNOWN = '<unknown>';

export interface Place {
  account: string;
  region: string;
  stack: string;
}

/** Returns the resources of a template; null if the text is no JSON template. */
export const templateResources = (
  text: string,
  resources: readonly StackResource[],
  place: Place,
): TemplateResource[] | null => {
  const template = parsedJson(text);
  if (!isRecord(template) || !isRecord(template['Resources'])) return null;
  const byId = new Map(resources.map((one) => [one.logicalId, one]));
  const paths = pathsOfRoles(template['Resources']);
  const fill = filler(byId, place, (logicalId) => paths.get(logicalId) ?? '/');
  return Object.entries(template['Resources']).flatMap(([logicalId, resource]) => {
    const physicalId = byId.get(logicalId)?.physicalId;
    if (!isRecord(resource) || physicalId === undefined) return [];
    const properties = fill(resource['Properties'] ?? {});
    const type = String(resource['Type']);
    return isRecord(properties) ? [{ logicalId, physicalId, type, properties }] : [];
  });
};

/** The path of a role is a part of its ARN, and not of its physical id. */
const pathsOfRoles = (resources: Record<string, unknown>): Map<string, string> =>
  new Map(
    Object.entries(resources).flatMap(([logicalId, resource]) => {
      const properties = isRecord(resource) ? resource['Properties'] : null;
      const path = isRecord(properties) ? properties['Path'] : null;
      return typeof path === 'string' ? [[logicalId, path] as const] : [];
    }),
  );

const filler = (
  byId: ReadonlyMap<string, StackResource>,
  place: Place,
  pathOf: (logicalId: string) => string,
) => {
  const reference = (name: string): string =>
    pseudoParameters(place)[name] ?? byId.get(name)?.physicalId ?? UNKNOWN;
  const attribute = (logicalId: string, name: string): string => {
    const resource = byId.get(logicalId);
    if (resource === undefined) return UNKNOWN;
    if (name === 'Arn') return arnOf(resource, place, pathOf(logicalId));
    return name === 'QueueName' ? (resource.physicalId.split('/').at(-1) ?? '') : UNKNOWN;
  };
  const fill = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(fill);
    if (!isRecord(value)) return value;
    const { Ref: name, 'Fn::GetAtt': got, 'Fn::Sub': text, 'Fn::Join': joined } = value;
    if (typeof name === 'string') return reference(name);
    if (Array.isArray(got)) return attribute(String(got[0]), String(got[1]));
    if (typeof text === 'string') return substitute(text, reference, attribute);
    if (Array.isArray(joined)) return [joined[1]].flat().map(fill).join(String(joined[0]));
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, fill(one)]));
  };
  return fill;
};

const substitute = (
  text: string,
  reference: (name: string) => string,
  attribute: (logicalId: string, name: string) => string,
): string =>
  text.replace(/\$\{([^}]+)\}/g, (_, name: string) => {
    const dot = name.indexOf('.');
    return dot < 0 ? reference(name) : attribute(name.slice(0, dot), name.slice(dot + 1));
  });

const pseudoParameters = ({ account, region, stack }: Place): Record<string, string> => ({
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
