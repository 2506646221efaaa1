/** Types of the configurations of a bucket. */
import type { ArchiveTier, Tag } from './object.ts';

export type Versioning = 'never' | 'Enabled' | 'Suspended';
export type ObjectOwnership = 'BucketOwnerEnforced' | 'BucketOwnerPreferred' | 'ObjectWriter';

export interface PublicAccessBlock {
  BlockPublicAcls: boolean;
  IgnorePublicAcls: boolean;
  BlockPublicPolicy: boolean;
  RestrictPublicBuckets: boolean;
}

export interface LifecycleRule {
  id: string;
  enabled: boolean;
  filter: ObjectFilter;
  /** True if the rule has its Prefix element outside of a Filter element, as in old configurations. */
  legacyPrefix: boolean;
  expiration: Expiration | null;
  noncurrentExpiration: NoncurrentExpiration | null;
  abortAfterDays: number | null;
}

export type Expiration =
  | { kind: 'days'; days: number }
  | { kind: 'date'; atMs: number }
  | { kind: 'expired-delete-marker'; remove: boolean };

export interface NoncurrentExpiration {
  days: number;
  /** How many noncurrent versions are kept regardless of their age. */
  newerVersions: number;
}

export interface TieringConfiguration {
  id: string;
  enabled: boolean;
  filter: ObjectFilter;
  tierings: { tier: ArchiveTier; days: number }[];
}

/** The objects that a lifecycle rule or a tiering configuration applies to. */
export interface ObjectFilter {
  prefix: string;
  tags: Tag[];
  /** Objects must be larger than this many bytes; null for no limit. */
  largerThanBytes: number | null;
  /** Objects must be smaller than this many bytes; null for no limit. */
  smallerThanBytes: number | null;
}

export interface NotificationConfiguration {
  targets: NotificationTarget[];
  eventBridge: boolean;
}

export interface NotificationTarget {
  kind: TargetKind;
  id: string;
  arn: string;
  /** Event types, for example `s3:ObjectCreated:*`. */
  events: string[];
  /** The prefix of the filter; null if no filter rule has one. */
  prefix: string | null;
  /** The suffix of the filter; null if no filter rule has one. */
  suffix: string | null;
}

export type TargetKind = 'Queue' | 'Topic' | 'CloudFunction';
