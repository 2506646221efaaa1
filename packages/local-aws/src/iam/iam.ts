import { randomBytes } from 'node:crypto';
import type { Caller, Credentials, PolicyDocument, PolicyKeeper } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import { type Faults, NO_FAULTS } from '../core/fault.ts';
import { createPropagating } from '../core/propagation.ts';
import { createAuthorizer } from './authorizer.ts';
import { bindPrincipals, showPrincipals } from './bound-principals.ts';
import { createManagedPolicies, type ManagedPolicies } from './managed-policies.ts';
import { parsePolicy } from './policy.ts';
import { checkRole } from './quotas.ts';

export interface RoleDefinition {
  accountId: string;
  roleName: string;
  /** The default is `/`. */
  path?: string;
  assumeRolePolicy: PolicyDocument;
  /** All identity policies of the role: inline policies and managed policies. */
  policies: PolicyDocument[];
  /**
   * The names of the inline policies and the ARNs of the managed ones, in the order of `policies`. Null if the name does not matter. Absent
   * if no name matters.
   */
  policyNames?: readonly (string | null)[];
  /** The default is 3,600, as in AWS. */
  maxSessionDurationSeconds?: number;
  /** The permissions boundary. It only restricts what the other policies allow. */
  boundary?: PolicyDocument | undefined;
}

export interface Role extends Required<Omit<RoleDefinition, 'boundary'>> {
  boundary?: PolicyDocument | undefined;
  arn: string;
  /** The trust policy as IAM stores it: with the ids of roles instead of their ARNs. */
  trust: PolicyDocument;
  /** The unique id, which begins with AROA. A role that is deleted and created again with the same name gets another id. */
  roleId: string;
}

/** Options of AssumeRole that apply to the session. */
export interface SessionChoices {
  /** A session policy, which restricts the permissions of the role. */
  policy?: PolicyDocument | undefined;
  sourceIdentity?: string | undefined;
}

export interface Session {
  caller: Caller & { kind: 'session' };
  credentials: Required<Credentials>;
}

export type KeyLookup =
  | { status: 'active'; caller: Caller; credentials: Credentials }
  | { status: 'unknown' | 'wrong-token' | 'expired' };

/** The local IAM. It knows the principals of all accounts and decides about their permissions. */
export interface Iam extends PolicyKeeper {
  /** The access key of the account's root user, who may do everything in the account. The first call creates the key. */
  rootCredentials(accountId: string): Credentials;
  rootCaller(accountId: string): Caller;
  /**
   * Creates a role, or changes the existing role of that name. An unchanged trust policy keeps applying to the principals that existed when
   * it was set. Throws the errors of {@link PolicyKeeper.keep}.
   */
  putRole(definition: RoleDefinition): Role;
  /** Returns a role; `undefined` if it does not exist. */
  role(roleArn: string): Role | undefined;
  /** Returns the role of an account with this name, whatever its path; `undefined` if it does not exist. */
  roleNamed(accountId: string, roleName: string): Role | undefined;
  /**
   * Returns the role as requests see it. A recent change may not have taken effect yet. Returns `undefined` if the role does not exist, or
   * its creation has not taken effect yet.
   */
  knownRole(roleArn: string): Role | undefined;
  /** Deletes a role and ends its sessions. */
  deleteRole(roleArn: string): void;
  /** The customer managed policies of all accounts. */
  managedPolicies: ManagedPolicies<Role>;
  /** Creates temporary credentials of a role. Does not check the trust policy. Used by the local STS and Lambda. */
  createSession(
    roleArn: string,
    sessionName: string,
    durationSeconds: number,
    chosen?: SessionChoices,
  ): Session;
  /** Finds the caller with an access key id. For a session's key, the session token must match too. */
  callerOf(accessKeyId: string, sessionToken: string | undefined): KeyLookup;
  /** Makes all sessions of a role expire immediately. */
  expireSessions(roleArn: string): void;
  /** Makes an account a member of an organization, e.g. `o-a1b2c3d4e5`. */
  joinOrganization(accountId: string, organizationId: string): void;
  /** Sets the service control policies of an account. They restrict everybody in the account, including the root user. */
  controlAccount(accountId: string, policies: PolicyDocument[]): void;
}

