/** The canonical user ids of S3. */
export { canonicalUserId } from '../s3/protocol/canonical-user.ts';
