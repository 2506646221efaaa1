/** CreateBucket, DeleteBucket, HeadBucket, ListBuckets, and the location and versioning of a bucket. */
import { authorize } from '../access/access.ts';
import { isPublic, ownerOnly, parseAclHeaders } from '../access/acl-grants.ts';
import { addBucket, checkBucketName, ownershipOf, removeBucket, setVersioning } from './buckets.ts';
import { requestConditions } from '../access/request-conditions.ts';
import { S3Error } from '../errors.ts';
import type { Bucket } from '../model/bucket.ts';
import type { Versioning } from '../model/configuration.ts';
import { parseTagsOfNewBucket } from '../objects/tags.ts';
import { receiveText } from '../protocol/receive.ts';
import { accountOf, header, type Answer, type BucketContext, type S3Request } from '../protocol/request.ts';
import { canonicalUserId } from '../protocol/canonical-user.ts';
import type { S3State } from '../model/state.ts';
import { xmlAnswer } from '../protocol/xml-answer.ts';
import { listedDate, parseXml, textOf, xmlDocument, xmlElement, xmlText } from '../protocol/xml.ts';

export const createBucket = async (state: S3State, request: S3Request, name: string): Promise<Answer> => {
  const accountId = accountOf(request.aws.caller);
  const body = await receiveText(request);
  const configuration = body.trim() === '' ? undefined : parseXml(body, 'CreateBucketConfiguration');
  const constraint = configuration && textOf(configuration, 'LocationConstraint')?.trim();
  const conditions = {
    ...requestConditions(request, state.clock.now()),
    ...(constraint === undefined ? {} : { 's3:locationconstraint': constraint }),
  };
  authorizeCreation(state, request, { action: 's3:CreateBucket', name, conditions });
  const tags = parseTagsOfNewBucket(configuration);
  if (tags.length > 0) authorizeCreation(state, request, { action: 's3:TagResource', name, conditions });
  checkBucketName(name);
  const region = regionOf(constraint, request.aws.region);
  const settings = requestedSettings(request, accountId);
  const own = state.buckets.get(name);
  // A caller that creates its own bucket again gets 409. In us-east-1, it gets 200 instead, and the ACL is reset.
  // Source: API_CreateBucket.html.
  const isAgain = region === 'us-east-1' && own?.region === region && own.accountId === accountId;
  const bucket = isAgain ? own : addBucket(state, { name, accountId, region });
  Object.assign(bucket, isAgain ? { acl: settings.acl } : { ...settings, tags });
  return { status: 200, headers: { Location: `/${name}`, 'x-amz-bucket-arn': bucket.arn } };
};

/** Throws AccessDenied unless the caller may do `action`. Tags of a new bucket require a second action. Source: API_CreateBucket.html. */
const authorizeCreation = (
  state: S3State,
  { aws }: S3Request,
  { action, name, conditions }: { action: string; name: string; conditions: Record<string, string> },
): void => {
  const decision = state.authorizer.decide({
    caller: aws.caller,
    action,
    resource: `arn:${state.partition}:s3:::${name}`,
    resourceAccountId: accountOf(aws.caller),
    secureTransport: aws.secureTransport,
    context: conditions,
  });
  if (!decision.allowed) throw new S3Error('AccessDenied');
};

/** Reads ownership, ACL and object lock from the headers. Throws InvalidArgument or InvalidBucketAclWithObjectOwnership. */
const requestedSettings = (request: S3Request, accountId: string): Partial<Bucket> => {
  const asked = header(request, 'x-amz-object-ownership');
  if (asked !== undefined && !OWNERSHIPS.includes(asked))
    throw new S3Error('InvalidArgument', {
      message: `Invalid x-amz-object-ownership header: ${asked}`,
      elements: { ArgumentName: 'x-amz-object-ownership' },
    });
  const ownership = ownershipOf(asked);
  const owners = { ownerAccountId: accountId, bucketAccountId: accountId };
  const acl = parseAclHeaders((name) => header(request, name), owners, 'bucket');
  const isPrivate = acl === null || JSON.stringify(acl) === JSON.stringify(ownerOnly(accountId));
  if (!isPrivate && ownership === 'BucketOwnerEnforced')
    throw new S3Error('InvalidBucketAclWithObjectOwnership');
  // Every new bucket blocks public ACLs.
  if (acl !== null && isPublic(acl)) throw new S3Error('AccessDenied');
  const isLocked = header(request, 'x-amz-bucket-object-lock-enabled')?.toLowerCase() === 'true';
  return {
    ownership,
    acl: isPrivate ? null : acl,
    ...(isLocked ? { versioning: 'Enabled', objectLock: { defaultRetention: null } } : {}),
  };
};

