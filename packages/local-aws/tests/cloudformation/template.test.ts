import { expect, test } from 'vitest';
import { createCloudFormation } from '../../src/cloudformation/cloudformation.ts';
import type { Provider } from '../../src/cloudformation/provider.ts';
import { parseTemplate } from '../../src/cloudformation/template.ts';

/** A provider for the resource type `Test::Thing`. It derives the physical id from the logical id. */
const thing: Provider = {
  create: ({ logicalId }) => ({
    physicalId: `id-of-${logicalId}`,
    attributes: { Arn: `arn:${logicalId}`, 'A.B': 'nested' },
  }),
  update: (_context, physicalId) => ({ physicalId, attributes: {} }),
  delete: () => undefined,
};

const deploy = (template: string, parameters: Record<string, string> = {}) =>
  createCloudFormation({ clock: Date, providers: { 'Test::Thing': thing }, permit: () => undefined }).deploy({
    accountId: '111111111111',
    region: 'eu-west-1',
    stackName: 'stack',
    template,
    parameters,
  });

/** Deploys a stack with the parameters and conditions below, and returns the resolved `value`. */
const resolved = async (value: string) => {
  const stack = await deploy(
    `
Parameters:
  Name: { Type: String, Default: docs }
  Names: { Type: CommaDelimitedList, Default: 'a, b' }
Mappings:
  Sizes: { eu-west-1: { small: 5 } }
Conditions:
  IsDocs: !Equals [!Ref Name, docs]
  IsOther: !Not [!Condition IsDocs]
  Either: !Or [!Condition IsOther, !Condition IsDocs]
  Both: !And [!Condition IsOther, !Condition IsDocs]
Resources:
  Used: { Type: 'Test::Thing', Properties: { Value: ${value} } }
  First: { Type: 'Test::Thing' }
`,
  );
  return stack.resources.get('Used')?.properties.Value;
};

test.each([
  ['!Ref Name', 'docs'],
  ['!Ref Names', ['a', 'b']],
  ['!Ref First', 'id-of-First'],
  ['!Ref AWS::Region', 'eu-west-1'],
  ['!Ref AWS::AccountId', '111111111111'],
  ['!GetAtt First.Arn', 'arn:First'],
  ['!GetAtt First.A.B', 'nested'],
  ['{ "Fn::GetAtt": [First, Arn] }', 'arn:First'],
  [
    '!Sub "${AWS::Partition}:${Name}:${First}:${First.Arn}:${!Name}"',
    'aws:docs:id-of-First:arn:First:${Name}',
  ],
  ['!Sub ["${Own}-${Name}", { Own: !Ref First }]', 'id-of-First-docs'],
  ['!Join ["-", [x, !Ref Name, !Join ["", [y, z]]]]', 'x-docs-yz'],
  ['!Select [1, !Split [":", "a:b:c"]]', 'b'],
  ['!Select ["0", !Ref Names]', 'a'],
  ['!FindInMap [Sizes, !Ref AWS::Region, small]', 5],
  ['!If [IsDocs, yes, no]', 'yes'],
  ['!If [IsOther, yes, no]', 'no'],
  ['!If [Either, 1, 2]', 1],
  ['!If [Both, 1, 2]', 2],
  ['[a, !If [IsOther, b, !Ref AWS::NoValue]]', ['a']],
  ['{ A: 1, B: !Ref AWS::NoValue }', { A: 1 }],
  ['!Base64 hello', 'aGVsbG8='],
  ['2012-10-17', '2012-10-17'],
  ['{ Condition: { Bool: { x: false } } }', { Condition: { Bool: { x: false } } }],
])('the template value %s becomes %j', async (value, expected) => {
  expect(await resolved(value)).toEqual(expected);
});

test.each([
  ['!GetAtt First.Missing', /Test::Thing First has no attribute Missing/],
  ['{ "Fn::Cidr": [] }', /Fn::Cidr is not known/],
  ['!Sub "${Missing}"', /Unresolved resource dependencies \[Missing\]/],
  ['!Select [9, [a]]', /Fn::Select cannot be used like this/],
  ['!If [Missing, a, b]', /Unresolved condition Missing/],
  ['!ImportValue missing', /No export named missing found/],
])('the template value %s is an error', async (value, message) => {
  await expect(resolved(value)).rejects.toThrow(message);
});

