import type { Fault } from '../core/fault.ts';
import type { FaultRule } from './fault-rule.ts';

export interface ChaosOptions {
  /** The probability, from 0 to 1, that a request, message or invocation fails. The default is 0.05. */
  probability?: number;
  /** Maximum number of faults that a rule injects for one key or function, so that the work can finish. The default is 3. */
  times?: number;
  /** Only requests of this caller fail. By default, requests of every caller fail. */
  caller?: string;
  /** Only messages of the queue with this ARN or name fail. By default, messages of every queue fail. */
  queue?: string;
  /** The function whose invocations are also killed and timed out. The default is no function. */
  function?: string;
}

/**
 * Creates rules that make requests, messages and invocations fail occasionally, in many of the ways in which AWS can fail. The seed of the
 * plan determines which ones fail. Slow faults, such as missing responses and slow bodies, need additional rules.
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
