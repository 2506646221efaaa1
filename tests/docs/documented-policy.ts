import { readFileSync } from 'node:fs';
import type { PolicyDocument } from '@s3-replicator/local-aws';

/** Returns the policy that follows the comment `<!-- name -->` in docs/platform.md, for the log groups of a stack. */
export const documentedPolicy = (
  name: string,
  { stack = DOCUMENTED.stack, region = DOCUMENTED.region } = {},
): PolicyDocument => {
  const text = readFileSync('docs/platform.md', 'utf8');
  const [, json] = new RegExp(`<!-- ${name} -->\\s+\`\`\`json\\n(.*?)\`\`\``, 's').exec(text) ?? [];
  if (json === undefined) throw new Error(`docs/platform.md has no policy ${name}`);
  return JSON.parse(json.replaceAll(DOCUMENTED.stack, stack).replaceAll(DOCUMENTED.region, region));
};

const DOCUMENTED = { stack: 's3-replicator-prod', region: 'us-east-1' };
