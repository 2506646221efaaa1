/** The cheapest possible copy, which pipes `http.get` into `http.request` without the SDK, signatures or checks. */
import http from 'node:http';
import https from 'node:https';

export interface FloorEvent {
  endpoint: string;
  sourceBucket: string;
  destinationBucket: string;
  keys: string[];
  /** The number of parts; 1 if the object is copied as a whole. */
  parts: number;
}

/** How many parts are copied at once, as in the replicator. */
const AT_ONCE = 4;

const options = { keepAlive: true, maxSockets: 128 };
const plain = { client: http, agent: new http.Agent(options) };
const secure = { client: https, agent: new https.Agent(options) };

export const handler = async (event: FloorEvent): Promise<null> => {
  await Promise.all(event.keys.map((key) => copyObject(event, key)));
  return null;
};

const copyObject = async (event: FloorEvent, key: string): Promise<void> => {
  if (event.parts === 1) return await copyBytes(event, key, null);
  let next = 1;
  const worker = async (): Promise<void> => {
    while (next <= event.parts) await copyBytes(event, key, next++);
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, event.parts) }, worker));
};

/** Copies one part. If `partNumber` is null, copies the whole object. */
const copyBytes = async (
  { endpoint, sourceBucket, destinationBucket }: FloorEvent,
  key: string,
  partNumber: number | null,
): Promise<void> => {
  const { client, agent } = endpoint.startsWith('https:') ? secure : plain;
  const query = partNumber === null ? '' : `?partNumber=${partNumber}`;
  await new Promise<void>((resolve, reject) => {
    const get = client.get(`${endpoint}/${sourceBucket}/${key}${query}`, { agent }, (source) => {
      const put = client.request(
        `${endpoint}/${destinationBucket}/${key}${query}${query === '' ? '' : '&uploadId=floor'}`,
        { agent, method: 'PUT', headers: { 'content-length': source.headers['content-length'] } },
        (answer) => answer.resume().on('end', resolve).on('error', reject),
      );
      source.on('error', reject).pipe(put.on('error', reject));
    });
    get.on('error', reject);
  });
};
