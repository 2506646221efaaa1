/** Owners of objects, and access control lists in buckets that have ACLs enabled. */
import {
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteBucketOwnershipControlsCommand,
  DeleteObjectCommand,
  DeletePublicAccessBlockCommand,
  GetBucketAclCommand,
  GetBucketOwnershipControlsCommand,
  GetObjectAclCommand,
  type GetObjectAclCommandOutput,
  type ObjectOwnership,
  PutBucketAclCommand,
  PutBucketOwnershipControlsCommand,
  PutObjectAclCommand,
} from '@aws-sdk/client-s3';
import { behaviour, s3Api, s3Guide } from './behaviour.ts';
import type { Context } from './context.ts';
import { matches, present, refused, same } from './difference.ts';

const OWNERSHIP = s3Guide('about-object-ownership');
const TROUBLE = s3Guide('object-ownership-error-responses');
const ACLS = s3Guide('acl-overview');

const GROUPS = 'http://acs.amazonaws.com/groups/global/';
/** A group of grantees. A grant to this group does not make an ACL public. */
const LOG_DELIVERY = 'uri="http://acs.amazonaws.com/groups/s3/LogDelivery"';

const setOwnership = ({ s3 }: Context, Bucket: string, ...ownerships: string[]) => {
  const Rules = ownerships.map((ownership) => ({ ObjectOwnership: ownership as ObjectOwnership }));
  return s3.send(new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls: { Rules } }));
};

/** Creates a bucket that has ACLs enabled. As in every new bucket, public ACLs are blocked. */
const bucketWithAcls = async (context: Context): Promise<string> => {
  const Bucket = await context.freshBucket('never');
  await setOwnership(context, Bucket, 'ObjectWriter');
  return Bucket;
};

const aclOf = ({ s3 }: Context, Bucket: string, Key: string) =>
  s3.send(new GetObjectAclCommand({ Bucket, Key }));

/** Returns each grant in the form `grantee permission`. The owner named in the ACL appears as `owner`. */
const grantsOf = ({ Owner, Grants = [] }: Pick<GetObjectAclCommandOutput, 'Owner' | 'Grants'>): string[] =>
  Grants.map(({ Grantee, Permission }) => {
    const who = Grantee?.ID === Owner?.ID ? 'owner' : Grantee?.URI?.replace(GROUPS, '');
    return `${who ?? 'another'} ${Permission}`;
  }).toSorted();

const ownerIdOf = async ({ s3 }: Context, Bucket: string): Promise<string> =>
  present('owner', (await s3.send(new GetBucketAclCommand({ Bucket }))).Owner?.ID);

export const newBucketsBelongToTheirOwner = behaviour(
  'A new bucket has BucketOwnerEnforced, and GetBucketOwnershipControls fails with 404 after DeleteBucketOwnershipControls.',
  OWNERSHIP,
  async (context) => {
    const { freshBucket, s3 } = context;
    const Bucket = await freshBucket('never');
    const get = async () =>
      (await s3.send(new GetBucketOwnershipControlsCommand({ Bucket }))).OwnershipControls?.Rules;
    same('at first', await get(), [{ ObjectOwnership: 'BucketOwnerEnforced' }]);
    await setOwnership(context, Bucket, 'BucketOwnerPreferred');
    same('after it was put', await get(), [{ ObjectOwnership: 'BucketOwnerPreferred' }]);
    await s3.send(new DeleteBucketOwnershipControlsCommand({ Bucket }));
    await refused('after its deletion', get(), '404 OwnershipControlsNotFoundError');
  },
);

export const ownershipControlsAreChecked = behaviour(
  'PutBucketOwnershipControls fails with 400 MalformedXML unless it has one rule with a known setting.',
  s3Api('API_PutBucketOwnershipControls'),
  async (context) => {
    const Bucket = await context.freshBucket('never');
    const two = setOwnership(context, Bucket, 'BucketOwnerPreferred', 'ObjectWriter');
    await refused('two rules', two, '400 MalformedXML');
    await refused('no such setting', setOwnership(context, Bucket, 'Nobody'), '400 MalformedXML');
    await setOwnership(context, Bucket, 'ObjectWriter');
  },
);

