/** The file with the validated rules that packaging adds to the code of each function, beside the bundle of the handler. */
export const RULES_FILE = 'replication.json';

/** The path of this file in the zip of a function. */
export const RULES_PATH = `src/handlers/${RULES_FILE}`;
