/** The smallest possible function. Its start time is the floor for every other function. */
export const handler = async (): Promise<null> => null;
