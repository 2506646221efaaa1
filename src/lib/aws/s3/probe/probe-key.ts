import { randomUUID } from 'node:crypto';
import type { Destination, ReplicationRule } from '../../../model/rule.ts';
import { PROBE_KEY } from '../client/sessions.ts';

/**
 * Returns a key that no object has. The key is under the prefix, because the permissions of the role may be limited to the
 * prefix.
 */
export const absentKey = (rule: ReplicationRule, destination: Destination): string =>
  `${destination.prefix ?? rule.source.prefix}${PROBE_KEY}${randomUUID()}`;
