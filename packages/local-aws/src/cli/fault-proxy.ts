import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { createFaultPlan } from '../faults/fault-plan.ts';
import { isRequestRule } from '../faults/fault-rule.ts';
import { startFaultProxy } from '../faults/fault-proxy.ts';
import { parseFaultRules } from '../faults/rule-file.ts';

const USAGE = `Usage: node packages/local-aws/src/cli/fault-proxy.ts --target <url> --rules <file> [options]

Sits in front of an S3 (or SQS, STS, DynamoDB) endpoint and makes requests fail as the rules say, until Ctrl-C;
then prints the injected faults.

  --target <url>    where requests go, e.g. http://127.0.0.1:9000
  --rules <file>    JSON: a list of rules, see packages/local-aws/docs/faults.md
  --seed <n>        seed of all random decisions (default: 1)
  --target-ca <pem> file with the certificate authority of an HTTPS target
  --port <n>        HTTP port (default: any free one)
  --https-port <n>  HTTPS port (default: any free one)
  --help
`;

const main = async (argv: string[]): Promise<number> => {
  const { values } = parseArgs({
    args: argv,
    options: {
      target: { type: 'string' },
      rules: { type: 'string' },
      seed: { type: 'string', default: '1' },
      'target-ca': { type: 'string' },
      port: { type: 'string', default: '0' },
      'https-port': { type: 'string', default: '0' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  if (values.target === undefined || !URL.canParse(values.target))
    throw new TypeError('--target needs a URL');
  if (values.rules === undefined) throw new TypeError('--rules needs a file');
  const rules = parseFaultRules(await readFile(values.rules, 'utf8'));
  if (!rules.every(isRequestRule))
    throw new TypeError(
      'a proxy sees requests only: rules of queues and functions need the local AWS itself',
    );
  const plan = createFaultPlan({ rules, seed: wholeNumber('--seed', values.seed) });
  const proxy = await startFaultProxy({
    target: values.target,
    plan,
    httpPort: wholeNumber('--port', values.port),
    httpsPort: wholeNumber('--https-port', values['https-port']),
    ...(values['target-ca'] !== undefined && { targetCa: await readFile(values['target-ca'], 'utf8') }),
  });
  process.stdout.write(`${proxy.httpEndpoint}\n${proxy.httpsEndpoint}\n`);
  process.stderr.write(`${proxy.caPem}${plan.describe()}\n`);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve()).once('SIGTERM', () => resolve());
  });
  await proxy.close();
  process.stderr.write(`${plan.describe()}\n`);
  return 0;
};

const wholeNumber = (option: string, text: string): number => {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new TypeError(`${option} ${text}: not a whole number`);
};

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const isMisuse = error instanceof TypeError;
  process.stderr.write(
    `${error instanceof Error ? error.message : String(error)}\n${isMisuse ? `\n${USAGE}` : ''}`,
  );
  process.exit(isMisuse ? 2 : 1);
}
