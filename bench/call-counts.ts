/** How often each operation was called, by `service:Operation`. */
export type CallCounts = Map<string, number>;

/** The calls of one service: how many, and which in words. */
export const callsOf = (counts: CallCounts, service: string): { total: number; detail: string } => {
  const own = [...counts].filter(([operation]) => operation.startsWith(`${service}:`));
  return {
    total: own.reduce((sum, [, count]) => sum + count, 0),
    detail: own
      .map(([operation, count]) => `${count > 1 ? `${count} ` : ''}${operation.slice(service.length + 1)}`)
      .join(', '),
  };
};
