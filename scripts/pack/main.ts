/**
 * Makes the package that users install: `.package/s3-replicator-<version>.tgz`, with `SHA256SUMS` beside it. The repository's own
 * package.json does not describe this package, so `npm pack` fails in the root folder. The functions are taken from `.serverless`. With
 * `--tag v1.2.3`, fails if the version is not 1.2.3.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { functionMetafiles, writeSbom } from '../bundled-packages.ts';
import { manifest } from './files.ts';
import { writePackage } from './package-folder.ts';

const OUT = join(import.meta.dirname, '../../.package');

const main = async (): Promise<void> => {
  const { name, version } = manifest();
  const { tag } = parseArgs({ options: { tag: { type: 'string' } } }).values;
  if (tag !== undefined && tag !== `v${version}`)
    throw new Error(`the tag is ${tag}, but the version in package.json is ${version}`);
  rmSync(OUT, { recursive: true, force: true });
  const folder = join(OUT, name);
  const bundled = await writePackage(folder);
  const count = writeSbom(folder, [...bundled, ...(await functionMetafiles())]);
  const tarball = `${name}-${version}.tgz`;
  execFileSync('npm', ['pack', folder, '--pack-destination', OUT, '--silent'], { cwd: OUT });
  copyFileSync(join(folder, 'sbom.cdx.json'), join(OUT, 'sbom.cdx.json'));
  const sums = [tarball, 'sbom.cdx.json'].map((file) => `${sha256(join(OUT, file))}  ${file}\n`);
  writeFileSync(join(OUT, 'SHA256SUMS'), sums.join(''));
  const size = (readFileSync(join(OUT, tarball)).length / 2 ** 20).toFixed(1);
  console.log(`.package/${tarball}: ${size} MiB, with ${count} packages in its bundles`);
};

const sha256 = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

await main();
