import {
  Pair,
  parseDocument,
  Scalar,
  YAMLMap,
  type YAMLSeq,
  type CollectionTag,
  type ScalarTag,
  type Tags,
} from 'yaml';
import { z } from 'zod';

const name = z.string().regex(/^[a-zA-Z0-9]+$/);
const policy = z.enum(['Delete', 'Retain', 'RetainExceptOnCreate', 'Snapshot']);

const resource = z.strictObject({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DependsOn: z.union([z.string().transform((id) => [id]), z.array(z.string())]).default([]),
  Condition: z.string().optional(),
  DeletionPolicy: policy.optional(),
  UpdateReplacePolicy: policy.optional(),
  Metadata: z.unknown().optional(),
});
export type TemplateResource = z.infer<typeof resource>;

const parameter = z.strictObject({
  Type: z.enum(['String', 'Number', 'CommaDelimitedList', 'List<Number>']),
  Default: z.union([z.string(), z.number(), z.boolean()]).transform(String).optional(),
  AllowedValues: z.array(z.union([z.string(), z.number(), z.boolean()]).transform(String)).optional(),
  AllowedPattern: z.string().optional(),
  MinLength: z.coerce.number().optional(),
  MaxLength: z.coerce.number().optional(),
  MinValue: z.coerce.number().optional(),
  MaxValue: z.coerce.number().optional(),
  ConstraintDescription: z.string().optional(),
  Description: z.string().optional(),
  NoEcho: z.unknown().optional(),
});
export type TemplateParameter = z.infer<typeof parameter>;

const output = z.strictObject({
  Value: z.unknown(),
  Description: z.unknown().optional(),
  Condition: z.string().optional(),
  Export: z.strictObject({ Name: z.unknown() }).optional(),
});

/** The sections of a template. A section that the local CloudFormation does not support (Transform, Rules, Hooks) is an error. */
const template = z.strictObject({
  AWSTemplateFormatVersion: z.literal('2010-09-09').optional(),
  Description: z.string().optional(),
  Metadata: z.unknown().optional(),
  Parameters: z.record(name, parameter).default({}),
  Mappings: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown()))).default({}),
  Conditions: z.record(name, z.unknown()).default({}),
  Resources: z.record(name, resource),
  Outputs: z.record(name, output).default({}),
});
export type Template = z.infer<typeof template>;

/** The error of an invalid template. */
export class TemplateError extends Error {
  override readonly name = 'TemplateError';
}

/** Maximum size in bytes of a template in S3. A template in the body of a request may have only 51,200 bytes. */
export const LARGEST_TEMPLATE_BYTES = 1_048_576;

/**
 * Maximum number of entries in a section.
 * Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
 */
const MAX_ENTRIES = { Resources: 500, Parameters: 200, Outputs: 200, Mappings: 200 } as const;

/**
 * Parses a template in JSON or YAML. In YAML, converts CloudFormation's short forms (`!Ref`, `!Sub`, …) to their long forms.
 * @throws TemplateError that lists all errors with their positions, or that names the limit which the template exceeds
 */
export const parseTemplate = (text: string): Template => {
  if (Buffer.byteLength(text) > LARGEST_TEMPLATE_BYTES)
    throw new TemplateError(`Template may not exceed ${LARGEST_TEMPLATE_BYTES} bytes in size.`);
  const parsed = template.safeParse(text.trimStart().startsWith('{') ? parseJson(text) : parseYaml(text));
  if (!parsed.success) throw new TemplateError(`Template format error:\n${z.prettifyError(parsed.error)}`);
  refuseTooMany(parsed.data);
  return parsed.data;
};

const refuseTooMany = (parsed: Template): void => {
  for (const section of ['Resources', 'Parameters', 'Outputs', 'Mappings'] as const) {
    const count = Object.keys(parsed[section]).length;
    if (count > MAX_ENTRIES[section])
      throw new TemplateError(
        `Template format error: Number of ${section.toLowerCase()}, ${count}, is greater than maximum allowed, ${MAX_ENTRIES[section]}`,
      );
  }
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new TemplateError(`Template format error: JSON not well-formed. ${String(error)}`);
  }
};

const parseYaml = (text: string): unknown => {
  // A parser for YAML 1.1 would read `Version: 2012-10-17` as a date and `yes` as a boolean. CloudFormation reads both as strings.
  const document = parseDocument(text, { version: '1.2', schema: 'core', customTags: shortForms });
  const problem = document.errors[0] ?? document.warnings[0];
  if (problem) throw new TemplateError(`Template format error: YAML not well-formed. ${problem.message}`);
  return document.toJS();
};

const FUNCTIONS = [
  'And',
  'Base64',
  'Equals',
  'FindInMap',
  'GetAtt',
  'If',
  'ImportValue',
  'Join',
  'Not',
  'Or',
  'Select',
  'Split',
  'Sub',
];

const shortForms = (tags: Tags): Tags => [
  ...tags,
  ...['Ref', 'Condition', ...FUNCTIONS].flatMap((short) => shortForm(short)),
];

const shortForm = (short: string): (ScalarTag | CollectionTag)[] => {
  const long = short === 'Ref' || short === 'Condition' ? short : `Fn::${short}`;
  const tag = `!${short}`;
  return [
    { tag, resolve: (text: string) => ({ [long]: short === 'GetAtt' ? splitAttribute(text) : text }) },
    ...(['seq', 'map'] as const).map((collection) => ({
      tag,
      collection,
      resolve: (node: YAMLMap.Parsed | YAMLSeq.Parsed) => wrap(long, node),
    })),
  ];
};

const wrap = (long: string, node: YAMLMap.Parsed | YAMLSeq.Parsed): YAMLMap => {
  const map = new YAMLMap();
  map.items.push(new Pair(new Scalar(long), node));
  return map;
};

/** Splits `Logical.Attribute` at the first dot only, because the name of an attribute may contain dots. */
const splitAttribute = (text: string): string[] => {
  const dot = text.indexOf('.');
  return [text.slice(0, dot), text.slice(dot + 1)];
};
