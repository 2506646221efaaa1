/** The smallest possible function. No other function can start faster. */
export const handler = async (): Promise<null> => null;
