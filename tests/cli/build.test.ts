/** The files of `s3-replicator build`. The service folder of a test has the artefacts that `npm test` packages first, but no framework. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseTemplate } from '@s3-replicator/local-aws/template';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { packageStack, TEMPLATE_FILE } from '../../demo/package-stack.ts';
import { run } from './run.ts';

/** The folder of the repository's own package. If there is none, the tests make a new package. */
let packaged = '.serverless';
let cwd: string;
let temporary: string;
beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 's3-replicator-build-'));
  if (existsSync(join(packaged, TEMPLATE_FILE))) return;
  packaged = join(temporary, 'packaged');
  await packageStack({ outDirectory: packaged });
});
beforeEach(async () => {
  cwd = await mkdtemp(join(temporary, 'service-'));
  await copyFile('replication.yml', join(cwd, 'replication.yml'));
  await utimes(join(cwd, 'replication.yml'), 1, 1);
  await cp(packaged, join(cwd, '.serverless'), { recursive: true });
});
afterAll(() => rm(temporary, { recursive: true, force: true }));

const build = (...options: string[]) => run(['build', '--out', 'out', ...options], { cwd });
const written = (name: string) => readFile(join(cwd, name), 'utf8');
const template = async () => parseTemplate(await written('out/template.json'));
const compiled = async () => parseTemplate(await written(`.serverless/${TEMPLATE_FILE}`));

test('build writes a template, the code that it names, and a manifest with the checksum of each file', async () => {
  const { code, out, err } = await build();
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toContain('aws s3 cp out/code s3://BUCKET/s3-replicator/ --recursive');
  const manifest = JSON.parse(await written('out/manifest.json'));
  const files = (await readdir(join(cwd, 'out'), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name !== 'manifest.json')
    .map((entry) => (entry.name === 'template.json' ? entry.name : `code/${entry.name}`));
  expect(manifest.files.map(({ path }: { path: string }) => path)).toEqual(
    ['template.json', ...files.filter((path) => path.startsWith('code/'))].toSorted((a, b) =>
      a === 'template.json' ? -1 : b === 'template.json' ? 1 : a < b ? -1 : 1,
    ),
  );
  for (const { path, sha256, bytes } of manifest.files) {
    const content = await readFile(join(cwd, 'out', path));
    expect([createHash('sha256').update(content).digest('hex'), content.length]).toEqual([sha256, bytes]);
  }
  const keys = Object.values((await template()).Resources).flatMap(({ Type, Properties }) =>
    Type === 'AWS::Lambda::Function' ? [Properties['Code']] : [],
  );
  expect(keys).toHaveLength(manifest.files.length - 1);
  for (const { key } of manifest.files.slice(1))
    expect(keys).toContainEqual({
      S3Bucket: { Ref: 'CodeBucket' },
      S3Key: { 'Fn::Sub': key.replace('s3-replicator/', '${CodePrefix}') },
    });
});

test('the policy of deployers follows from the compiled template', async () => {
  const policy = () => run(['config', 'policy', '--deployer', '--source-account', '111111111111'], { cwd });
  const first = await policy();
  expect({ code: first.code, err: first.err }).toEqual({ code: 0, err: '' });
  expect(first.out).toContain('lambda:PutFunctionRecursionConfig');
  const text = await written(`.serverless/${TEMPLATE_FILE}`);
  await writeFile(join(cwd, '.serverless', TEMPLATE_FILE), text.replaceAll('"RecursiveLoop"', '"Loop"'));
  expect((await policy()).out).not.toContain('lambda:PutFunctionRecursionConfig');
});

test('the template has the resources that serverless deploy creates, except for its bucket', async () => {
  await build();
  const { Resources: plain, Outputs } = await template();
  const { ServerlessDeploymentBucket, ServerlessDeploymentBucketPolicy, ...expected } = (await compiled())
    .Resources;
  expect([ServerlessDeploymentBucket, ServerlessDeploymentBucketPolicy]).not.toContain(undefined);
  expect(Object.keys(plain)).toEqual(Object.keys(expected));
  const changed = Object.entries(plain).flatMap(([id, resource]) => {
    const properties = { ...expected[id]?.Properties, ...resource.Properties };
    return Object.keys(properties)
      .filter(
        (name) =>
          JSON.stringify(resource.Properties[name]) !== JSON.stringify(expected[id]?.Properties[name]),
      )
      .map((name) => `${resource.Type} ${name}`);
  });
  expect([...new Set(changed)].toSorted()).toEqual([
    'AWS::DynamoDB::Table DeletionProtectionEnabled',
    'AWS::Lambda::Function Code',
    'Custom::SubscriptionCheck deployment',
  ]);
  for (const [id, { Properties: _, ...attributes }] of Object.entries(plain)) {
    const { Properties: __, ...others } = expected[id] ?? { Properties: {} };
    expect(attributes, id).toEqual(others);
  }
  expect(Object.keys(Outputs)).toEqual(
    Object.keys((await compiled()).Outputs).filter((id) => id !== 'ServerlessDeploymentBucketName'),
  );
});

test('the same code and rules give the same bytes, although the framework writes other keys each time', async () => {
  await build();
  const first = await written('out/template.json');
  const file = join(cwd, '.serverless', TEMPLATE_FILE);
  const text = await readFile(file, 'utf8');
  const again = text
    .replaceAll(/\d{13}-[\dT:.Z-]+(?=\/)/g, '1999999999999-2033-05-18T03:33:19.999Z')
    .replaceAll(/"deployment": "\d+"/g, '"deployment": "1999999999999"');
  expect(again).not.toBe(text);
  await writeFile(file, again);
  await build();
  expect(await written('out/template.json')).toBe(first);
});

test('build --dry-run shows the manifest and writes nothing', async () => {
  const { code, out } = await build('--dry-run', '--json');
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ dryRun: true, stack: 's3-replicator-prod', region: 'us-east-1' });
  expect(existsSync(join(cwd, 'out'))).toBe(false);
});

