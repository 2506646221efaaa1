import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface FunctionProcessOptions {
  /** The folder of the unpacked code, which is also the value of LAMBDA_TASK_ROOT. The process cannot write to it. */
  taskRoot: string;
  memorySizeMb: number;
  /** Maximum size of a file. The default is 512. */
  ephemeralStorageMb?: number;
  /** The only folder that the process can write to. It takes the place of /tmp. */
  temporaryDirectory: string;
  /** All environment variables of the process, except AWS_LAMBDA_RUNTIME_API and TMPDIR. */
  variables: Record<string, string>;
}

const BOOTSTRAP = fileURLToPath(new URL('./bootstrap.mjs', import.meta.url));

/**
 * Starts the process of an execution environment. Besides the output streams it has two pipes. The first is closed whenever this process ends,
 * even after a crash; the child then ends too. A byte in the second lets the child continue with its next invocation.
 */
export const spawnFunction = (options: FunctionProcessOptions, runtimeApiAddress: string): ChildProcess => {
  const { temporaryDirectory, ephemeralStorageMb = 512 } = options;
  const flags = [...heapFlags(options.memorySizeMb), ...permissionFlags(temporaryDirectory)];
  // The shell limits the size of files, in blocks of 512 bytes, and becomes the process of the function.
  const script = `ulimit -f ${ephemeralStorageMb * 2048}; exec "$0" "$@"`;
  const child = spawn('/bin/sh', ['-c', script, process.execPath, ...flags, BOOTSTRAP], {
    cwd: options.taskRoot,
    env: { ...options.variables, TMPDIR: temporaryDirectory, AWS_LAMBDA_RUNTIME_API: runtimeApiAddress },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
  });
  // If the child ends before this process, the pipes fail. This is not an error here.
  for (const pipe of child.stdio.slice(3)) pipe?.on('error', () => undefined);
  return child;
};

/** The flags for the heap sizes. As in Lambda's Node.js images, a tenth of the memory is for the young generation. */
const heapFlags = (memorySizeMb: number): string[] => {
  const youngMb = Math.floor(memorySizeMb / 10);
  return [
    `--max-old-space-size=${memorySizeMb - youngMb}`,
    `--max-semi-space-size=${Math.floor(youngMb / 2)}`,
  ];
};

/** Node's permission model lets the process write to one folder only. Everything else stays allowed, without the warnings about it. */
const permissionFlags = (writable: string): string[] => [
  '--permission',
  '--allow-fs-read=*',
  `--allow-fs-write=${writable}`,
  '--allow-worker',
  '--allow-child-process',
  '--allow-addons',
  '--disable-warning=SecurityWarning',
];
