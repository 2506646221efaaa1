/** US$ in us-east-1, from AWS's price lists of 2026. */
export const PRICES = {
  s3Write: 0.005 / 1_000,
  s3Read: 0.0004 / 1_000,
  sqs: 0.4 / 1e6,
  invocation: 0.2 / 1e6,
  gigabyteSecond: 0.0000133334,
  tableWrite: 0.625 / 1e6,
  transferPerGigabyte: 0.02,
  transferToInternetPerGigabyte: 0.09,
  /** One custom metric for a month, among the first 10,000. */
  metricMonth: 0.3,
} as const;

/** The memory of the functions that replicate, in GiB. */
export const FUNCTION_GIGABYTES = 1_769 / 1_024;

/** How many messages a batch holds, both for SQS and for an invocation. */
export const BATCH = 10;
