/** The keys with which deployments sign their stamps in tests. */
import { createKeyPair, createSigner, type Signer } from '../../src/lib/replica/stamp-signature.ts';

const signers = new Map<string, Signer>();

/** Returns the signer of a deployment. It is the same in all tests of a file. */
export const signerOf = (deployment: string): Signer => {
  const known = signers.get(deployment) ?? createSigner(createKeyPair());
  signers.set(deployment, known);
  return known;
};
