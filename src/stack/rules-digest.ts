import { createHash } from 'node:crypto';
import type { Configuration } from '../lib/configuration/configuration.ts';

/** Names of outputs of the stack by which commands recognise what is deployed. */
export const OUTPUTS = { rulesDigest: 'RulesDigest', version: 'Version' } as const;

/**
 * Returns a text that differs for different rules. The rules themselves are in the packages of the functions, where a command cannot
 * compare them.
 */
export const rulesDigest = ({ replication }: Configuration): string =>
  createHash('sha256').update(JSON.stringify(replication)).digest('hex').slice(0, 16);

/** The output that holds the digest. */
export const deployedRules = (configuration: Configuration) => ({
  [OUTPUTS.rulesDigest]: {
    Description: 'Differs for different rules: shows whether replication.yml is what is deployed',
    Value: rulesDigest(configuration),
  },
});
