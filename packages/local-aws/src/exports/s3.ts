/** S3 identities. */
export { canonicalUserId } from '../s3/protocol/canonical-user.ts';
