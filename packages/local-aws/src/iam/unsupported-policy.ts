/**
 * The error for a policy that the local AWS cannot evaluate as AWS does. Such a policy is rejected, because any decision could be wrong.
 */
export class UnsupportedPolicy extends Error {
  override readonly name = 'UnsupportedPolicy';
}
