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
  /** Null after the ownership controls were deleted. Objects then belong to their writers. */
  ownership: ObjectOwnership | null;
  /** The grants. Null if only the owner has access, with full control. */
  acl: Grant[] | null;
  publicAccessBlock: PublicAccessBlock | null;
  encryption: DefaultEncryption;
  /** True if the bucket rejects objects encrypted with customer keys (SSE-C). This is the default of a new bucket. */
  blocksCustomerKeys: boolean;
  /** Null when object lock is not enabled. */
  objectLock: BucketObjectLock | null;
  /** The bucket policy: the text that PutBucketPolicy received, and the document as IAM keeps it. */
  policy: { text: string; document: PolicyDocument; isPublic: boolean } | null;
  notification: NotificationConfiguration;
  /** Empty when there is no lifecycle configuration. */
  lifecycle: LifecycleRule[];
  intelligentTiering: Map<string, TieringConfiguration>;
  tags: Tag[];
  /** True if requesters, not the owner, pay for requests and transfer. */
  requesterPays: boolean;
  keys: KeyIndex<KeyEntry>;
  uploads: Map<string, Upload>;
  /** The responses of completed uploads by upload id. A repeated CompleteMultipartUpload gets the same response. */
  completed: Map<string, CompletedUpload>;
  /**
   * By key, the watches that record changes of the key. Each conditional write in progress and each unfinished upload
   * has one watch.
   */
  watches: Map<string, Set<KeyWatch>>;
}
