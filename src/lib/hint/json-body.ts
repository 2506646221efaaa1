/** The body of a message of our own as a record; an empty one where it is no JSON object. */
export const recordIn = (body: string): Record<string, unknown> => {
  try {
    const json: unknown = JSON.parse(body);
    return typeof json === 'object' && json !== null ? { ...json } : {};
  } catch {
    return {};
  }
};
