/** A command in a real pseudo-terminal, which the program `script` of util-linux makes. */
import { spawn, spawnSync } from 'node:child_process';
import { stripVTControlCharacters } from 'node:util';

export const HAS_PSEUDO_TERMINAL = spawnSync('script', ['--version']).status === 0;

export interface Conversation {
  /** Waits until the terminal shows a text. Only output after the text of the previous wait counts. Rejects if the command ends first. */
  shows(text: string): Promise<void>;
  type(keys: string): void;
  /** Resolves to the exit code when the command has ended. */
  end: Promise<number | null>;
  /** All that the terminal has shown, without control characters. */
  shown(): string;
  /** All that was written to the terminal. */
  written(): string;
}

export const KEYS = { enter: '\r', down: '\u001b[B', ctrlC: '\u0003' };

/** Starts a shell command in a terminal of this many columns. */
export const converse = (
  command: string,
  { cwd, env, columns = 80 }: { cwd: string; env: NodeJS.ProcessEnv; columns?: number },
): Conversation => {
  const sized = `stty cols ${columns} rows 40; ${command}`;
  const child = spawn('script', ['--quiet', '--return', '--command', sized, '/dev/null'], { cwd, env });
  let text = '';
  let written = '';
  let read = 0;
  let look = (): void => undefined;
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    written += more;
    text += stripVTControlCharacters(more);
    look();
  });
  const end = new Promise<number | null>((resolve) => child.once('close', resolve));
  return {
    end,
    shown: () => text,
    written: () => written,
    type: (keys) => void child.stdin.write(keys),
    shows: (expected) =>
      new Promise<void>((resolve, reject) => {
        look = () => {
          const at = text.indexOf(expected, read);
          if (at < 0) return;
          read = at + expected.length;
          look = () => undefined;
          resolve();
        };
        look();
        void end.then(() => reject(new Error(`the command ended without ${expected}:\n${text}`)));
      }),
  };
};
