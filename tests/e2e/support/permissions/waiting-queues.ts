import { waitingQueueSuffix } from '../../../../src/lib/model/rule.ts';

/** The last parts of the names of the waiting queues of `permissions.yml`. */
export const WAITING_QUEUES = [
  ['notified', 'replicas'],
  ['bridged', 'plain-replica'],
  ['tagged', 'replicas'],
].map(([rule = '', destination = '']) => waitingQueueSuffix({ id: rule }, { id: destination }));
