/** The values of a metric in a period. Percentiles are exact unless the period has more than {@link EXACT_VALUES} different values. */
export interface Sample {
  count: number;
  sum: number;
  minimum: number;
  maximum: number;
  /** How often each value occurred. */
  values: Map<number, number>;
}

const EXACT_VALUES = 2_000;

export const emptySample = (): Sample => ({
  count: 0,
  sum: 0,
  minimum: Infinity,
  maximum: -Infinity,
  values: new Map(),
});

export const addValue = (sample: Sample, value: number, times = 1): void => {
  sample.count += times;
  sample.sum += value * times;
  sample.minimum = Math.min(sample.minimum, value);
  sample.maximum = Math.max(sample.maximum, value);
  const key = sample.values.has(value) || sample.values.size < EXACT_VALUES ? value : rounded(value);
  sample.values.set(key, (sample.values.get(key) ?? 0) + times);
};

/** Rounds a value to two digits. Used for values beyond the first {@link EXACT_VALUES} different ones, to limit the memory of a sample. */
const rounded = (value: number): number => Number(value.toPrecision(2));

export const mergeSamples = (samples: readonly Sample[]): Sample => {
  const merged = emptySample();
  for (const { values } of samples) for (const [value, times] of values) addValue(merged, value, times);
  return merged;
};

const PERCENTILE = /^p(\d{1,2}(?:\.\d{1,10})?|100)$/;

/** Returns a statistic of a sample, which must not be empty. Returns undefined for a name that is not supported. */
export const statisticOf = (sample: Sample, name: string): number | undefined => {
  switch (name) {
    case 'SampleCount':
      return sample.count;
    case 'Sum':
      return sample.sum;
    case 'Average':
      return sample.sum / sample.count;
    case 'Minimum':
      return sample.minimum;
    case 'Maximum':
      return sample.maximum;
  }
  const percentile = PERCENTILE.exec(name)?.[1];
  return percentile === undefined ? undefined : percentileOf(sample, Number(percentile));
};

const percentileOf = ({ values, count, maximum }: Sample, percentile: number): number => {
  const rank = Math.max(1, Math.ceil((percentile / 100) * count));
  let seen = 0;
  for (const [value, times] of [...values].toSorted(([one], [other]) => one - other)) {
    seen += times;
    if (seen >= rank) return value;
  }
  return maximum;
};
