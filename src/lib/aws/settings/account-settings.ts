/** All questions that doctor asks AWS with the credentials of the caller. */
import { type BucketSettings, createBucketSettings } from './bucket-settings.ts';
import { createFunctionSettings, type FunctionSettings } from './function-settings.ts';
import { createResourcePolicies, type ResourcePolicies } from './resource-policies.ts';
import { createStackSettings, type StackSettings } from './stack-settings.ts';

export interface AccountSettings {
  stacks: StackSettings;
  functions: FunctionSettings;
  resources: ResourcePolicies;
  buckets: BucketSettings;
}

export const createAccountSettings = (region: string): AccountSettings => ({
  stacks: createStackSettings({ region }),
  functions: createFunctionSettings(region),
  resources: createResourcePolicies(region),
  buckets: createBucketSettings(region),
});
