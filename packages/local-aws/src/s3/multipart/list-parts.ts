/** ListParts. Source: API_ListParts.html. */
import { authorize } from '../access/access.ts';
import { ownerAccountOf } from '../access/ownership.ts';
import { abortHeaders } from '../lifecycle/lifecycle.ts';
import { initiatorElement, ownerElement } from '../listing/list-rendering.ts';
import type { Part, Upload } from '../model/upload.ts';
import { integerParameter, type Answer, type ObjectContext } from '../protocol/request.ts';
import { xmlAnswer } from '../protocol/xml-answer.ts';
import { listedDate, xmlDocument, xmlElement, xmlText } from '../protocol/xml.ts';
import { checksumElement } from '../storage/checksums.ts';
import { requestedUpload } from './multipart.ts';

/** Maximum number of parts of an upload. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
const MAX_PARTS = 10_000;

export const listParts = (context: ObjectContext): Answer => {
  const { request, bucket, key } = context;
  authorize(context, 's3:ListMultipartUploadParts', { key });
  const upload = requestedUpload(context);
  const maxParts = Math.min(
    integerParameter(request, 'max-parts', { min: 0, max: 2_147_483_647 }) ?? 1000,
    1000,
  );
  const marker = integerParameter(request, 'part-number-marker', { min: 0, max: 2_147_483_647 }) ?? 0;
  const { page, truncated } = partsAfter(upload, marker, maxParts);
  const { checksumPlan: plan, description } = upload;
  return xmlAnswer(
    xmlDocument(
      'ListPartsResult',
      xmlText('Bucket', bucket.name),
      xmlText('Key', key),
      xmlText('UploadId', upload.uploadId),
      initiatorElement(upload),
      ownerElement('Owner', ownerAccountOf(bucket, description)),
      xmlText('StorageClass', description.storageClass),
      xmlText('PartNumberMarker', marker),
      xmlText('NextPartNumberMarker', page.at(-1)?.partNumber ?? 0),
      xmlText('MaxParts', maxParts),
      xmlText('IsTruncated', truncated),
      plan.requested ? xmlText('ChecksumAlgorithm', plan.algorithm) + xmlText('ChecksumType', plan.type) : '',
      ...page.map((part) => renderPart(upload, part)),
    ),
    abortHeaders(bucket, upload),
  );
};

/** Returns the parts after the marker. Tries the part numbers in turn, because sorting all parts for each page would be slow. */
const partsAfter = (
  { parts }: Upload,
  marker: number,
  maxParts: number,
): { page: Part[]; truncated: boolean } => {
  const page: Part[] = [];
  for (let partNumber = marker + 1; partNumber <= MAX_PARTS; partNumber += 1) {
    const part = parts.get(partNumber);
    if (part === undefined) continue;
    if (page.length === maxParts) return { page, truncated: maxParts > 0 };
    page.push(part);
  }
  return { page, truncated: false };
};

const renderPart = (upload: Upload, part: Part): string =>
  xmlElement(
    'Part',
    xmlText('PartNumber', part.partNumber),
    xmlText('LastModified', listedDate(part.lastModifiedMs)),
    xmlText('ETag', `"${part.etag}"`),
    xmlText('Size', part.content.sizeBytes),
    upload.checksumPlan.requested
      ? xmlText(checksumElement(upload.checksumPlan.algorithm), part.checksum)
      : '',
  );