export function createIam({ clock, faults = NO_FAULTS }: { clock: Clock; faults?: Readonly<Faults> }): Iam {
  const roles = new Map<string, Role>();
  const roots = new Map<string, Credentials>();
  const keys = new Map<string, Key>();
  const sessionPolicies = new WeakMap<Caller, PolicyDocument>();
  const propagating = createPropagating<Role | undefined>(clock, () => faults.propagation?.policyMs);
  const knownRole = (roleArn: string): Role | undefined => propagating.known(roleArn, roles.get(roleArn));
  const { ofAccount, ...organizations } = createOrganizations();
  const authorizer = createAuthorizer(clock, {
    sessionPolicyOf: (caller) => sessionPolicies.get(caller),
    ...ofAccount,
  });
  const keeper = policyKeeper(roles);
  const putRole: Iam['putRole'] = (definition) => {
    const role = roleOf(definition, roles, keeper);
    propagating.changing(role.arn, roles.get(role.arn));
    roles.set(role.arn, role);
    return role;
  };

  return {
    managedPolicies: createManagedPolicies<Role>({ roles: () => [...roles.values()], putRole }),
    putRole,
    decide: (question) => authorizer.decide(question),
    ...keeper,
    ...organizations,
    rootCaller,
    rootCredentials(accountId) {
      const known = roots.get(accountId);
      if (known) return known;
      const credentials = permanentCredentials();
      roots.set(accountId, credentials);
      keys.set(credentials.accessKeyId, { caller: rootCaller(accountId), credentials });
      return credentials;
    },
    role: (roleArn) => roles.get(roleArn),
    roleNamed: (accountId, roleName) => findRole(roles, accountId, roleName),
    knownRole,
    deleteRole(roleArn) {
      const role = roles.get(roleArn);
      roles.delete(roleArn);
      propagating.forget(roleArn);
      for (const [id, key] of keys) if (role && key.roleId === role.roleId) keys.delete(id);
    },
    createSession(roleArn, sessionName, durationSeconds, { policy, sourceIdentity } = {}) {
      const role = roles.get(roleArn);
      if (!role) throw new Error(`there is no role ${roleArn}`);
      if (policy) parsePolicy(policy, 'identity');
      const named = { sessionName, sourceIdentity, issuedMs: clock.now() };
      const caller = sessionCaller(role, named, () => knownRole(roleArn));
      if (policy) sessionPolicies.set(caller, policy);
      const credentials = temporaryCredentials(clock.now() + durationSeconds * 1000);
      keys.set(credentials.accessKeyId, { caller, credentials, roleId: role.roleId });
      return { caller, credentials };
    },
    callerOf: (accessKeyId, sessionToken) => keyStatus(keys.get(accessKeyId), sessionToken, clock.now()),
    expireSessions: (roleArn) => expire(keys, roles.get(roleArn), clock.now()),
  };
}

/** Keeps the organization and the service control policies of each account. */
const createOrganizations = () => {
  const ids = new Map<string, string>();
  const controls = new Map<string, PolicyDocument[]>();
  return {
    ofAccount: {
      organizationOf: (accountId: string) => ids.get(accountId),
      controlsOf: (accountId: string) => controls.get(accountId),
    },
    joinOrganization: (accountId: string, organizationId: string) => void ids.set(accountId, organizationId),
    controlAccount: (accountId: string, policies: PolicyDocument[]): void => {
      for (const policy of policies) parsePolicy(policy, 'identity');
      controls.set(accountId, policies);
    },
  };
};

const findRole = (roles: ReadonlyMap<string, Role>, accountId: string, roleName: string): Role | undefined =>
  [...roles.values()].find((role) => role.accountId === accountId && role.roleName === roleName);

