/**
 * The packages that are bundled, wholly or in part. The bundler reports their files, and `npm sbom` describes the packages. The same
 * sources always give the same files.
 */
import { execFileSync } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type BuildOptions, type Metafile, type Plugin } from 'esbuild';
import { z } from 'zod';
import { 'module.exports' as bundleOptions } from '../src/stack/bundle.ts';

const ROOT = join(import.meta.dirname, '..');

const named = z.looseObject({ name: z.string(), version: z.string() });
const sbom = z.looseObject({
  metadata: z.looseObject({ component: named }),
  components: z.array(z.looseObject({ ...named.shape, 'bom-ref': z.string() })),
  dependencies: z.array(z.looseObject({ ref: z.string(), dependsOn: z.array(z.string()) })),
});
type Sbom = z.infer<typeof sbom>;

interface Package {
  folder: string;
  name: string;
  version: string;
  license: string;
}

/** Writes `sbom.cdx.json` (CycloneDX) and `licences.txt` about the packages in the bundles. Returns the number of packages. */
export const writeSbom = (folder: string, metafiles: readonly Metafile[]): number => {
  const packages = packagesIn(metafiles);
  const bundled = bundledPart(npmSbom(), packages);
  writeFileSync(join(folder, 'sbom.cdx.json'), `${JSON.stringify(bundled, null, 2)}\n`);
  writeFileSync(join(folder, 'licences.txt'), packages.map(licenceOf).join('\n'));
  return packages.length;
};

/** The options that differ from esbuild's own: `exclude`, which esbuild does not have, and `plugins`, which is always present. */
interface Bundler {
  exclude: string[];
  plugins: Plugin[];
}

/** Bundles all functions once more, without writing them. */
export const functionMetafiles = async (): Promise<Metafile[]> => {
  const given = bundleOptions() as BuildOptions & Bundler;
  const { exclude: _, plugins, ...options } = given;
  const handlers = globSync('src/handlers/*.ts', { cwd: ROOT }).toSorted();
  const bundled = handlers.map(async (entryPoint) => {
    const { metafile } = await build({
      ...options,
      plugins: plugins.filter(({ name }) => name !== 'commonjs-folder'),
      absWorkingDir: ROOT,
      entryPoints: [entryPoint],
      metafile: true,
      write: false,
    });
    return metafile;
  });
  return await Promise.all(bundled);
};

const packagesIn = (metafiles: readonly Metafile[]): Package[] => {
  const outputs = metafiles.flatMap((metafile) => Object.values(metafile.outputs));
  const folders = new Set<string>();
  for (const [path, { bytesInOutput }] of outputs.flatMap(({ inputs }) => Object.entries(inputs))) {
    const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path) ?? [];
    if (folder !== undefined && bytesInOutput > 0) folders.add(folder);
  }
  return [...folders].toSorted().map(packageIn);
};

const manifest = z.object({ name: z.string(), version: z.string(), license: z.string() });

const packageIn = (folder: string): Package => ({
  folder,
  ...manifest.parse(JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'))),
});

const npmSbom = (): Sbom => {
  const command = ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'];
  return sbom.parse(
    JSON.parse(execFileSync('npm', command, { cwd: ROOT, encoding: 'utf8', maxBuffer: 2 ** 28 })),
  );
};

/**
 * Removes packages that are not bundled. Also removes everything that differs between runs or machines: the serial number, the time, the
 * name of the folder, and the download addresses of packages.
 */
const bundledPart = (
  { serialNumber: _serial, metadata, components, dependencies, ...rest }: Sbom,
  packages: Package[],
): object => {
  const { timestamp: _time, ...stable } = metadata;
  const wanted = new Set(packages.map(({ name, version }) => `${name}@${version}`));
  const found = components.filter((each) => wanted.has(each['bom-ref']));
  const unknown = [...wanted].filter((ref) => !found.some((each) => each['bom-ref'] === ref));
  if (unknown.length > 0) throw new Error(`npm sbom does not know ${unknown.join(', ')}`);
  const root = metadata.component;
  return {
    ...rest,
    metadata: { ...stable, component: { ...root, name: 's3-replicator' } },
    components: found.map((each) => ({ ...each, externalReferences: [] })),
    dependencies: dependencies
      .filter(({ ref }) => wanted.has(ref) || ref === root['bom-ref'])
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((other) => wanted.has(other)) })),
  };
};

const licenceOf = ({ folder, name, version, license }: Package): string => {
  const [file] = globSync('{LICEN[CS]E,NOTICE}*', { cwd: join(ROOT, folder) }).toSorted();
  const text = file === undefined ? '' : `\n${readFileSync(join(ROOT, folder, file), 'utf8').trim()}\n`;
  return `${'='.repeat(80)}\n${name} ${version}: ${license}\n${text}`;
};
