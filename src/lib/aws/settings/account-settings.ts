/** All questions that doctor asks AWS with the credentials of the caller, or of a profile. */
import type { AskedPlace } from './asked.ts';
import { type BucketSettings, createBucketSettings } from './bucket-settings.ts';
import { createFunctionSettings, type FunctionSettings } from './function-settings.ts';
import { createKeyPolicies, type KeyPolicies } from './key-policies.ts';
import { createResourcePolicies, type ResourcePolicies } from './resource-policies.ts';
import { createStackSettings, type StackSettings } from './stack-settings.ts';

export interface AccountSettings {
  stacks: StackSettings;
  functions: FunctionSettings;
  resources: ResourcePolicies;
  buckets: BucketSettings;
  keys: KeyPolicies;
}

export const createAccountSettings = (place: AskedPlace): AccountSettings => ({
  stacks: createStackSettings(place),
  functions: createFunctionSettings(place),
  resources: createResourcePolicies(place),
  buckets: createBucketSettings(place),
  keys: createKeyPolicies(place),
});
