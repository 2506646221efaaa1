import type { Caller } from '../core/access.ts';
import type { Order } from './resource-order.ts';

export interface StackName {
  accountId: string;
  region: string;
  stackName: string;
}

export interface AdoptedResource {
  type: string;
  /** The properties that identify the resource, e.g. `{TableName: 'runs'}`. */
  identifier: Record<string, string>;
}

export interface Deployment extends StackName {
  /** The text of the template, in JSON or YAML. */
  template: string;
  parameters?: Record<string, string>;
  /** Tags of the stack itself. They are stored and compared, but resources do not get them. */
  tags?: Record<string, string>;
  /** The capabilities that the caller acknowledged. They are stored only to be described later; the API has already checked them. */
  capabilities?: string[];
  /**
   * A folder with the code, for example `.serverless`. The last part of an S3 key in the template is then the name of a file in this
   * folder. If `artifacts` is absent, S3 keys name objects in S3.
   */
  artifacts?: string;
  /** The caller with whose permissions objects are read. The default is the account's root user. */
  caller?: Caller;
  /** What happens to a stack that could not be created. The default is ROLLBACK. */
  onFailure?: 'ROLLBACK' | 'DELETE';
  /** By logical id, the existing resources that an import takes into the stack. Absent unless the deployment is an import. */
  adopted?: Record<string, AdoptedResource>;
  /** The order in which resources are created. The default is `as-written`. */
  order?: Order;
}
