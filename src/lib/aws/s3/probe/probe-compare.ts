/** Tries the roles that backfill and verify use to look at replicas. */
import { compareRoleArn, type ReplicationConfiguration, ruleDestinations } from '../../../model/rule.ts';
import type { ProbeCompareRoles } from '../../../runs/compare-probe.ts';
import type { S3Clients } from '../client/clients.ts';
import { absentKey } from './probe-key.ts';
import { probeReading } from './probe-permissions.ts';
import { createAssumeProbe } from './probe-trust.ts';

/**
 * Creates the probe of the roles that compare. `clientsFor` creates clients without earlier sessions, because a session that
 * began before a change of its role is still valid.
 */
export const createCompareProbe = (
  { configuration, clientsFor }: { configuration: ReplicationConfiguration; clientsFor(): S3Clients },
  place: { region: string; sessionName: string; now(): number },
): ProbeCompareRoles => {
  const assume = createAssumeProbe(place);
  return async () => {
    const clients = clientsFor();
    const places = ruleDestinations(configuration).map(async ({ rule, destination }) => {
      const names = { rule: rule.id, destination: destination.id };
      if (destination.service !== null) return { ...names, steps: [] };
      const session = await assume(compareRoleArn(destination.roleArn), destination.externalId);
      if (session.answer !== 'allowed') return { ...names, steps: [session] };
      const client = clients.destination(destination).retrying;
      const key = absentKey(rule, destination);
      const tried = { client, rule, destination, key, hasObjectLock: true, now: place.now() };
      return { ...names, steps: await probeReading(tried) };
    });
    return { places: await Promise.all(places) };
  };
};