export const writesWithAclsAreRefusedWhereTheyAreOff = behaviour(
  'A bucket with BucketOwnerEnforced rejects every operation that sets an ACL with 400 AccessControlListNotSupported.',
  TROUBLE,
  async (context) => {
    const { freshBucket, put, s3 } = context;
    const Bucket = await freshBucket('never');
    await put(Bucket, 'source', 'content');
    const code = '400 AccessControlListNotSupported';
    for (const ACL of ['private', 'public-read', 'authenticated-read'] as const)
      await refused(`PutObject ${ACL}`, put(Bucket, 'k', 'content', { ACL }), code);
    const grant = `uri="${GROUPS}AuthenticatedUsers"`;
    await refused('grant header', put(Bucket, 'k', 'content', { GrantRead: grant }), code);
    const target = { Bucket, Key: 'k', ACL: 'public-read' } as const;
    await refused('upload', s3.send(new CreateMultipartUploadCommand(target)), code);
    const copy = new CopyObjectCommand({ ...target, CopySource: `${Bucket}/source` });
    await refused('copy', s3.send(copy), code);
    const own = new PutObjectAclCommand({ ...target, Key: 'source' });
    await refused('PutObjectAcl', s3.send(own), code);
    await refused('PutBucketAcl', s3.send(new PutBucketAclCommand({ Bucket, ACL: 'private' })), code);
  },
);

export const fullControlOfTheOwnerIsTakenEverywhere = behaviour(
  'A bucket with BucketOwnerEnforced accepts full control of the bucket owner, as a canned ACL or as a document.',
  TROUBLE,
  async (context) => {
    const { freshBucket, put, s3 } = context;
    const Bucket = await freshBucket('never');
    await put(Bucket, 'k', 'content', { ACL: 'bucket-owner-full-control' });
    await s3.send(new PutObjectAclCommand({ Bucket, Key: 'k', ACL: 'bucket-owner-full-control' }));
    const { Owner, Grants } = await aclOf(context, Bucket, 'k');
    await s3.send(new PutObjectAclCommand({ Bucket, Key: 'k', AccessControlPolicy: { Owner, Grants } }));
  },
);

export const aclsAreReadableWhereTheyAreDisabled = behaviour(
  'GetObjectAcl and GetBucketAcl under BucketOwnerEnforced return full control of the bucket owner and no other grants.',
  TROUBLE,
  async (context) => {
    const { s3 } = context;
    const Bucket = await bucketWithAcls(context);
    const id = await ownerIdOf(context, Bucket);
    await context.put(Bucket, 'k', 'content', { GrantReadACP: `id="${id}"` });
    await setOwnership(context, Bucket, 'BucketOwnerEnforced');
    same('object', grantsOf(await aclOf(context, Bucket, 'k')), ['owner FULL_CONTROL']);
    const bucket = await s3.send(new GetBucketAclCommand({ Bucket }));
    same('bucket', grantsOf(bucket), ['owner FULL_CONTROL']);
  },
);

export const newObjectsArePrivate = behaviour(
  'An object written without an ACL, in a bucket that uses ACLs, grants full control to its owner’s canonical id and nothing to others.',
  ACLS,
  async (context) => {
    const Bucket = await bucketWithAcls(context);
    await context.put(Bucket, 'k', 'content');
    const acl = await aclOf(context, Bucket, 'k');
    same('grants', grantsOf(acl), ['owner FULL_CONTROL']);
    matches('owner', acl.Owner?.ID, /^[0-9a-f]{64}$/);
    same('type', acl.Grants?.[0]?.Grantee?.Type, 'CanonicalUser');
  },
);

export const publicAclsAreBlockedByDefault = behaviour(
  'A new bucket rejects public ACLs with 403 AccessDenied until DeletePublicAccessBlock, and then expands a canned ACL into its grants.',
  s3Guide('access-control-block-public-access'),
  async (context) => {
    const { s3, put } = context;
    const Bucket = await bucketWithAcls(context);
    const write = () => put(Bucket, 'k', 'content', { ACL: 'public-read' });
    await refused('blocked', write(), '403 AccessDenied');
    await s3.send(new DeletePublicAccessBlockCommand({ Bucket }));
    await write();
    same('grants', grantsOf(await aclOf(context, Bucket, 'k')), ['AllUsers READ', 'owner FULL_CONTROL']);
    await s3.send(new PutObjectAclCommand({ Bucket, Key: 'k', ACL: 'private' }));
    same('after private', grantsOf(await aclOf(context, Bucket, 'k')), ['owner FULL_CONTROL']);
  },
);

