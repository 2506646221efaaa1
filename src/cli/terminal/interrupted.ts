/** The person at the terminal has ended the command instead of answering a question. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
}
