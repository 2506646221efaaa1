/** A bucket: its settings, its keys and its unfinished uploads. */
import type { PolicyDocument } from '../../core/access.ts';
import type {
  LifecycleRule,
  NotificationConfiguration,
  ObjectOwnership,
  PublicAccessBlock,
  TieringConfiguration,
  Versioning,
} from './configuration.ts';
import type { KeyEntry, KeyWatch } from './key.ts';
import type { KeyIndex } from './key-index.ts';
import type { DefaultEncryption, Grant, Tag } from './object.ts';
import type { BucketObjectLock } from './object-lock.ts';
import type { CompletedUpload, Upload } from './upload.ts';

export interface Bucket {
  name: string;
  arn: string;
  /** The account that owns the bucket. */
  accountId: string;
  region: string;
  createdAtMs: number;
  versioning: Versioning;
  /** Null after the ownership controls were deleted: objects then belong to their writers. */
  ownership: ObjectOwnership | null;
  /** Null: the owner has full control and nobody else has any access. */
  acl: Grant[] | null;
  publicAccessBlock: PublicAccessBlock | null;
  encryption: DefaultEncryption;
  /** True if the bucket rejects objects encrypted with customer keys (SSE-C), as a new bucket does until SSE-C is unblocked. */
  blocksCustomerKeys: boolean;
  /** Null when object lock is not enabled. */
  objectLock: BucketObjectLock | null;
  /** The policy as it was put, and parsed. */
  policy: { text: string; document: PolicyDocument } | null;
  notification: NotificationConfiguration;
  /** Empty when there is no lifecycle configuration. */
  lifecycle: LifecycleRule[];
  intelligentTiering: Map<string, TieringConfiguration>;
  tags: Tag[];
  keys: KeyIndex<KeyEntry>;
  uploads: Map<string, Upload>;
  /** Answers of completed uploads by upload id, so that a repeated CompleteMultipartUpload gets the same answer. */
  completed: Map<string, CompletedUpload>;
  /** Watches by key. Conditional writes in progress and unfinished uploads hold one each. */
  watches: Map<string, Set<KeyWatch>>;
}
