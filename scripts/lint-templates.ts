/**
 * Checks the compiled templates of ten varied configurations, and the template of the destination, with cfn-lint (from PyPI). Prints one line
 * and succeeds if cfn-lint is not installed.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageStack, TEMPLATE_FILE } from '../demo/package-stack.ts';
import { CONFIGURATIONS } from '../tests/stack/ten-configurations.ts';

const CFN_LINT = process.env['CFN_LINT'] ?? 'cfn-lint';

const { error: missing } = spawnSync(CFN_LINT, ['--version']);
if (missing !== undefined) {
  console.log('cfn-lint is not installed, so the templates are not checked (pip install cfn-lint)');
  process.exit(0);
}

const directory = mkdtempSync(join(tmpdir(), 's3-replicator-lint-'));
try {
  const templates = ['destination/template.yml'];
  for (const [name, { text, stage }] of Object.entries(CONFIGURATIONS)) {
    const replicationFile = join(directory, `${name}.yml`);
    const outDirectory = join(directory, name);
    writeFileSync(replicationFile, text);
    await packageStack({ replicationFile, outDirectory, ...(stage !== undefined && { stage }) });
    templates.push(join(outDirectory, TEMPLATE_FILE));
  }
  // Warnings are shown, but only errors make the check fail. W3005 is ignored, because the framework writes a DependsOn that a function's
  // role already implies.
  const options = ['--ignore-checks', 'W3005', '--non-zero-exit-code', 'error'];
  const { status } = spawnSync(CFN_LINT, [...options, '--', ...templates], { stdio: 'inherit' });
  console.log(
    `cfn-lint ${status === 0 ? 'found no error' : 'found errors'} in ${templates.length} templates`,
  );
  process.exitCode = status ?? 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}
