/** Filled in by the bundler with the validated `replication.yml` (see `src/stack/bundle.ts`). */
declare module 'replication-configuration' {
  import type { ReplicationConfiguration } from './lib/model/rule.ts';
  export const configuration: ReplicationConfiguration;
}
