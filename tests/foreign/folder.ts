/** The folder into which `tests/foreign/install.ts` installs the servers. Git ignores it. */
import { join } from 'node:path';

export const FOREIGN = join(import.meta.dirname, '../../.foreign');
