/** A policy says something the local AWS cannot judge as AWS would. It is refused loudly: never treated as allow or deny. */
export class UnsupportedPolicy extends Error {
  override readonly name = 'UnsupportedPolicy';
}
