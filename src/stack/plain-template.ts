/**
 * Turns the template that the Serverless framework has compiled into one that CloudFormation deploys without the framework. The new
 * template replaces what the framework and our plugins do outside CloudFormation: the upload of the code, the check of subscriptions in
 * each deployment, and the deletion protection of tables. Everything else is left as it is.
 */
import { ref, substitute } from './cloudformation.ts';

/** The zip of a function's code. */
export interface CodeFile {
  /** The file in the folder of the framework, e.g. `replicate.zip`. */
  source: string;
  /** The file in the folder for the code. It contains a digest, so that CloudFormation notices new code. */
  name: string;
}

export interface PlainTemplate {
  template: Record<string, unknown>;
  /** The files that the template refers to, without repetitions, in the order of their names. */
  code: CodeFile[];
}

/**
 * `digestOf` returns the SHA-256 of a zip in hexadecimal digits. `bucket` is the default of the parameter CodeBucket; null: the parameter
 * has none.
 *
 * @throws Error if `compiled` is not a template of the framework
 */
export function plainTemplate(
  compiled: unknown,
  digestOf: (zip: string) => string,
  bucket: string | null,
): PlainTemplate {
  const template = section(compiled, 'template');
  const code = new Map<string, CodeFile>();
  const codeFile = (zip: string): CodeFile => {
    const file = { source: zip, name: `${zip.replace(/\.zip$/, '')}.${digestOf(zip).slice(0, 16)}.zip` };
    code.set(file.name, file);
    return file;
  };
  const resources = Object.entries(section(template['Resources'], 'Resources'))
    .filter(([id]) => !id.startsWith('ServerlessDeploymentBucket'))
    .map(([id, resource]) => [id, plainResource(section(resource, id), codeFile)] as const);
  const outputs = Object.entries(section(template['Outputs'], 'Outputs')).filter(
    ([id]) => id !== 'ServerlessDeploymentBucketName',
  );
  const digests = [...code.keys()].toSorted().join(' ');
  return {
    template: {
      ...template,
      Description:
        's3-replicator: replicates S3 buckets into other accounts (without the Serverless framework)',
      Parameters: parameters(bucket),
      Conditions: { ProtectsTables: { 'Fn::Equals': [ref('ProtectTables'), 'yes'] } },
      Resources: Object.fromEntries(
        resources.map(([id, resource]) => [id, checkedInEachDeployment(resource, digests)]),
      ),
      Outputs: Object.fromEntries(outputs),
    },
    code: [...code.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

/** The beginning of the keys of the code, unless the parameter CodePrefix says otherwise. */
export const CODE_PREFIX = 's3-replicator/';

const parameters = (bucket: string | null): object => ({
  CodeBucket: {
    Type: 'String',
    Description: 'The bucket with the code of the functions. It is in the region of the stack.',
    ...(bucket === null ? {} : { Default: bucket }),
  },
  CodePrefix: {
    Type: 'String',
    Default: CODE_PREFIX,
    Description: 'What the keys of the code begin with.',
  },
  ProtectTables: {
    Type: 'String',
    Default: 'no',
    AllowedValues: ['yes', 'no'],
    Description:
      'yes: nobody can delete the tables by mistake. Only from the second deployment on, because CloudFormation could not roll back the creation of protected tables.',
  },
  CheckSubscriptions: {
    Type: 'String',
    Default: '',
    Description:
      'Any new value makes a deployment check the subscriptions of the source buckets. A deployment with new code checks them anyway.',
  },
});

type Section = Record<string, unknown>;

const plainResource = (resource: Section, codeFile: (zip: string) => CodeFile): Section => {
  switch (resource['Type']) {
    case 'AWS::Lambda::Function':
      return withProperties(resource, (properties) => ({ Code: codeOf(properties['Code'], codeFile) }));
    case 'AWS::DynamoDB::Table':
      return withProperties(resource, () => ({
        DeletionProtectionEnabled: { 'Fn::If': ['ProtectsTables', true, ref('AWS::NoValue')] },
      }));
    default:
      return resource;
  }
};

const codeOf = (code: unknown, codeFile: (zip: string) => CodeFile): object => {
  const zip = String(section(code, 'Code')['S3Key']).split('/').at(-1) ?? '';
  return { S3Bucket: ref('CodeBucket'), S3Key: substitute(`\${CodePrefix}${codeFile(zip).name}`) };
};

/** The framework puts another value here each time that it packages. */
const checkedInEachDeployment = (resource: Section, digests: string): Section =>
  resource['Type'] === 'Custom::SubscriptionCheck'
    ? withProperties(resource, () => ({ deployment: substitute(`${digests} \${CheckSubscriptions}`) }))
    : resource;

const withProperties = (resource: Section, change: (properties: Section) => Section): Section => {
  const properties = section(resource['Properties'], 'Properties');
  return { ...resource, Properties: { ...properties, ...change(properties) } };
};

function section(value: unknown, name: string): Section {
  if (isSection(value)) return value;
  throw new Error(`the compiled template has no ${name}`);
}

const isSection = (value: unknown): value is Section =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
