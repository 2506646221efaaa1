import type { Caller } from '../core/access.ts';
import type { Order } from './resource-order.ts';

export interface StackName {
  accountId: string;
  region: string;
  stackName: string;
}

export interface Deployment extends StackName {
  /** JSON or YAML. */
  template: string;
  parameters?: Record<string, string>;
  /** Tags of the stack itself. They are described and compared, but not passed on to its resources. */
  tags?: Record<string, string>;
  /** Only described; the API has checked them. */
  capabilities?: string[];
  /** Folder with the files that the template's S3 keys name (by their last part), e.g. `.serverless`. Absent: the keys name S3 objects. */
  artifacts?: string;
  /** The caller who reads objects. Default: the account's root user. */
  caller?: Caller;
  /** What happens to a stack that could not be created. Default ROLLBACK. */
  onFailure?: 'ROLLBACK' | 'DELETE';
  /** Default `as-written`. */
  order?: Order;
}
