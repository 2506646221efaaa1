/**
 * The SDK clients of one execution environment. The settings come from measurements of this SDK (`docs/performance.md`). With its default
 * settings, the SDK loses throughput and hangs when a streamed body breaks.
 */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { STSClient } from '@aws-sdk/client-sts';
import type { DefaultRetention } from '../../model/ports.ts';
import { accountOfArn, type Destination, type Source } from '../../model/rule.ts';
import { type BucketAnswers, createBucketAnswers } from './bucket-answers.ts';
import { createExplainRefusal, type ExplainRefusal, type OwnerAndCaller } from './bucket-ownership.ts';
import { createEarlyCollection, type EarlyCollection } from './early-collection.ts';
import { CONTROL_CLIENT } from '../control-client.ts';
import { signHeaderBytes } from './header-bytes.ts';
import { refuseEmptyKeys } from './empty-keys.ts';
import { expectOwner } from './expected-owner.ts';
import { keepEveryMetadataName } from './metadata-names.ts';
import { forcePathStyle } from './path-style.ts';
import { type Assume, beginSessions } from './assume-role.ts';
import { SDK_LOGGER } from '../sdk-logger.ts';
import { type SessionRequest, type Sessions, WIDE_SESSIONS } from './sessions.ts';

/**
 * Clients for one set of credentials and the buckets of one account. `inPairs` retries the calls that move bytes: a read together with its write, or a copy inside S3. The
 * SDK retries all other calls. If both retried the same call, the attempts would multiply.
 */
export interface S3ClientPair extends OwnerAndCaller {
  retrying: S3Client;
  single: S3Client;
  /**
   * Returns a client for copies inside S3, during which S3 may send nothing for minutes. That client does not retry. It is created on first
   * use.
   */
  patient(): S3Client;
}

/** S3 clients by session, region and owner of the buckets. Each pair keeps its credentials and refreshes them five minutes before they expire. */
export interface S3Clients {
  /**
   * Returns clients with the credentials of this process, which in Lambda are those of the function's role. They reach the buckets of one
   * account; null: the account of this process.
   */
  own(account: string | null): S3ClientPair;
  source(source: Source): S3ClientPair;
  destination(destination: Destination): S3ClientPair;
  /** Resolves to the account, where null stands for the account of this process. Resolves to null if any account may own the bucket. */
  accountOf(account: string | null): Promise<string | null>;
  explainRefusal: ExplainRefusal;
  earlyCollection: EarlyCollection;
  /**
   * Whether the server of a bucket checks the conditions of CopyObject. AWS checks them. Several other servers ignore the conditions and
   * overwrite the existing object.
   */
  copyConditions: BucketAnswers;
  /** The default retention of a bucket; null: none is known. `unknown`: a refusal has shown that there is one. */
  defaultRetention: BucketAnswers<DefaultRetention | 'unknown' | null>;
  /** Called when today's `destination/template.yml` allows for a bucket what its stack refuses. */
  lacks(bucket: string, action: string): void;
  /**
   * Forgets the session of the pair after `expired-credentials`. The next call assumes the role again, even if the session should still be
   * valid according to its expiry time.
   */
  forget(pair: S3ClientPair): void;
}

export interface S3ClientsOptions {
  region: string;
  sessionName: string;
  /** The name of the function, which its sessions carry where the trust policy allows it; null: no name. */
  sourceIdentity?: string | null;
  /** The sessions of the buckets. By default, a session may do what its role may. */
  sessions?: Sessions;
  /** Resolves to the account of the credentials of this process. */
  ownAccount: () => Promise<string>;
  /** Called once for each bucket and action that is lacking. */
  onLack?: (bucket: string, action: string) => void;
}

export const createS3Clients = (options: S3ClientsOptions): S3Clients => {
  const { region: home, sessions = WIDE_SESSIONS } = options;
  const handlers = requestHandlers();
  const { ownAccount } = options;
  const accountOf = async (account: string | null): Promise<string> => account ?? (await ownAccount());
  const ownPair = (account: string | null, used: RequestHandlers): S3ClientPair =>
    clientPair(s3Config(home), used, { owner: () => accountOf(account), caller: ownAccount });
  const ofOwnAccount = ownPair(null, { ...handlers, patient: () => PATIENT_REQUEST_HANDLER });
  const lacks = calledOnce(options.onLack);
  const assume = beginSessions(new STSClient({ region: home, ...CONTROL_CLIENT }), {
    sessionName: options.sessionName,
    sourceIdentity: options.sourceIdentity ?? null,
    lacks,
  });
  const shared = handlersOf(ofOwnAccount);
  const pairs = pairsOf(shared, assume, accountOf);
  const own = (account: string | null): S3ClientPair =>
    account === null ? ofOwnAccount : pairs.remembered(account, () => ownPair(account, shared));
  return {
    own,
    accountOf,
    explainRefusal: createExplainRefusal(),
    lacks,
    earlyCollection: createEarlyCollection(),
    copyConditions: createBucketAnswers(),
    defaultRetention: createBucketAnswers(),
    source: (source) =>
      source.roleArn === null
        ? own(source.account)
        : pairs.of(sessions.source(source, source.roleArn), home, source.account),
    destination: (destination) =>
      pairs.of(sessions.destination(destination), destination.region, destination.account),
    forget: pairs.forget,
  };
};

