/**
 * The SDK clients of one execution environment. The settings come from measurements of this SDK (`docs/performance.md`). With its default
 * settings, the SDK loses throughput and hangs when a streamed body breaks.
 */
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { STSClient } from '@aws-sdk/client-sts';
import type { DefaultRetention } from '../../../model/ports.ts';
import { accountOfArn, type Destination, type S3Service, type Source } from '../../../model/rule.ts';
import { type AccessKeys, createAccessKeys } from './access-keys.ts';
import { type BucketAnswers, createBucketAnswers } from './bucket-answers.ts';
import { createExplainRefusal, type ExplainRefusal, type OwnerAndCaller } from './bucket-ownership.ts';
import { createEarlyCollection, type EarlyCollection } from './early-collection.ts';
import { CONTROL_CLIENT } from '../../control-client.ts';
import { signHeaderBytes } from './header-bytes.ts';
import { refuseEmptyKeys } from './empty-keys.ts';
import { expectOwner } from './expected-owner.ts';
import { keepEveryMetadataName } from './metadata-names.ts';
import { forcePathStyle } from './path-style.ts';
import { type Assume, beginSessions } from './assume-role.ts';
import { PATIENT_REQUEST_HANDLER, type RequestHandlers, requestHandlers } from './request-handlers.ts';
import { createSigningHash } from './signing-hash.ts';
import { sharedSession } from './shared-session.ts';
import { SDK_LOGGER } from '../../sdk-logger.ts';
import { type SessionRequest, type Sessions, WIDE_SESSIONS } from './sessions.ts';

/**
 * Clients for one set of credentials and the buckets of one account. `single` does not retry. It makes the calls that move bytes, which
 * `inPairs` retries: a read together with its write, or a copy inside S3. `retrying` makes all other calls. If `inPairs` and the SDK
 * retried the same call, the attempts would multiply.
 */
export interface S3ClientPair extends OwnerAndCaller {
  retrying: S3Client;
  single: S3Client;
  /** The secret that holds the access key of the clients; null: the credentials come from a role. */
  secretArn: string | null;
  /**
   * Returns a client for copies inside S3, during which S3 may send nothing for minutes. That client does not retry. It is created on first
   * use.
   */
  patient(): S3Client;
}

/** S3 clients by session, region and owner of the buckets. Each pair keeps its credentials and refreshes them five minutes before they expire. */
export interface S3Clients {
  /**
   * Returns clients with the credentials of this process, which in Lambda are those of the function's role. `account` is the account that
   * owns their buckets; null: the account of this process.
   */
  own(account: string | null): S3ClientPair;
  source(source: Source): S3ClientPair;
  destination(destination: Destination): S3ClientPair;
  /**
   * Resolves to the given account, or to the account of this process if null is given. Resolves to null if any account may own the
   * bucket.
   */
  accountOf(account: string | null): Promise<string | null>;
  explainRefusal: ExplainRefusal;
  earlyCollection: EarlyCollection;
  /**
   * Whether the server of a bucket checks the conditions of CopyObject. AWS checks them. Several other servers ignore the conditions and
   * overwrite the existing object.
   */
  copyConditions: BucketAnswers;
  /** Whether the service of a bucket accepts `If-None-Match: *` over a delete marker. AWS does. */
  overMarkers: BucketAnswers;
  /** The default retention of a bucket; null: none is known. `unknown`: a refusal has shown that there is one. */
  defaultRetention: BucketAnswers<DefaultRetention | 'unknown' | null>;
  /** Called when the stack of a bucket refuses an action that the present `destination/template.yml` allows. */
  lacks(bucket: string, action: string): void;
  /**
   * Forgets the session of the pair after `expired-credentials`. The next call assumes the role again, even if the session should still be
   * valid according to its expiry time.
   */
  forget(pair: S3ClientPair): void;
  /** Called after a refusal. Resolves to true if the secret of the pair now holds another access key. The next call then uses that key. */
  isRenewed(pair: S3ClientPair): Promise<boolean>;
}

export interface S3ClientsOptions {
  region: string;
  sessionName: string;
  /** The name of the function. It becomes the source identity of a session if the trust policy allows it; null: no name. */
  sourceIdentity?: string | null;
  /** How the role of each bucket is assumed. By default, the session may do everything that the role may. */
  sessions?: Sessions;
  /** Resolves to the account of the credentials of this process. */
  ownAccount: () => Promise<string>;
  /** Called once for each bucket and each action that its stack refuses although the present template allows it. */
  onLack?: (bucket: string, action: string) => void;
}

