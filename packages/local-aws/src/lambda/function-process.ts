import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface FunctionProcessOptions {
  /** The folder of the unpacked code, which is also the value of LAMBDA_TASK_ROOT. The process cannot write to it. */
  taskRoot: string;
  memorySizeMb: number;
  /** Maximum size of a file in MiB. The default is 512. */
  ephemeralStorageMb?: number;
  /** The only folder that the process can write to. It replaces /tmp. */
  temporaryDirectory: string;
  /** All environment variables of the process, except AWS_LAMBDA_RUNTIME_API and TMPDIR. */
  variables: Record<string, string>;
}

const BOOTSTRAP = fileURLToPath(new URL('./bootstrap.mjs', import.meta.url));

/**
 * Starts the process of an execution environment. In addition to its output streams, the child process has two pipes. The first closes when
 * this process ends, even in a crash, and the child then ends too. A byte in the second lets the child continue with its next invocation.
 */
export const spawnFunction = (options: FunctionProcessOptions, runtimeApiAddress: string): ChildProcess => {
  const { temporaryDirectory, ephemeralStorageMb = 512 } = options;
  const flags = [...heapFlags(options.memorySizeMb), ...permissionFlags(temporaryDirectory)];
  // The shell sets the maximum file size, in blocks of 512 bytes. Then `exec` replaces the shell by the process of the function.
  const script = `ulimit -f ${ephemeralStorageMb * 2048}; exec "$0" "$@"`;
  const child = spawn('/bin/sh', ['-c', script, process.execPath, ...flags, BOOTSTRAP], {
    cwd: options.taskRoot,
    env: { ...options.variables, TMPDIR: temporaryDirectory, AWS_LAMBDA_RUNTIME_API: runtimeApiAddress },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
  });
  // When the child ends, its pipes break. These errors are expected.
  for (const pipe of child.stdio.slice(3)) pipe?.on('error', () => undefined);
  return child;
};

/** Returns the flags for the heap sizes. As in Lambda's Node.js images, a tenth of the memory is for the young generation. */
const heapFlags = (memorySizeMb: number): string[] => {
  const youngMb = Math.floor(memorySizeMb / 10);
  return [
    `--max-old-space-size=${memorySizeMb - youngMb}`,
    `--max-semi-space-size=${Math.floor(youngMb / 2)}`,
  ];
};

/**
 * Returns flags of Node's permission model that let the process write to a single folder. They allow everything else, and switch off the
 * warnings about that.
 */
const permissionFlags = (writable: string): string[] => [
  '--permission',
  '--allow-fs-read=*',
  `--allow-fs-write=${writable}`,
  '--allow-worker',
  '--allow-child-process',
  '--allow-addons',
  '--disable-warning=SecurityWarning',
];