const calledOnce = (tell: S3ClientsOptions['onLack']): S3Clients['lacks'] => {
  const told = new Set<string>();
  return (bucket, action) => {
    const name = `${bucket} ${action}`;
    if (!told.has(name)) tell?.(bucket, action);
    told.add(name);
  };
};

/** Returns the connections of a pair, so that other clients share them. */
export const handlersOf = (pair: S3ClientPair): RequestHandlers => ({
  usual: pair.retrying.config.requestHandler,
  quick: pair.single.config.requestHandler,
  patient: () => pair.patient().config.requestHandler,
});

/** The pairs of clients of all sessions, for the buckets of one account each. They share their connections. */
const pairsOf = (handlers: RequestHandlers, assume: Assume, accountOf: S3Clients['accountOf']) => {
  const pairs = new Map<string, S3ClientPair>();
  const remembered = (name: string, create: () => S3ClientPair): S3ClientPair => {
    const pair = pairs.get(name) ?? create();
    pairs.set(name, pair);
    return pair;
  };
  return {
    remembered,
    of(request: SessionRequest, region: string, account: string | null): S3ClientPair {
      const { roleArn, externalId, policy } = request;
      return remembered(JSON.stringify([roleArn, externalId, region, policy, account]), () =>
        clientPair({ ...s3Config(region), credentials: sharedSession(() => assume(request)) }, handlers, {
          owner: () => accountOf(account),
          caller: async () => accountOfArn(roleArn),
        }),
      );
    },
    forget(pair: S3ClientPair): void {
      for (const [name, known] of pairs) if (known === pair) pairs.delete(name);
    },
  };
};

type RequestHandler = NonNullable<S3ClientConfig['requestHandler']>;

interface RequestHandlers {
  usual: RequestHandler;
  /** For calls that move bytes. A connection without traffic is given up sooner. */
  quick: RequestHandler;
  patient(): RequestHandler;
}

export const clientPair = (
  config: S3ClientConfig,
  handlers: RequestHandlers,
  ownership: OwnerAndCaller,
): S3ClientPair => {
  const clientWith = (more: S3ClientConfig): S3Client =>
    expectOwner(withOurHooks(new S3Client({ ...config, ...more })), ownership.owner);
  const singleWith = (requestHandler: RequestHandler): S3Client =>
    clientWith({ requestHandler, maxAttempts: 1 });
  let patient: S3Client | null = null;
  return {
    ...ownership,
    retrying: clientWith({ requestHandler: handlers.usual }),
    single: singleWith(handlers.quick),
    patient: () => (patient ??= singleWith(handlers.patient())),
  };
};

const withOurHooks = (client: S3Client): S3Client =>
  keepEveryMetadataName(refuseEmptyKeys(signHeaderBytes(client)));

interface Session {
  expiration?: Date;
}

/** The clients of a pair often need credentials at the same time. They share one session, so the role is assumed only once. */
export const sharedSession = <S extends Session>(assume: () => Promise<S>): (() => Promise<S>) => {
  let current: Promise<S> | null = null;
  return async () => {
    const seen = current;
    const known = await seen?.catch(() => null);
    const endsMs = known?.expiration?.getTime() ?? 0;
    if (known && endsMs > Date.now() + REFRESH_BEFORE_MS) return known;
    // If another caller has called `assume` during the wait, `current` has changed, and this caller uses the same session.
    if (current === null || current === seen) current = assume();
    return await current;
  };
};

/** How long credentials must still be valid. Credentials that expire sooner are refreshed first. The SDK uses the same value. */
const REFRESH_BEFORE_MS = 5 * 60_000;

const REQUEST_HANDLER = {
  connectionTimeout: 3_000,
  /**
   * How long a connection may be without traffic. S3 sends white space while it completes an upload, so completing does not exceed this
   * limit.
   */
  socketTimeout: 30_000,
  httpsAgent: { keepAlive: true, maxSockets: 128 },
  httpAgent: { keepAlive: true, maxSockets: 128 },
};

/** How long a connection over which bytes move may be without traffic. */
const QUICK_SOCKET_TIMEOUT_MS = 10_000;

/** All clients share one pool of connections. */
const requestHandlers = (): Omit<RequestHandlers, 'patient'> => {
  const usual = {
    ...REQUEST_HANDLER,
    httpsAgent: new HttpsAgent(REQUEST_HANDLER.httpsAgent),
    httpAgent: new HttpAgent(REQUEST_HANDLER.httpAgent),
  };
  return { usual, quick: { ...usual, socketTimeout: QUICK_SOCKET_TIMEOUT_MS } };
};

/**
 * S3 may send nothing while it copies, so each call sets its own limit (`call.ts`). Patient clients do not share connections with the other
 * clients.
 */
const PATIENT_REQUEST_HANDLER = { ...REQUEST_HANDLER, socketTimeout: 900_000 };

export const s3Config = (region: string): S3ClientConfig => ({
  region,
  maxAttempts: 3,
  logger: SDK_LOGGER,
  // By default, the SDK would open a new connection for each upload of 2 MiB or more.
  expectContinueHeader: false,
  // The SDK does not need to compute checksums, because we compare stored checksums and send checksums that are already known.
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
  // Uploads with a computed trailer are sent in chunks. S3 refuses chunks under 8 KiB.
  requestStreamBufferSize: 65_536,
  forcePathStyle: forcePathStyle(),
});