test.each([
  ['Resources: { A: { Type: X, UpdatePolicy: {} } }', /UpdatePolicy/],
  ['Transform: AWS::Serverless-2016-10-31\nResources: {}', /Transform/],
  ['Resources: { A: { Type: X, Properties: !Unknown 1 } }', /Unresolved tag: !Unknown/],
  ['{ "Resources": ', /JSON not well-formed/],
  ['Resources: { A: {}, B-: { Type: X } }', /B-[\s\S]*Resources.A.Type/],
])('the template %s is refused', (text, message) => {
  expect(() => parseTemplate(text)).toThrow(message);
});

test('resources are created after those they refer to, in whatever order the template lists them', async () => {
  const stack = await deploy(`
Resources:
  Last: { Type: 'Test::Thing', Properties: { Value: !GetAtt Middle.Arn } }
  Middle: { Type: 'Test::Thing', DependsOn: First }
  First: { Type: 'Test::Thing' }`);
  expect([...stack.resources.keys()]).toEqual(['First', 'Middle', 'Last']);
});

test('a template whose resources depend on each other in a circle is refused', async () => {
  const circle = `
Resources:
  A: { Type: 'Test::Thing', Properties: { Value: !Ref B } }
  B: { Type: 'Test::Thing', Properties: { Value: !Sub '\${A}' } }`;
  await expect(deploy(circle)).rejects.toThrow('Circular dependency between resources: [A, B]');
});

test('a template with an unknown resource type is refused before anything is created', async () => {
  await expect(deploy(`Resources: { A: { Type: 'AWS::EC2::Instance' } }`)).rejects.toThrow(
    /no resource type AWS::EC2::Instance/,
  );
});

test('resources and outputs whose condition is false are left out', async () => {
  const stack = await deploy(`
Conditions: { Never: !Equals [a, b] }
Resources:
  A: { Type: 'Test::Thing', Condition: Never }
  B: { Type: 'Test::Thing', DependsOn: [A] }
Outputs:
  OfA: { Value: !Ref A, Condition: Never }
  OfB: { Value: !Ref B, Export: { Name: !Sub '\${AWS::StackName}-b' } }`);
  expect([...stack.resources.keys()]).toEqual(['B']);
  expect(stack.outputs).toEqual({ OfB: 'id-of-B' });
  expect(stack.exports).toEqual({ 'stack-b': 'id-of-B' });
});

test('all parameters that are missing, unknown or out of bounds are reported together', async () => {
  const template = `
Parameters:
  Needed: { Type: String }
  Size: { Type: Number, MinValue: 3 }
  Choice: { Type: String, AllowedValues: ['yes', 'no'], Default: maybe }
  Bucket: { Type: String, AllowedPattern: '^[a-z]+$', ConstraintDescription: lower case }
Resources: {}`;
  await expect(deploy(template, { Extra: '1', Size: '2', Bucket: 'ABC' })).rejects.toThrow(
    /\[Extra\] do not exist[\s\S]*\[Needed\] must have values[\s\S]*Size[\s\S]*Choice[\s\S]*Bucket[\s\S]*lower case/,
  );
});

test.each([
  ['Resources', 500],
  ['Parameters', 200],
  ['Outputs', 200],
  ['Mappings', 200],
] as const)('the section %s of a template may have %i entries', (section, count) => {
  const entry = {
    Resources: { Type: 'Test::Thing' },
    Parameters: { Type: 'String' },
    Outputs: { Value: 'x' },
    Mappings: { a: { b: 'c' } },
  }[section];
  const templateOf = (entries: number) =>
    JSON.stringify({
      Resources: {},
      [section]: Object.fromEntries(Array.from({ length: entries }, (_, index) => [`E${index}`, entry])),
    });
  expect(Object.keys(parseTemplate(templateOf(count))[section])).toHaveLength(count);
  expect(() => parseTemplate(templateOf(count + 1))).toThrow(
    `Number of ${section.toLowerCase()}, ${count + 1}, is greater than maximum allowed, ${count}`,
  );
});

test('a template has at most 1 MB', () => {
  const templateOf = (length: number) => JSON.stringify({ Description: 'x'.repeat(length), Resources: {} });
  const empty = templateOf(0).length;
  expect(parseTemplate(templateOf(1_048_576 - empty)).Resources).toEqual({});
  expect(() => parseTemplate(templateOf(1_048_577 - empty))).toThrow('may not exceed 1048576 bytes');
});