const OWNERSHIPS = ['BucketOwnerEnforced', 'BucketOwnerPreferred', 'ObjectWriter'];

/** Returns the region of a location constraint; us-east-1 without one. Throws an error if it is not the endpoint's region. */
const regionOf = (constraint: string | undefined, endpointRegion: string): string => {
  const region = constraint === undefined || constraint === '' ? 'us-east-1' : constraint;
  if (region === endpointRegion) return region;
  throw new S3Error(
    'IllegalLocationConstraintException',
    constraint === undefined
      ? {}
      : {
          message: `The ${constraint} location constraint is incompatible for the region specific endpoint this request was sent to.`,
        },
  );
};

export const deleteBucket = (context: BucketContext): Answer => {
  authorize(context, 's3:DeleteBucket');
  removeBucket(context.state, context.bucket);
  return { status: 204 };
};

export const headBucket = (context: BucketContext): Answer => {
  authorize(context, 's3:ListBucket');
  const { bucket } = context;
  return {
    status: 200,
    headers: {
      'x-amz-bucket-region': bucket.region,
      'x-amz-bucket-arn': bucket.arn,
      'x-amz-access-point-alias': 'false',
    },
  };
};

export const listBuckets = (state: S3State, request: S3Request): Answer => {
  const { caller } = request.aws;
  const accountId = accountOf(caller);
  const decision = state.authorizer.decide({
    caller,
    action: 's3:ListAllMyBuckets',
    resource: '*',
    resourceAccountId: accountId,
    secureTransport: request.aws.secureTransport,
    context: requestConditions(request, state.clock.now()),
  });
  if (!decision.allowed) throw new S3Error('AccessDenied');
  const prefix = request.query.get('prefix') ?? '';
  const owned = [...state.buckets.values()]
    .filter((bucket) => bucket.accountId === accountId && bucket.name.startsWith(prefix))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  return xmlAnswer(
    xmlDocument(
      'ListAllMyBucketsResult',
      xmlElement('Owner', xmlText('ID', canonicalUserId(accountId))),
      xmlElement('Buckets', ...owned.map(renderBucket)),
      ...(prefix === '' ? [] : [xmlText('Prefix', prefix)]),
    ),
  );
};

const renderBucket = (bucket: Bucket): string =>
  xmlElement(
    'Bucket',
    xmlText('Name', bucket.name),
    xmlText('CreationDate', listedDate(bucket.createdAtMs)),
    xmlText('BucketRegion', bucket.region),
    xmlText('BucketArn', bucket.arn),
  );

/** Returns the bucket's location constraint, which is its region, or empty for us-east-1. */
export const getBucketLocation = (context: BucketContext): Answer => {
  authorize(context, 's3:GetBucketLocation');
  const { region } = context.bucket;
  return xmlAnswer(xmlDocument('LocationConstraint', region === 'us-east-1' ? '' : region));
};

export const getBucketVersioning = (context: BucketContext): Answer => {
  authorize(context, 's3:GetBucketVersioning');
  const { versioning } = context.bucket;
  return xmlAnswer(
    xmlDocument('VersioningConfiguration', versioning === 'never' ? '' : xmlText('Status', versioning)),
  );
};

export const putBucketVersioning = async (context: BucketContext): Promise<Answer> => {
  authorize(context, 's3:PutBucketVersioning');
  const root = parseXml(await receiveText(context.request), 'VersioningConfiguration');
  if (textOf(root, 'MfaDelete')?.trim() === 'Enabled')
    throw new S3Error('NotImplemented', { message: 'The local S3 does not have MFA delete' });
  setVersioning(context.bucket, versioningOf(textOf(root, 'Status')?.trim()));
  return { status: 200 };
};

const versioningOf = (status: string | undefined): Versioning => {
  if (status === 'Enabled' || status === 'Suspended') return status;
  throw new S3Error(status === undefined ? 'IllegalVersioningConfigurationException' : 'MalformedXML');
};
