import type { Fault } from '../core/fault.ts';
import type { FaultRule } from './fault-rule.ts';

export interface ChaosOptions {
  /** The probability of a fault on each occasion, from 0 to 1. The default is 0.05. */
  probability?: number;
  /** Maximum number of hits of a rule on one subject, so that work can finish. The default is 3. */
  times?: number;
  /** The caller of the requests. The default is every caller. */
  caller?: string;
  /** The ARN or name of a queue. The default is every queue. */
  queue?: string;
  /** The name of a function whose invocations are also killed and timed out. The default is no function. */
  function?: string;
}

/**
 * Creates rules that make requests, messages and invocations fail occasionally, in many ways in which AWS can fail. The seed of the plan
 * determines which occasions are hit. Slow faults, such as missing responses and slow bodies, need additional rules.
 */
export const chaosRules = (options: ChaosOptions = {}): FaultRule[] => {
  const { probability = 0.05, times = 3, caller, queue = '*' } = options;
  const often = { probability: probability / REQUEST_FAULTS.length, times, per: 'subject' as const };
  const seldom = { probability, times, per: 'subject' as const };
  const by = caller === undefined ? {} : { caller };
  return [
    ...REQUEST_FAULTS.map((fault): FaultRule => ({
      operation: '*',
      fault,
      ...often,
      ...by,
    })),
    { operation: 's3:GetObject', fault: { kind: 'truncate', afterBytes: 1000 }, ...seldom, ...by },
    { operation: 's3:PutObject', fault: { kind: 'truncate-request', afterBytes: 1000 }, ...seldom, ...by },
    {
      operation: 's3:UploadPart',
      fault: { kind: 'truncate-request', afterBytes: 1_000_000 },
      ...seldom,
      ...by,
    },
    { queue, fault: { kind: 'delay-message', byMs: 3_000 }, ...seldom },
    { queue, fault: { kind: 'duplicate-message', copies: 1 }, ...seldom },
    { queue, fault: { kind: 'visible-again', afterMs: 0 }, ...seldom },
    { queue, fault: { kind: 'forget-delete' }, ...seldom },
    { queue, fault: { kind: 'shuffle' } },
    ...(options.function === undefined
      ? []
      : [
          { function: options.function, fault: { kind: 'kill-invocation' as const, afterMs: 50 }, ...seldom },
          {
            function: options.function,
            fault: { kind: 'time-out-invocation' as const, afterMs: 100 },
            ...seldom,
          },
          ...(['before', 'after'] as const).map((when): FaultRule => ({
            operation: '*',
            fault: { kind: 'kill-function', when },
            probability: probability / 20,
            times: 1,
            per: 'subject',
            ...by,
          })),
        ]),
  ];
};

const REQUEST_FAULTS: Fault[] = [
  { kind: 'throttle' },
  { kind: 'error', status: 500, code: 'InternalError' },
  { kind: 'reset-before' },
  { kind: 'reset-after' },
  { kind: 'expired-credentials' },
  { kind: 'clock-skew', aheadMs: 3_600_000 },
];
