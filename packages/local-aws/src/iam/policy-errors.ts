/**
 * The error for a policy that the local AWS cannot evaluate as AWS does. Such a policy is rejected, because any decision could be wrong.
 */
export class UnsupportedPolicy extends Error {
  override readonly name = 'UnsupportedPolicy';
}

/** The error for a policy that AWS rejects. Each service reports it with its own error code. */
export class MalformedPolicy extends Error {
  override readonly name = 'MalformedPolicy';
}

/** The error for a policy that names a role or user that does not exist. Each service reports it with its own error code. */
export class InvalidPrincipal extends Error {
  override readonly name = 'InvalidPrincipal';
  readonly principal: string;

  constructor(principal: string) {
    super(`Invalid principal in policy: "AWS":"${principal}"`);
    this.principal = principal;
  }
}
