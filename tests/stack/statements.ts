import type { Resource, Template } from './packaging.ts';

export interface Statement {
  Sid?: string;
  Effect: string;
  Principal?: unknown;
  Action: string | string[];
  Resource?: unknown;
  Condition?: unknown;
}

interface PolicyDocument {
  Statement: Statement[];
}

export const resource = (template: Template, logicalId: string): Resource => {
  const found = template.Resources[logicalId];
  if (!found) throw new Error(`the template has no ${logicalId}`);
  return found;
};

export const ofType = (template: Template, type: string): [string, Resource][] =>
  Object.entries(template.Resources).filter(([, { Type }]) => Type === type);

/** Returns the statements of a role's inline policies and of the policies that are attached to the role. */
export function roleStatements(template: Template, roleId: string): Statement[] {
  const inline = list<{ PolicyDocument: PolicyDocument }>(resource(template, roleId).Properties['Policies']);
  const named = JSON.stringify(resource(template, roleId).Properties['ManagedPolicyArns'] ?? []);
  const attached = ofType(template, 'AWS::IAM::ManagedPolicy')
    .filter(
      ([id, { Properties }]) =>
        JSON.stringify(Properties['Roles']) === JSON.stringify([{ Ref: roleId }]) ||
        named.includes(JSON.stringify({ Ref: id })),
    )
    .map(([, { Properties }]) => ({ PolicyDocument: Properties['PolicyDocument'] as PolicyDocument }));
  return [...inline, ...attached].flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}

/** Returns the statements of a queue policy, a topic policy or a trust policy. */
export const statementsOf = (policy: unknown): Statement[] => (policy as PolicyDocument).Statement;

/** Returns a list. In IAM documents, a list of one element may be written as that element alone. */
export const list = <T>(value: unknown): T[] => (Array.isArray(value) ? value : [value]) as T[];

/** Returns the text `action on resource` for each pair of an action and a resource that are allowed, sorted. */
export const grants = (statements: Statement[]): string[] =>
  statements
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap(({ Action, Resource }) =>
      list<string>(Action).flatMap((action) =>
        list<unknown>(Resource).map((on) => `${action} on ${spell(on)}`),
      ),
    )
    .toSorted();

/** Returns a value as text. Intrinsic functions are shortened, for example to `LiveQueue.Arn`. */
export function spell(value: unknown): string {
  if (typeof value === 'object' && value !== null) {
    if ('Ref' in value) return String(value.Ref);
    if ('Fn::GetAtt' in value) return list<string>(value['Fn::GetAtt']).join('.');
    if ('Fn::Sub' in value) return String(value['Fn::Sub']).replace('arn:${AWS::Partition}:', 'arn:aws:');
    return JSON.stringify(value);
  }
  return String(value);
}
