/** Splits a CloudFormation template into its permissions and removes single permissions from it. */
import { isRecord, type Template, type TemplateResource } from '@s3-replicator/local-aws/template';

/**
 * A permission in a template: a single action of a statement that lists actions to allow. Any other statement, such as a denial, is
 * one grant as a whole.
 */
export interface Grant {
  /** Logical id of the resource, Sid of the statement, and action, e.g. `ReplicateRole LiveQueue sqs:DeleteMessage`. */
  name: string;
  remove(template: Template): void;
}

/** Lists all grants of the template: in roles, in policies of roles, queues, topics and buckets, and in Lambda permissions. */
export const grantsIn = (template: Template): Grant[] =>
  Object.entries(template.Resources).flatMap(([logicalId, resource]) =>
    resource.Type === 'AWS::Lambda::Permission'
      ? [invocationGrant(logicalId)]
      : documentPaths(resource).flatMap((path) => grantsOfDocument(template, logicalId, path)),
  );

const invocationGrant = (logicalId: string): Grant => ({
  name: `${logicalId} lambda:InvokeFunction`,
  remove: ({ Resources: resources }) => Reflect.deleteProperty(resources, logicalId),
});

type Path = (string | number)[];

/** Returns the paths of the policy documents in a resource's properties. */
const documentPaths = ({ Type: type, Properties: properties }: TemplateResource): Path[] => {
  switch (type) {
    case 'AWS::IAM::Role': {
      const policies = isRecord(properties) ? properties['Policies'] : [];
      const inline = Array.isArray(policies)
        ? policies.map((_, index) => ['Policies', index, 'PolicyDocument'])
        : [];
      return [['AssumeRolePolicyDocument'], ...inline];
    }
    case 'AWS::IAM::ManagedPolicy':
    case 'AWS::SQS::QueuePolicy':
    case 'AWS::SNS::TopicPolicy':
    case 'AWS::S3::BucketPolicy':
      return [['PolicyDocument']];
    default:
      return [];
  }
};

const grantsOfDocument = (template: Template, logicalId: string, path: Path): Grant[] => {
  const statements = statementsAt(template, logicalId, path);
  return statements.flatMap((statement, index) => {
    const { Sid: sid, Effect: effect, Action: action } = bare(statement);
    const label = typeof sid === 'string' ? sid : path[0] === 'AssumeRolePolicyDocument' ? 'Trust' : '';
    const actions = effect === 'Allow' && Array.isArray(action) ? action.map(String) : [null];
    return actions.map((one) => ({
      // The logical ids of resources that belong to a source bucket end with a hash, which the name leaves out.
      name: [logicalId.replace(/[0-9a-f]{6}$/, ''), label, one ?? String(action)].filter(Boolean).join(' '),
      remove: (target) => {
        const found = statementsAt(target, logicalId, path);
        const victim = bare(found[index]);
        // AWS refuses a policy without statements, so the last statement is changed to match nobody. A denial is changed in the same way.
        // A policy has several denials, and removing one would change the positions of those after it.
        const isLast = path[0] === 'PolicyDocument' && found.length === 1;
        if (one === null && (isLast || effect === 'Deny'))
          victim['Condition'] = { StringEquals: { 'aws:PrincipalAccount': '000000000000' } };
        else if (one === null) found.splice(index, 1);
        else if (Array.isArray(victim['Action']))
          victim['Action'] = victim['Action'].filter((each) => each !== one);
      },
    }));
  });
};

/** Returns the statement itself. In the template, `Fn::If` may wrap the statement. */
const bare = (statement: unknown): Record<string, unknown> => {
  if (!isRecord(statement)) throw new Error('a statement is an object');
  const { 'Fn::If': choice } = statement;
  return Array.isArray(choice) ? bare(choice[1]) : statement;
};

const statementsAt = (template: Template, logicalId: string, path: Path): unknown[] => {
  let value: unknown = template.Resources[logicalId]?.Properties;
  for (const step of [...path, 'Statement'])
    value = isRecord(value) || Array.isArray(value) ? Reflect.get(value, step) : null;
  if (!Array.isArray(value)) throw new Error(`${logicalId} has no list of statements`);
  return value;
};
