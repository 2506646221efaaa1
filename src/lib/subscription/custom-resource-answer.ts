import { setTimeout as sleep } from 'node:timers/promises';

const ATTEMPTS = 4;

/**
 * PUTs the answer of a custom resource to CloudFormation's presigned URL.
 *
 * @throws Error if it was not taken after several attempts
 */
export async function sendAnswer(url: string, body: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await put(url, body);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await sleep(200 * 2 ** attempt);
    }
  }
}

async function put(url: string, body: string): Promise<void> {
  const response = await fetch(url, {
    method: 'PUT',
    body,
    // The URL is signed for an empty content type.
    headers: { 'content-type': '' },
    signal: AbortSignal.timeout(3_000),
  });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`CloudFormation did not take the answer: HTTP status ${response.status}`);
}