test('build leaves a folder alone that no build has written', async () => {
  await mkdir(join(cwd, 'out'));
  await writeFile(join(cwd, 'out', 'letter.txt'), 'dear');
  const { code, err } = await build();
  expect(code).toBe(1);
  expect(err).toContain('has letter.txt, and no manifest.json');
});

/** A stand-in for the framework. It notes its arguments, and for the stage `prod` it gives the template the present time. */
const FRAMEWORK = `
  const { appendFileSync, utimesSync } = require('node:fs');
  appendFileSync('calls.txt', process.argv.slice(2).join(' '));
  if (process.argv.includes('prod')) utimesSync('.serverless/${TEMPLATE_FILE}', new Date(), new Date());
`;

test.each([
  ['older than replication.yml', [], 'replication.yml is newer', 0],
  ['of another stage', ['--stage', 'test'], 'another stack than s3-replicator-test', 1],
])('build runs the framework when the artefacts are %s', async (_, options, reason, expected) => {
  await mkdir(join(cwd, 'node_modules', '.bin'), { recursive: true });
  await writeFile(join(cwd, 'node_modules', '.bin', 'serverless'), FRAMEWORK);
  await utimes(join(cwd, '.serverless', TEMPLATE_FILE), 1000, 1000);
  await utimes(join(cwd, 'replication.yml'), 2000, 2000);
  const { code, err } = await build(...options);
  expect(err).toContain('Running `serverless package`: ');
  expect(err).toContain(reason);
  const stage = options[1] ?? 'prod';
  expect(await written('calls.txt')).toBe(`package --stage ${stage} --region us-east-1`);
  expect(code).toBe(expected);
});

test('build without a framework says where to run it', async () => {
  await rm(join(cwd, '.serverless'), { recursive: true });
  const { code, err } = await build();
  expect(code).toBe(1);
  expect(err).toContain('There is no Serverless framework in');
  expect(err).toContain('npx serverless package');
});
