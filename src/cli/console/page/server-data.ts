/** Reads from the server, and sends the requests of the operator to it. */
import { useEffect, useState } from 'preact/hooks';
import type { Problem } from '../api.ts';

const meta = (name: string): string =>
  document.querySelector(`meta[name="${name}"]`)?.getAttribute('content') ?? '';

export const READ_ONLY = meta('console-read-only') === 'true';

/** Makes an error from the reason why a request failed. */
const failed = (problem: Problem): Error => new Error(problem.message, { cause: problem });

const GONE: Problem = {
  message: 'The console does not answer.',
  fix: 'Start it again with `npx s3-replicator console`, and open its new link.',
};

const request = async <Value>(path: string, init: RequestInit): Promise<Value> => {
  const response = await fetch(path, { ...init, credentials: 'same-origin' }).catch(() => null);
  if (response === null) throw failed(GONE);
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
  if (!isJson) throw failed({ message: await response.text() });
  if (response.ok) return await response.json();
  throw failed(await response.json());
};

export const post = <Value>(path: string, body: object): Promise<Value> =>
  request<Value>(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'X-Console-Token': meta('console-token') },
    body: JSON.stringify(body),
  });

export const problemIn = (error: unknown): Problem =>
  error instanceof Error && isProblem(error.cause) ? error.cause : { message: String(error) };

const isProblem = (cause: unknown): cause is Problem =>
  typeof cause === 'object' && cause !== null && 'message' in cause;

export interface Loaded<Value> {
  /** The last answer. It stays while a new one is read. Null if there is no answer yet. */
  value: Value | null;
  problem: Problem | null;
  isLoading: boolean;
  reload(): void;
}

/**
 * Reads a path, and reads it again every `everyMs`. If `everyMs` is null, reads only once. If the path is null, reads nothing. The path
 * of a component never changes. A hidden page does not read, and reads at once when it is shown again.
 */
export const useServer = <Value>(path: string | null, everyMs: number | null = null): Loaded<Value> => {
  const [answer, setAnswer] = useState<Pick<Loaded<Value>, 'problem' | 'value'>>({
    value: null,
    problem: null,
  });
  const [isLoading, setLoading] = useState(false);
  const read = async (): Promise<void> => {
    if (path === null) return;
    setLoading(true);
    const found = await request<Value>(path, {}).then(
      (value) => ({ value, problem: null }),
      (error: unknown) => ({ problem: problemIn(error) }),
    );
    setLoading(false);
    setAnswer((last) => ({ ...last, ...found }));
  };
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const isShown = (): boolean => document.visibilityState === 'visible';
    const tick = async (): Promise<void> => {
      clearTimeout(timer);
      if (isShown()) await read();
      if (!isOver && everyMs !== null && isShown()) timer = setTimeout(() => void tick(), everyMs);
    };
    const onVisible = (): void => {
      if (everyMs !== null) void tick();
    };
    void tick();
    document.addEventListener('visibilitychange', onVisible);
    return () => {
      isOver = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisible);
    };
  }, []);
  return { ...answer, isLoading, reload: () => void read() };
};
