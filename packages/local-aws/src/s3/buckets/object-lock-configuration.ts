/** GetObjectLockConfiguration and PutObjectLockConfiguration. Source: API_PutObjectLockConfiguration.html. */
import { authorize } from '../access/access.ts';
import { S3Error } from '../errors.ts';
import type { Bucket } from '../model/bucket.ts';
import { eventHold, isRetentionMode, type BucketObjectLock } from '../model/object-lock.ts';
import { receiveText } from '../protocol/receive.ts';
import type { Answer, BucketContext } from '../protocol/request.ts';
import { xmlAnswer } from '../protocol/xml-answer.ts';
import {
  childOf,
  parseXml,
  textOf,
  xmlDocument,
  xmlElement,
  xmlText,
  type XmlNode,
} from '../protocol/xml.ts';

export const getObjectLockConfiguration = (context: BucketContext): Answer => {
  authorize(context, 's3:GetBucketObjectLockConfiguration');
  const { objectLock, name } = context.bucket;
  if (objectLock === null)
    throw new S3Error('ObjectLockConfigurationNotFoundError', { elements: { BucketName: name } });
  const { defaultRetention } = objectLock;
  return xmlAnswer(
    xmlDocument(
      'ObjectLockConfiguration',
      xmlText('ObjectLockEnabled', 'Enabled'),
      defaultRetention === null
        ? ''
        : xmlElement(
            'Rule',
            xmlElement(
              'DefaultRetention',
              xmlText('Mode', defaultRetention.mode),
              xmlText(defaultRetention.period, defaultRetention.length),
            ),
          ),
    ),
  );
};

export const putObjectLockConfiguration = async (context: BucketContext): Promise<Answer> => {
  authorize(context, 's3:PutBucketObjectLockConfiguration');
  const { request, bucket } = context;
  const root = parseXml(await receiveText(request), 'ObjectLockConfiguration');
  if (textOf(root, 'ObjectLockEnabled')?.trim() !== 'Enabled') throw new S3Error('MalformedXML');
  const rule = childOf(root, 'Rule');
  setObjectLock(bucket, rule === undefined ? null : parseDefaultRetention(rule));
  return { status: 200 };
};

/** Enables object lock permanently. Throws InvalidBucketState if versioning is not enabled. */
export const setObjectLock = (
  bucket: Bucket,
  defaultRetention: BucketObjectLock['defaultRetention'],
): void => {
  if (bucket.versioning !== 'Enabled')
    throw new S3Error('InvalidBucketState', {
      message: "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
    });
  bucket.objectLock = { defaultRetention };
};

/**
 * Checks a default retention from the API or CloudFormation and returns it. Throws MalformedXML or InvalidArgument.
 */
export const defaultRetentionOf = (
  mode: string | undefined,
  days: string | undefined,
  years: string | undefined,
): BucketObjectLock['defaultRetention'] => {
  const period = days === undefined ? 'Years' : 'Days';
  const text = days ?? years;
  if (!isRetentionMode(mode) || text === undefined || (days !== undefined && years !== undefined))
    throw new S3Error('MalformedXML');
  if (!/^-?\d{1,10}$/.test(text)) throw new S3Error('MalformedXML');
  const length = Number(text);
  const problem = length < 1 ? 'must be a positive integer value.' : 'too large.';
  if (length < 1 || length > MAX_PERIOD[period])
    throw new S3Error('InvalidArgument', {
      message: `Default retention period ${problem}`,
      elements: { ArgumentName: period },
    });
  return { mode, period, length };
};

const MAX_PERIOD = { Days: 36_500, Years: 100 };

const parseDefaultRetention = (rule: XmlNode): BucketObjectLock['defaultRetention'] => {
  const retention = childOf(rule, 'DefaultRetention');
  if (retention === undefined) throw new S3Error('MalformedXML');
  if (childOf(rule, 'DefaultEventHold') !== undefined) throw eventHold();
  const text = (name: string) => textOf(retention, name)?.trim();
  return defaultRetentionOf(text('Mode'), text('Days'), text('Years'));
};
