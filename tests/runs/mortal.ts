/** Wraps a port so that `point` is called before and after each of its calls. */
export const mortal = <T extends object>(port: T, point: () => void): T => {
  const wrap = (value: unknown): unknown =>
    typeof value === 'function'
      ? async (...args: unknown[]): Promise<unknown> => {
          point();
          const answer: unknown = await value(...args);
          point();
          return answer;
        }
      : value;
  return Object.fromEntries(Object.entries(port).map(([name, value]) => [name, wrap(value)])) as T;
};
