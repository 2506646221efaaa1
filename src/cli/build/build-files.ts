/** The files of a build. The same artefacts always give the same bytes. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Configuration } from '../../lib/configuration/configuration.ts';
import { productVersion } from '../../lib/configuration/package-files.ts';
import { CODE_PREFIX, plainTemplate } from '../../stack/plain-template.ts';
import { stackOf } from '../../stack/stack.ts';
import type { Artefacts } from '../artefacts.ts';

export interface BuildFile {
  /** The path in the folder of the build. */
  path: string;
  content: Buffer;
}

/** The information for a pipeline, written as `manifest.json`. */
export interface Manifest {
  version: string;
  stack: string;
  region: string;
  capabilities: string[];
  /** The tags of the stack. The deployment command must give them, because a template cannot contain them. */
  tags: Record<string, string>;
  /** The parameters of the template that say where the code is. Null if a parameter has no default. */
  parameters: { CodeBucket: string | null; CodePrefix: string };
  files: { path: string; bytes: number; sha256: string; key?: string }[];
}

export interface Build {
  manifest: Manifest;
  files: BuildFile[];
  resources: number;
}

/** @throws Error if the template is not one of the framework */
export const buildOf = (configuration: Configuration, { folder, template }: Artefacts): Build => {
  const { stack } = configuration;
  const zip = (name: string): Buffer => readFileSync(join(folder, name));
  const plain = plainTemplate(JSON.parse(template), (name) => sha256(zip(name)), stack.deploymentBucket);
  const code = plain.code.map(({ source, name }) => ({ path: `code/${name}`, content: zip(source) }));
  const templateFile = {
    path: 'template.json',
    content: Buffer.from(`${JSON.stringify(plain.template, null, 1)}\n`),
  };
  const { name, stage, region, tags } = stackOf(configuration);
  const manifest: Manifest = {
    version: productVersion(),
    stack: `${name}-${stage}`,
    region,
    capabilities: ['CAPABILITY_NAMED_IAM'],
    tags,
    parameters: { CodeBucket: stack.deploymentBucket, CodePrefix: CODE_PREFIX },
    files: [
      describe(templateFile),
      ...code.map((file) => ({ ...describe(file), key: file.path.replace('code/', CODE_PREFIX) })),
    ],
  };
  const manifestFile = {
    path: 'manifest.json',
    content: Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`),
  };
  const resources = Object.keys(Object(plain.template['Resources'])).length;
  return { manifest, files: [templateFile, ...code, manifestFile], resources };
};

const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

const describe = ({ path, content }: BuildFile): { path: string; bytes: number; sha256: string } => ({
  path,
  bytes: content.length,
  sha256: sha256(content),
});
