/** S3 identities. */
export { canonicalUserId } from '../s3/canonical-user.ts';
