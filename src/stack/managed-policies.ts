/**
 * Managed policies for permissions that grow with the number of buckets. All inline policies of a role together may have 10,240
 * characters, which about 33 buckets fill. A managed policy may have 6,144 of its own, and a role may have several.
 */
import { createHash } from 'node:crypto';
import { isRecord } from '../lib/model/json.ts';
import { policyDocument, ref } from './cloudformation.ts';
import type { CloudFormationResource, Resources, Statement } from './cloudformation.ts';
import { characters, MANAGED_CHARACTERS, ROLE_CHARACTERS } from './policy-size.ts';

interface ListedStatement extends Statement {
  Resource: unknown[];
}

/**
 * Returns documents that fit into managed policies and together allow what the statements allow. Statements with many resources are cut.
 */
export const managedDocuments = (statements: readonly Statement[]): object[] => {
  const documents: ListedStatement[][] = [];
  let room = 0;
  for (const statement of statements) {
    const frame = characters({ ...statement, Resource: [] }) + 1;
    for (const resource of resourcesOf(statement)) {
      const size = characters(resource) + 1;
      const document = documents.at(-1) ?? [];
      const last = document.at(-1);
      if (last !== undefined && last.Sid === statement.Sid && size <= room) {
        last.Resource.push(resource);
        room -= size;
      } else if (frame + size <= room) {
        document.push({ ...statement, Resource: [resource] });
        room -= frame + size;
      } else {
        documents.push([{ ...statement, Resource: [resource] }]);
        room = MANAGED_CHARACTERS - characters(policyDocument([])) - frame - size;
      }
    }
  }
  return documents.map(policyDocument);
};

const resourcesOf = ({ Resource }: Statement): unknown[] => (Array.isArray(Resource) ? Resource : [Resource]);

/**
 * Returns the logical id of a managed policy. The id depends on the content, so a changed policy is a new resource. CloudFormation
 * creates the new policy before it deletes the old one, so every bucket is always in at least one of them.
 */
export const managedPolicyId = (prefix: string, document: object): string =>
  prefix + createHash('sha256').update(JSON.stringify(document)).digest('hex').slice(0, 6);

/**
 * Returns the resources. If the inline policies of a role would be too long, statements are moved into managed policies of the
 * role.
 */
export const withinRoleQuotas = (resources: Resources): Resources =>
  Object.fromEntries(
    Object.entries(resources).flatMap(([id, resource]) =>
      resource.Type === 'AWS::IAM::Role' ? relieved(id, resource) : [[id, resource]],
    ),
  );

interface InlinePolicy {
  PolicyName: string;
  PolicyDocument: { Version: string; Statement: Statement[] };
}

const isInline = (value: unknown): value is InlinePolicy =>
  isRecord(value) && isRecord(value['PolicyDocument']);

const relieved = (id: string, role: CloudFormationResource): [string, CloudFormationResource][] => {
  const [first, ...others] = [role.Properties?.['Policies']].flat().filter(isInline);
  if (first === undefined || characters([first, ...others]) <= ROLE_CHARACTERS) return [[id, role]];
  const { Statement: statements } = first.PolicyDocument;
  const moved = statements.filter(grows);
  const policies = managedDocuments(moved).map((document): [string, CloudFormationResource] => [
    managedPolicyId(id.replace(/Role$/, 'Policy'), document),
    { Type: 'AWS::IAM::ManagedPolicy', Properties: { PolicyDocument: document } },
  ]);
  const inline = { ...first, PolicyDocument: policyDocument(statements.filter((one) => !grows(one))) };
  const changed = {
    ...role,
    Properties: {
      ...role.Properties,
      Policies: [inline, ...others],
      ManagedPolicyArns: policies.map(([policyId]) => ref(policyId)),
    },
  };
  return [...policies, [id, changed]];
};

/**
 * Returns true for statements about buckets and the roles of destinations. The length of all others does not depend on the number
 * of buckets.
 */
const grows = (statement: Statement): boolean =>
  statement.Effect === 'Allow' && resourcesOf(statement).length > FEW;

/** Maximum number of resources of a statement that does not grow. Some name all log groups or queues of a function. */
const FEW = 4;
