import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { productFile, productName } from '../../lib/configuration/package-files.ts';
import { shellCommand } from '../../lib/text/shell.ts';
import type { CliIo } from '../terminal/io.ts';
import { type Answers, isVault } from './questions.ts';

export interface NextCommand {
  command: string;
  meaning: string;
}

/** Returns the three commands from the new files to a running deployment. */
export const nextCommands = (answers: Answers, { cwd }: Pick<CliIo, 'cwd'>): NextCommand[] => [
  { command: shellCommand([['npm', 'install', ...whatToInstall(cwd)]]), meaning: 'Install the framework' },
  {
    command: shellCommand([['npx', 's3-replicator', 'config', 'destination'], ...stackOptions(answers)]),
    meaning: `Print a command, and run that one in account ${answers['destination-account']}`,
  },
  { command: 'npx serverless deploy', meaning: 'Deploy into the account of the source bucket' },
];

/**
 * Returns this package if it is not installed in the folder. serverless.yml takes the stack from the installed package.
 */
const whatToInstall = (cwd: string): string[] =>
  existsSync(join(cwd, 'node_modules', productName())) ? [] : [relative(cwd, productFile(''))];

const stackOptions = (answers: Answers): string[][] => {
  const { protection, 'create-bucket': create, 'retention-days': days } = answers;
  return [
    ...(create === 'yes' ? [['--create-bucket']] : []),
    ...(create === 'yes' && protection === 'locks' ? [['--object-lock']] : []),
    ...(isVault(protection)
      ? [
          ['--retention-mode', protection.toUpperCase()],
          ['--retention-days', days],
        ]
      : []),
  ];
};
