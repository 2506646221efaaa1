/** The canonical user ids of the local S3. */
export { canonicalUserId } from '../s3/protocol/canonical-user.ts';
