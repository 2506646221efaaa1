/** The template and the zip files that `serverless package` makes from a configuration. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TEMPLATE_FILE, packageStack } from '../../demo/package-stack.ts';

export interface Template {
  Resources: Record<string, Resource>;
  Outputs: Record<string, { Value: unknown }>;
}

export interface Resource {
  Type: string;
  Properties: Record<string, unknown>;
  DependsOn?: string[];
}

export interface Packaged extends AsyncDisposable {
  /** The folder with the zip files and the template. */
  directory: string;
  /** The compiled template as text. `template` is the same template, parsed. */
  templateText: string;
  template: Template;
  zip(name: string): Promise<Buffer>;
}

/**
 * Packages a stack. `configuration` is the text of a replication.yml. Without it, the file in the repository
 * is used. Rejects with the output of the framework if packaging fails.
 */
export async function packaged(
  configuration?: string,
  deployment: { stage?: string; region?: string } = {},
): Promise<Packaged> {
  const directory = await mkdtemp(join(tmpdir(), 's3-replicator-test-'));
  try {
    const file = join(directory, 'replication.yml');
    if (configuration !== undefined) await writeFile(file, configuration);
    const replicationFile = configuration === undefined ? undefined : file;
    await packageStack({ replicationFile, outDirectory: directory, ...deployment });
    const templateText = await readFile(join(directory, TEMPLATE_FILE), 'utf8');
    return {
      directory,
      templateText,
      template: JSON.parse(templateText),
      zip: (name) => readFile(join(directory, name)),
      [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
    };
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}