const policyKeeper = (roles: ReadonlyMap<string, Role>): Pick<PolicyKeeper, 'keep' | 'show'> => {
  const roleOfId = (id: string): Role | undefined => [...roles.values()].find(({ roleId }) => roleId === id);
  return {
    keep: (document, kind) => {
      const bound = bindPrincipals(document, (name) => (roles.get(name) ?? roleOfId(name))?.roleId);
      parsePolicy(bound, kind);
      return bound;
    },
    show: (document) => showPrincipals(document, (id) => roleOfId(id)?.arn),
  };
};

const roleOf = (
  definition: RoleDefinition,
  roles: ReadonlyMap<string, Role>,
  { keep }: Pick<PolicyKeeper, 'keep'>,
): Role => {
  for (const policy of definition.policies) parsePolicy(policy, 'identity');
  checkRole(
    definition.roleName,
    definition.policies.map((document, index) => ({
      name: definition.policyNames?.[index] ?? null,
      document,
    })),
  );
  if (definition.boundary) parsePolicy(definition.boundary, 'identity');
  const { path = '/' } = definition;
  const arn = `arn:aws:iam::${definition.accountId}:role${path}${definition.roleName}`;
  const existing = roles.get(arn);
  const isSameTrust =
    JSON.stringify(existing?.assumeRolePolicy) === JSON.stringify(definition.assumeRolePolicy);
  return {
    maxSessionDurationSeconds: 3600,
    policyNames: [],
    ...definition,
    path,
    arn,
    roleId: existing?.roleId ?? randomId('AROA', 17),
    trust: existing && isSameTrust ? existing.trust : keep(definition.assumeRolePolicy, 'trust'),
  };
};

interface Key {
  caller: Caller;
  credentials: Credentials;
  /** The id of the role whose session has this key. Absent for the key of a root user. */
  roleId?: string;
}

const expire = (keys: ReadonlyMap<string, Key>, role: Role | undefined, nowMs: number): void => {
  for (const key of keys.values())
    if (role && key.roleId === role.roleId) key.credentials.expiresAtMs = nowMs;
};

const keyStatus = (
  key: Key | undefined,
  sessionToken: string | undefined,
  nowMs: number,
): ReturnType<Iam['callerOf']> => {
  if (!key) return { status: 'unknown' };
  const { caller, credentials } = key;
  if (credentials.sessionToken !== sessionToken) return { status: 'wrong-token' };
  if (credentials.expiresAtMs !== undefined && credentials.expiresAtMs <= nowMs) return { status: 'expired' };
  return { status: 'active', caller, credentials };
};

const permanentCredentials = () => ({
  accessKeyId: randomId('AKIA', 16),
  secretAccessKey: randomSecret(),
});

const temporaryCredentials = (expiresAtMs: number) => ({
  accessKeyId: randomId('ASIA', 16),
  secretAccessKey: randomSecret(),
  sessionToken: randomBytes(192).toString('base64'),
  expiresAtMs,
});

/** The root user of an account, who may do everything in the account. */
export function rootCaller(accountId: string): Caller {
  return { kind: 'root', accountId, arn: `arn:aws:iam::${accountId}:root`, principalId: accountId };
}

function sessionCaller(
  role: Role,
  {
    sessionName,
    sourceIdentity,
    issuedMs,
  }: { sessionName: string; sourceIdentity: string | undefined; issuedMs: number },
  known: () => Role | undefined,
): Session['caller'] {
  return {
    kind: 'session',
    accountId: role.accountId,
    arn: `arn:aws:sts::${role.accountId}:assumed-role/${role.roleName}/${sessionName}`,
    roleArn: role.arn,
    principalId: `${role.roleId}:${sessionName}`,
    issuedAt: new Date(issuedMs).toISOString(),
    ...(sourceIdentity !== undefined && { sourceIdentity }),
    policies: () => known()?.policies ?? [],
    boundary: () => known()?.boundary,
  };
}

function randomId(prefix: string, length: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return prefix + Array.from(randomBytes(length), (byte) => alphabet[byte % 32]).join('');
}

function randomSecret(): string {
  return randomBytes(30).toString('base64');
}
