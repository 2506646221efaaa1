/** Only the local IAM: roles, policies and decisions. */
export { createIam, type Iam } from '../iam/iam.ts';
