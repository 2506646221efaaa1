/** The options that limit how fast and when a run works. */
import { isTimeZone } from '../../lib/model/local-time.ts';
import { LEAST_REQUESTS_PER_SECOND, parseHours, type RunLimits } from '../../lib/model/run-limits.ts';
import { byteText, countText } from '../../lib/text/amounts.ts';
import { parseByteSize } from '../../lib/text/byte-size.ts';
import type { OptionSpec, ParsedOptions } from '../terminal/command.ts';

const NONE = 'none';
const LARGEST_RATE = 1_000_000;

export const LIMIT_OPTIONS = {
  'max-requests-per-second': {
    value: 'N|none',
    check: (text) => {
      const isWithin =
        /^\d+$/.test(text) && Number(text) >= LEAST_REQUESTS_PER_SECOND && Number(text) <= LARGEST_RATE;
      return text === NONE || isWithin
        ? null
        : `takes a whole number from ${LEAST_REQUESTS_PER_SECOND} to ${LARGEST_RATE}, or none`;
    },
    description:
      'How many requests to S3 all workers of the run may make each second together. Default: as replication.yml says.',
  },
  'max-bytes-per-second': {
    value: 'SIZE|none',
    check: (text) => (text === NONE || bytesOf(text) !== null ? null : 'takes a size like 50MB, or none'),
    description: 'How many bytes may be copied for the run each second. Default: as replication.yml says.',
  },
  hours: {
    value: 'FROM-TO|none',
    check: (text) =>
      text === NONE || parseHours(text) !== null ? null : 'takes hours like 22:00-06:00, or none',
    description: 'The hours at which the run may work, like 22:00-06:00. Default: as replication.yml says.',
  },
  'time-zone': {
    value: 'ZONE',
    check: (text) => (isTimeZone(text) ? null : 'takes a time zone like Europe/Berlin'),
    description: 'The time zone of --hours. Default: UTC.',
  },
} as const satisfies Record<string, OptionSpec>;

export const LIMIT_NAMES = Object.keys(LIMIT_OPTIONS);

const bytesOf = (text: string): number | null => {
  const bytes = parseByteSize(text);
  return typeof bytes === 'number' && bytes > 0 ? bytes : null;
};

/** Returns only the limits that the options give. */
export const limitsIn = (options: ParsedOptions): Partial<RunLimits> => {
  const requests = options.value('max-requests-per-second');
  const bytes = options.value('max-bytes-per-second');
  const text = options.value('hours');
  const hours = text === null ? null : parseHours(text);
  return {
    ...(requests === null ? {} : { requestsPerSecond: requests === NONE ? null : Number(requests) }),
    ...(bytes === null ? {} : { bytesPerSecond: bytes === NONE ? null : bytesOf(bytes) }),
    ...(text === null
      ? {}
      : { hours: hours === null ? null : { ...hours, timeZone: options.value('time-zone') ?? 'UTC' } }),
  };
};

/** Describes limits, for example `at most 100 requests/s, from 22:00 to 06:00 Europe/Berlin`. Returns null if there are no limits. */
export const limitsText = ({ requestsPerSecond, bytesPerSecond, hours }: RunLimits): string | null => {
  const parts = [
    ...(requestsPerSecond === null ? [] : [`at most ${countText(requestsPerSecond)} requests/s`]),
    ...(bytesPerSecond === null ? [] : [`at most ${byteText(bytesPerSecond)}/s`]),
    ...(hours === null
      ? []
      : [`from ${clock(hours.fromMinutes)} to ${clock(hours.toMinutes)} ${hours.timeZone}`]),
  ];
  return parts.length === 0 ? null : parts.join(', ');
};

const clock = (minutes: number): string =>
  [Math.floor(minutes / 60), minutes % 60].map((part) => String(part).padStart(2, '0')).join(':');
