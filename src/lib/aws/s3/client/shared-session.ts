interface Session {
  expiration?: Date;
}

/**
 * Returns a function that shares one session. The clients of a pair often need credentials at the same time, and the role is then
 * assumed only once.
 */
export const sharedSession = <S extends Session>(assume: () => Promise<S>): (() => Promise<S>) => {
  let current: Promise<S> | null = null;
  return async () => {
    const seen = current;
    const known = await seen?.catch(() => null);
    const endsMs = known?.expiration?.getTime() ?? 0;
    if (known && endsMs > Date.now() + REFRESH_BEFORE_MS) return known;
    // If another caller has called `assume` during the wait, `current` has changed, and this caller uses the same session.
    if (current === null || current === seen) current = assume();
    return await current;
  };
};

/** How long credentials must still be valid. Credentials that expire sooner are refreshed first. The SDK uses the same value. */
const REFRESH_BEFORE_MS = 5 * 60_000;
