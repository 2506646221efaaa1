/** The command that serves the console. */
import { once } from 'node:events';
import { STATUS_PORTS } from '../status/status.ts';
import { OWNER_OPTIONS } from '../doctor/doctor.ts';
import { AWS } from '../runs/run-ports.ts';
import { DEPLOYMENT_OPTIONS, deploymentOf, deploymentValues } from '../deployment.ts';
import { type CommandSpec, helpText, parseOptions } from '../terminal/command.ts';
import type { Command } from '../terminal/command-group.ts';
import { CliError } from '../terminal/errors.ts';
import { EXIT } from '../terminal/io.ts';
import type { Deployed } from './deployed.ts';
import { letterRoutes } from './letter-routes.ts';
import { lookRoutes } from './look-routes.ts';
import { loadPage } from './page-files.ts';
import { runRoutes } from './run-routes.ts';
import { startConsoleServer } from './server.ts';

export const CONSOLE: CommandSpec = {
  name: 'console',
  summary: 'Serve a page on this machine that shows and operates the deployment.',
  description: [
    'Prints a link, and serves until Ctrl-C. The page shows the state of every destination, dead letters, runs, what happened to one object, and what doctor finds. It does what the other commands do, with your own credentials, and nothing is deployed for it.',
    'The server listens on 127.0.0.1 only. The link works once, in one browser. docs/console.md describes what keeps others out.',
  ],
  options: {
    port: {
      value: 'PORT',
      range: { minimum: 1_024, maximum: 65_535 },
      description: 'The port to listen on, 1024 to 65535. Default: a free port.',
    },
    ...OWNER_OPTIONS,
    'read-only': { description: 'Show everything, and refuse whatever changes something.' },
    ...DEPLOYMENT_OPTIONS,
  },
  exitCodes: [
    [EXIT.failure, 'The port is in use, or the configuration file cannot be read.'],
    [EXIT.usage, 'The command line is wrong.'],
    [EXIT.interrupted, 'Ended by Ctrl-C.'],
  ],
  examples: [
    ['npx s3-replicator console', 'Serve the page, and print its link'],
    ['npx s3-replicator console --stage prod --profile support --read-only', 'For looking only'],
  ],
};

/** Runs `s3-replicator console …`. Resolves to the exit code. Throws CliError. */
export const runConsole: Command = async (argv, io) => {
  const options = parseOptions(CONSOLE, argv);
  if (options.has('help')) {
    io.stdout.write(helpText(CONSOLE, io.columns));
    return EXIT.ok;
  }
  // Reports a mistake in --config or --stage in the terminal, before the browser opens.
  deploymentOf(options, io);
  const deployed: Deployed = {
    io,
    options,
    argv: deploymentValues(options).map(([name, value]) => `--${name}=${value}`),
    ports: { status: STATUS_PORTS, runs: AWS },
  };
  const server = await startConsoleServer({
    port: options.number('port') ?? 0,
    readOnly: options.has('read-only'),
    page: await loadPage(),
    routes: [...lookRoutes(deployed), ...letterRoutes(deployed), ...runRoutes(deployed)],
    onBug: (error) =>
      io.stderr.write(`unexpected error\n${error instanceof Error ? error.stack : String(error)}\n`),
  }).catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw new CliError('bad-value', `--port: ${error.message}.`, { cause: error });
  });
  io.stdout.write(`${server.link}\n`);
  io.stderr.write(`Open the link in a browser. It works once. Ctrl-C ends the console.\n`);
  if (!io.interrupted.aborted) await once(io.interrupted, 'abort');
  await server.stop();
  return EXIT.interrupted;
};
