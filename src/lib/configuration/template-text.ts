/** Reads the text of a CloudFormation template, as CloudFormation returns it. */
import { type CollectionTag, Pair, parse, Scalar, type ScalarTag, YAMLMap, type YAMLSeq } from 'yaml';
import { isRecord, parsedJson } from '../model/json.ts';

/** Returns the template with the long forms of all intrinsic functions. Returns null if the text is no template. */
export const parseTemplateText = (text: string): Record<string, unknown> | null => {
  const template = text.trimStart().startsWith('{') ? parsedJson(text) : parsedYaml(text);
  return isRecord(template) ? template : null;
};

const parsedYaml = (text: string): unknown => {
  try {
    return parse(text, { customTags: SHORT_FORMS, logLevel: 'silent' });
  } catch {
    return null;
  }
};

/** The intrinsic functions of `destination/template.yml`, and some that its next release may use. */
const NAMES = [
  'Ref',
  'Condition',
  'Sub',
  'GetAtt',
  'If',
  'Join',
  'Split',
  'Select',
  'Equals',
  'Not',
  'Or',
  'And',
];

const longForm = (name: string): string => (name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`);

const SHORT_FORMS: (ScalarTag | CollectionTag)[] = NAMES.flatMap((name) => {
  const tag = `!${name}`;
  return [
    {
      tag,
      resolve: (text: string) => ({ [longForm(name)]: name === 'GetAtt' ? text.split('.') : text }),
    },
    {
      tag,
      collection: 'seq' as const,
      resolve: (list: YAMLSeq.Parsed | YAMLMap.Parsed) => {
        const map = new YAMLMap();
        map.items.push(new Pair(new Scalar(longForm(name)), list));
        return map;
      },
    },
  ];
});