export const grantHeadersAreTheWholeAcl = behaviour(
  'PutObject builds the whole ACL from grant headers, and fails with 400 InvalidRequest if the request has a canned ACL too.',
  ACLS,
  async (context) => {
    const { put } = context;
    const Bucket = await bucketWithAcls(context);
    const id = `id="${await ownerIdOf(context, Bucket)}"`;
    await put(Bucket, 'k', 'content', { GrantRead: id, GrantWriteACP: id });
    same('grants', grantsOf(await aclOf(context, Bucket, 'k')), ['owner READ', 'owner WRITE_ACP']);
    const both = put(Bucket, 'k', 'content', { GrantRead: id, ACL: 'private' });
    await refused('both', both, '400 InvalidRequest');
    const nobody = put(Bucket, 'k', 'content', { GrantRead: 'id="nobody"' });
    await refused('no such user', nobody, '400 InvalidArgument');
  },
);

export const anAclIsReplacedByADocument = behaviour(
  'PutObjectAcl with a document replaces all grants, and fails with 400 MalformedACLError for an unknown permission.',
  s3Api('API_PutObjectAcl'),
  async (context) => {
    const { s3, put } = context;
    const Bucket = await bucketWithAcls(context);
    await put(Bucket, 'k', 'content');
    const ID = await ownerIdOf(context, Bucket);
    const replace = (Permission: string) =>
      s3.send(
        new PutObjectAclCommand({
          Bucket,
          Key: 'k',
          AccessControlPolicy: {
            Owner: { ID },
            Grants: [{ Grantee: { Type: 'CanonicalUser', ID }, Permission: Permission as 'READ' }],
          },
        }),
      );
    await replace('READ_ACP');
    same('grants', grantsOf(await aclOf(context, Bucket, 'k')), ['owner READ_ACP']);
    await refused('no such permission', replace('NONE'), '400 MalformedACLError');
    const missing = s3.send(new PutObjectAclCommand({ Bucket, Key: 'missing', ACL: 'private' }));
    await refused('missing object', missing, '404 NoSuchKey');
  },
);

export const deleteMarkersHaveNoAcl = behaviour(
  'PutObjectAcl and GetObjectAcl of a delete marker fail with 405 MethodNotAllowed, but GetObjectAcl without a version id fails with 404 NoSuchKey.',
  s3Guide('DeleteMarker'),
  async ({ bucket, key, put, s3 }) => {
    const Bucket = await bucket('Enabled');
    const Key = key();
    await put(Bucket, Key, 'content');
    const { VersionId } = await s3.send(new DeleteObjectCommand({ Bucket, Key }));
    const ACL = 'bucket-owner-full-control';
    const written = s3.send(new PutObjectAclCommand({ Bucket, Key, ACL }));
    await refused('writing', written, '405 MethodNotAllowed');
    const byId = s3.send(new PutObjectAclCommand({ Bucket, Key, VersionId, ACL }));
    await refused('writing by version id', byId, '405 MethodNotAllowed');
    await refused('reading', s3.send(new GetObjectAclCommand({ Bucket, Key })), '404 NoSuchKey');
    const readById = s3.send(new GetObjectAclCommand({ Bucket, Key, VersionId }));
    await refused('reading by version id', readById, '405 MethodNotAllowed');
  },
);

export const bucketAclsWithGrantsBlockEnforcedOwnership = behaviour(
  'PutBucketOwnershipControls with BucketOwnerEnforced fails with 400 InvalidBucketAclWithObjectOwnership while the bucket’s ACL has grants to others.',
  TROUBLE,
  async (context) => {
    const { s3 } = context;
    const Bucket = await bucketWithAcls(context);
    await s3.send(new PutBucketAclCommand({ Bucket, GrantWrite: LOG_DELIVERY }));
    const enforce = () => setOwnership(context, Bucket, 'BucketOwnerEnforced');
    await refused('with a grant', enforce(), '400 InvalidBucketAclWithObjectOwnership');
    await s3.send(new PutBucketAclCommand({ Bucket, ACL: 'private' }));
    await enforce();
  },
);

export const aNewBucketWithAnAclNamesItsOwnership = behaviour(
  'CreateBucket with an ACL fails with 400 InvalidBucketAclWithObjectOwnership under the default BucketOwnerEnforced.',
  TROUBLE,
  async ({ s3, unusedBucketName, region }) => {
    const Bucket = unusedBucketName();
    const LocationConstraint = region as 'eu-west-1';
    const create = s3.send(
      new CreateBucketCommand({
        Bucket,
        ACL: 'public-read',
        ...(region !== 'us-east-1' && { CreateBucketConfiguration: { LocationConstraint } }),
      }),
    );
    try {
      await refused('CreateBucket', create, '400 InvalidBucketAclWithObjectOwnership');
    } finally {
      await s3.send(new DeleteBucketCommand({ Bucket })).catch(() => undefined);
    }
  },
);
