import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReplicationConfiguration } from '../model/rule.ts';
import { RULES_FILE } from '../model/rules-file.ts';

/** Reads the rules from the function's own folder, once for each execution environment. Packaging has validated them. */
export const packagedRules = (handlerFolder: string): ReplicationConfiguration =>
  JSON.parse(readFileSync(join(handlerFolder, RULES_FILE), 'utf8'));
