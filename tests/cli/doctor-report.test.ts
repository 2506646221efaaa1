import { expect, test } from 'vitest';
import type { Finding } from '../../src/cli/doctor/finding.ts';
import { reportText } from '../../src/cli/doctor/report-text.ts';

const finding = (subject: string, command: string): Finding => ({
  group: 'destinations',
  cause: 'destination-key',
  verdict: 'error',
  subject,
  text: 'the key cannot be used',
  fix: { kind: 'command', account: '111111111111', command },
});

test('a fix that helps several destinations is printed once', () => {
  const report = {
    stack: 'acme-prod',
    account: '111111111111',
    caller: 'root',
    region: 'us-east-1',
    version: '1',
    deployedVersion: '1',
    findings: [
      finding('a → one', 'allow it'),
      finding('a → one', 'allow it'),
      finding('b → one', 'allow it'),
      finding('c → two', 'allow that'),
    ],
    errors: 4,
    warnings: 0,
    destinations: 3,
    sound: 0,
    seconds: 1,
  };
  const text = reportText(report, { columns: 80, style: (_, said) => said });
  expect(text.match(/fix: .*/g)).toEqual([
    'fix: allow it',
    'fix: the same',
    'fix: the same as for a → one',
    'fix: allow that',
  ]);
});
