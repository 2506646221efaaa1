/**
 * A policy contains something that the local AWS cannot evaluate as AWS does. It is refused, never treated as allow or deny.
 */
export class UnsupportedPolicy extends Error {
  override readonly name = 'UnsupportedPolicy';
}
