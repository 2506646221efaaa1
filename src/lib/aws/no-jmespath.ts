/**
 * Replaces the JMESPath library of Powertools in the bundles. The idempotency layer would use it to find its key inside a larger event.
 * Our key is the whole payload (see dynamodb/receipts.ts), so no expression is ever evaluated.
 */
export const PowertoolsFunctions = Object;

/** @throws {Error} Always. */
export const search = (): never => {
  throw new Error('JMESPath expressions are not available in this bundle');
};
