import type { CliIo, Output } from './io.ts';
import { wrapText } from './wrap.ts';

/**
 * Returns the terminal of a command, on which lines are broken to fit. Output for other programs stays unchanged: the output of `--json`,
 * and the text that {@link writeData} writes.
 */
export const fittedIo = (io: CliIo, argv: readonly string[]): CliIo => ({
  ...io,
  stdout: argv.includes('--json') ? io.stdout : fittedOutput(io.stdout),
  stderr: fittedOutput(io.stderr),
  get columns() {
    return io.columns;
  },
});

/** Writes a text for a program, such as a script or a JSON schema. Its lines are not broken. */
export const writeData = (output: Output, text: string): void => {
  if (output.writeData === undefined) output.write(text);
  else output.writeData(text);
};

const fittedOutput = (output: Output): Output => ({
  write: (text) => output.write(output.columns === undefined ? text : wrapText(text, output.columns)),
  writeData: (text) => output.write(text),
  ...(output.isTTY === undefined ? {} : { isTTY: output.isTTY }),
  get columns() {
    return output.columns;
  },
  get rows() {
    return output.rows;
  },
});
