/** The least a function can be: what starting it takes is the floor for every other. */
export const handler = async (): Promise<null> => null;
