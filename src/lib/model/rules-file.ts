/** The file with the validated rules that packaging adds to the code of each function, beside the bundle of the handler. */
export const RULES_FILE = 'replication.json';
