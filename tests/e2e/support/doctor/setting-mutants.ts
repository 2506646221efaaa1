/** Settings of the source account that somebody flips, one at a time. */
import type { Stage } from '../stages/stage.ts';
import { bucketMutants, denialMutants } from './bucket-mutants.ts';
import { functionMutants } from './function-mutants.ts';
import type { Mutant } from './mutant.ts';
import { notificationMutants } from './notification-mutants.ts';
import { alarmMutants, queueSettingMutants } from './queue-mutants.ts';

export const settingMutants = (stage: Stage): Mutant[] => [
  ...functionMutants(stage),
  ...queueSettingMutants(stage),
  ...alarmMutants(stage),
  ...notificationMutants(stage),
  ...bucketMutants(stage),
  ...denialMutants(stage),
];