export const createS3Clients = (options: S3ClientsOptions): S3Clients => {
  const { region: home, sessions = WIDE_SESSIONS } = options;
  const handlers = requestHandlers();
  const { ownAccount } = options;
  const accountOf = async (account: string | null): Promise<string> => account ?? (await ownAccount());
  const ownPair = (account: string | null, used: RequestHandlers): S3ClientPair =>
    clientPair(s3Config(home), used, { ...BY_ROLE, owner: () => accountOf(account), caller: ownAccount });
  const ofOwnAccount = ownPair(null, { ...handlers, patient: () => PATIENT_REQUEST_HANDLER });
  const lacks = calledOnce(options.onLack);
  const assume = beginSessions(new STSClient({ region: home, ...CONTROL_CLIENT }), {
    sessionName: options.sessionName,
    sourceIdentity: options.sourceIdentity ?? null,
    lacks,
  });
  const shared = handlersOf(ofOwnAccount);
  const keys = createAccessKeys(async () => await ofOwnAccount.single.config.credentials());
  const pairs = pairsOf(shared, { assume, keys, accountOf });
  const own = (account: string | null): S3ClientPair =>
    account === null ? ofOwnAccount : pairs.remembered(account, () => ownPair(account, shared));
  return {
    own,
    accountOf,
    explainRefusal: createExplainRefusal(),
    lacks,
    earlyCollection: createEarlyCollection(),
    copyConditions: createBucketAnswers(),
    overMarkers: createBucketAnswers(),
    defaultRetention: createBucketAnswers(),
    source(source) {
      const { service, roleArn, region, account } = source;
      if (service !== null) return pairs.ofService(service, region ?? home, account);
      return roleArn === null ? own(account) : pairs.of(sessions.source(source, roleArn), home, account);
    },
    destination: (destination) =>
      destination.service === null
        ? pairs.of(sessions.destination(destination), destination.region, destination.account)
        : pairs.ofService(destination.service, destination.region, destination.account),
    forget: pairs.forget,
    async isRenewed(pair) {
      const isRenewed = pair.secretArn !== null && (await keys.isRotated(pair.secretArn).catch(() => false));
      if (isRenewed) pairs.forget(pair);
      return isRenewed;
    },
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

/**
 * Returns the pairs of clients of all sessions. Each pair is for the buckets of one account. All pairs share their connections.
 */
const pairsOf = (
  handlers: RequestHandlers,
  { assume, keys, accountOf }: { assume: Assume; keys: AccessKeys; accountOf: S3Clients['accountOf'] },
) => {
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
          ...BY_ROLE,
          owner: () => accountOf(account),
          caller: async () => accountOfArn(roleArn),
        }),
      );
    },
    ofService(service: S3Service, region: string, account: string | null): S3ClientPair {
      const { secretArn } = service;
      return remembered(JSON.stringify([service, region, account]), () =>
        clientPair(
          {
            ...s3Config(region),
            ...servicePlace(service),
            credentials: sharedSession(() => keys.get(secretArn)),
          },
          handlers,
          // Most services have no accounts, and refuse a header that names one.
          { secretArn, owner: async () => account, caller: async () => null },
        ),
      );
    },
    forget(pair: S3ClientPair): void {
      for (const [name, known] of pairs) if (known === pair) pairs.delete(name);
    },
  };
};

const BY_ROLE = { secretArn: null };

/**
 * Returns the settings that lead to a service. A service with its own endpoint does not use the endpoint in the environment,
 * which is one of AWS.
 */
const servicePlace = ({ endpoint, addressing }: S3Service): S3ClientConfig =>
  endpoint === null ? {} : { endpoint, forcePathStyle: addressing === 'path' };

export const clientPair = (
  config: S3ClientConfig,
  handlers: RequestHandlers,
  ownership: OwnerAndCaller & Pick<S3ClientPair, 'secretArn'>,
): S3ClientPair => {
  const clientWith = (more: S3ClientConfig): S3Client =>
    expectOwner(withOurHooks(new S3Client({ ...config, ...more })), ownership.owner);
  const singleWith = (requestHandler: RequestHandlers['usual']): S3Client =>
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

export const s3Config = (region: string): S3ClientConfig => ({
  region,
  maxAttempts: 3,
  logger: SDK_LOGGER,
  sha256: createSigningHash(),
  // By default, the SDK would open a new connection for each upload of 2 MiB or more.
  expectContinueHeader: false,
  // The SDK does not need to compute checksums, because we compare stored checksums and send checksums that are already known.
  requestChecksumCalculation: 'WHEN_REQUIRED',
  responseChecksumValidation: 'WHEN_REQUIRED',
  // Uploads with a computed trailer are sent in chunks. S3 refuses chunks under 8 KiB.
  requestStreamBufferSize: 65_536,
  forcePathStyle: forcePathStyle(),
});
