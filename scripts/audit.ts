/**
 * Asks the registry for known vulnerabilities of the shipped packages, and checks the signatures of all packages. Fails if it finds a
 * problem. If the registry cannot be reached or does not answer such questions, the script only reports that, so that a change can be
 * checked without a network.
 */
import { execFileSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';

/** The text for the terminal, and whether the check has found something. */
export interface AuditVerdict {
  text: string;
  isFailure: boolean;
}

const audit = z.object({
  auditReportVersion: z.number(),
  vulnerabilities: z.record(z.string(), z.object({ severity: z.string() })),
});

/** Judges the output of `npm audit --json`. Vulnerabilities below `high` are only reported. */
export const vulnerabilities = (output: string): AuditVerdict => {
  const { data } = audit.safeParse(jsonIn(output));
  if (data === undefined) return UNANSWERED;
  const found = Object.entries(data.vulnerabilities).map(([name, { severity }]) => `${name} (${severity})`);
  const isFailure = found.some((each) => /\((?:high|critical)\)$/.test(each));
  return {
    text: found.length === 0 ? 'no known vulnerabilities' : `vulnerable: ${found.join(', ')}`,
    isFailure,
  };
};

const signed = z.object({ name: z.string(), version: z.string().optional() });
const signatures = z.object({ invalid: z.array(signed), missing: z.array(signed) });

/** Judges the output of `npm audit signatures --json`. A package without a signature is only reported. */
export const packageSignatures = (output: string): AuditVerdict => {
  const { data } = signatures.safeParse(jsonIn(output));
  if (data === undefined) return UNANSWERED;
  const names = (packages: z.infer<typeof signed>[]): string =>
    packages.map(({ name, version = '' }) => `${name}@${version}`).join(', ');
  if (data.invalid.length > 0) return { text: `invalid signatures: ${names(data.invalid)}`, isFailure: true };
  const missing = data.missing.length === 0 ? '' : `, but none for ${names(data.missing)}`;
  return { text: `all signatures are valid${missing}`, isFailure: false };
};

const UNANSWERED: AuditVerdict = {
  text: 'not checked, because the registry does not answer',
  isFailure: false,
};

const jsonIn = (output: string): unknown => {
  try {
    return JSON.parse(output);
  } catch {
    return null;
  }
};

/** How long one question may take. */
const TIMEOUT_MS = 60_000;

/**
 * Returns the output of npm. npm fails both when it finds a problem and when the registry does not answer. Only the output tells the two
 * apart.
 */
const npm = (...command: string[]): string => {
  const patience = ['--json', '--fetch-retries=0', '--fetch-timeout=10000'];
  try {
    const stdio: ['ignore', 'pipe', 'ignore'] = ['ignore', 'pipe', 'ignore'];
    return execFileSync('npm', [...command, ...patience], { encoding: 'utf8', timeout: TIMEOUT_MS, stdio });
  } catch (error) {
    return error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
  }
};

const main = (): void => {
  const verdicts = {
    'npm audit': vulnerabilities(npm('audit', '--omit=dev', '--omit=optional')),
    'npm audit signatures': packageSignatures(npm('audit', 'signatures')),
  };
  for (const [name, { text }] of Object.entries(verdicts)) console.log(`${name}: ${text}`);
  if (Object.values(verdicts).some(({ isFailure }) => isFailure)) process.exitCode = 1;
};

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
