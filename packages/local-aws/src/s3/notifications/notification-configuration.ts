/**
 * Parses, checks and renders a bucket's notification configuration. The checks are the same as in S3.
 *
 * Source: Amazon S3 User Guide "Amazon S3 Event Notifications" (EventNotifications.html,
 * notification-how-to-filtering.html), API Reference "PutBucketNotificationConfiguration".
 */
import { randomUUID } from 'node:crypto';
import { invalidArgument, S3Error } from '../errors.ts';
import {
  childOf,
  childrenOf,
  parseXml,
  textOf,
  xmlDocument,
  xmlElement,
  xmlText,
  type XmlNode,
} from '../protocol/xml.ts';
import type { NotificationConfiguration, NotificationTarget, TargetKind } from '../model/configuration.ts';

export const NO_NOTIFICATIONS: NotificationConfiguration = { targets: [], eventBridge: false };

/** Reads a PutBucketNotificationConfiguration body. Throws MalformedXML or InvalidArgument. */
export const parseNotificationConfiguration = (body: string): NotificationConfiguration => {
  const root = parseXml(body, 'NotificationConfiguration');
  const targets = TARGET_KINDS.flatMap((kind) =>
    childrenOf(root, `${kind}Configuration`).map((node) => parseNotificationTarget(kind, node)),
  );
  const configuration = { targets, eventBridge: childOf(root, 'EventBridgeConfiguration') !== undefined };
  checkNotificationConfiguration(configuration);
  return configuration;
};

export const renderNotificationConfiguration = (configuration: NotificationConfiguration): string =>
  xmlDocument(
    'NotificationConfiguration',
    ...configuration.targets.map(renderNotificationTarget),
    configuration.eventBridge ? '<EventBridgeConfiguration/>' : '',
  );

/** Throws InvalidArgument for unknown events, duplicate ids, or filters that overlap for one event type. */
export const checkNotificationConfiguration = (configuration: NotificationConfiguration): void => {
  const ids = new Set<string>();
  for (const target of configuration.targets) {
    if (ids.has(target.id))
      throw invalidArgument('Same ID used for multiple configurations. IDs must be unique');
    ids.add(target.id);
    for (const event of target.events) if (!isKnownEvent(event)) throw unknownEvent(event);
  }
  configuration.targets.forEach((target, index) => {
    for (const other of configuration.targets.slice(index + 1)) checkOverlap(target, other);
  });
};

/** True if the target subscribes to this event for this key. `event` has the form `s3:ObjectCreated:Put`. */
export const targetWants = (target: NotificationTarget, event: string, key: string): boolean =>
  target.events.some((pattern) => covers(pattern, event)) &&
  key.startsWith(target.prefix ?? '') &&
  key.endsWith(target.suffix ?? '');

const TARGET_KINDS: TargetKind[] = ['Topic', 'Queue', 'CloudFunction'];

const EVENT_FAMILIES: Record<string, string[]> = {
  ObjectCreated: ['Put', 'Post', 'Copy', 'CompleteMultipartUpload'],
  ObjectRemoved: ['Delete', 'DeleteMarkerCreated'],
  ObjectRestore: ['Post', 'Completed', 'Delete'],
  Replication: [
    'OperationFailedReplication',
    'OperationNotTracked',
    'OperationMissedThreshold',
    'OperationReplicatedAfterThreshold',
  ],
  LifecycleExpiration: ['Delete', 'DeleteMarkerCreated'],
  ObjectTagging: ['Put', 'Delete'],
  ObjectAnnotation: ['Put', 'Delete'],
};
const SINGLE_EVENTS = [
  's3:ReducedRedundancyLostObject',
  's3:LifecycleTransition',
  's3:IntelligentTiering',
  's3:ObjectAcl:Put',
  's3:ObjectRetention:Put',
];

const isKnownEvent = (event: string): boolean => {
  if (SINGLE_EVENTS.includes(event)) return true;
  const [service, family = '', name = ''] = event.split(':');
  return (
    service === 's3' &&
    (name === '*' || EVENT_FAMILIES[family]?.includes(name) === true) &&
    family in EVENT_FAMILIES
  );
};

const parseNotificationTarget = (kind: TargetKind, node: XmlNode): NotificationTarget => {
  const arn = textOf(node, kind)?.trim();
  const events = childrenOf(node, 'Event').map((event) => event.text.trim());
  if (arn === undefined || events.length === 0) throw new S3Error('MalformedXML');
  if (!/^arn:[^:]+:(sqs|sns|lambda):[^:]*:[^:]*:.+$/.test(arn))
    throw invalidArgument('The ARN could not be parsed', kind, arn);
  const id = textOf(node, 'Id') ?? '';
  if (id.length > 255)
    throw invalidArgument('The ID is too long; it must be at most 255 characters', 'Id', id);
  return { kind, id: id === '' ? randomUUID() : id, arn, events, ...parseKeyFilter(node) };
};

const parseKeyFilter = (node: XmlNode): { prefix: string | null; suffix: string | null } => {
  const filter = childOf(node, 'Filter');
  const rules = childrenOf(
    (filter && childOf(filter, 'S3Key')) ?? { name: '', text: '', children: [] },
    'FilterRule',
  );
  return filterOfRules(
    rules.map((rule) => ({ name: textOf(rule, 'Name') ?? '', value: textOf(rule, 'Value') ?? '' })),
  );
};

/** Reads filter rules from XML or CloudFormation. The rule names may have upper or lower case; S3 itself writes `Prefix` and `Suffix`. */
export const filterOfRules = (
  rules: { name: string; value: string }[],
): { prefix: string | null; suffix: string | null } => {
  const filter: { prefix: string | null; suffix: string | null } = { prefix: null, suffix: null };
  for (const { name, value } of rules) {
    const rule = name.toLowerCase();
    if (rule !== 'prefix' && rule !== 'suffix')
      throw invalidArgument('filter rule name must be either prefix or suffix', 'FilterRule.Name', name);
    if (filter[rule] !== null)
      throw invalidArgument(
        `Cannot specify more than one ${rule} rule in a filter.`,
        'FilterRule.Name',
        name,
      );
    if (Buffer.byteLength(value) > 1024)
      throw invalidArgument(
        'Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation',
        'FilterRule.Value',
        value,
      );
    filter[rule] = value;
  }
  return filter;
};

const renderNotificationTarget = (target: NotificationTarget): string =>
  xmlElement(
    `${target.kind}Configuration`,
    xmlText('Id', target.id),
    xmlText(target.kind, target.arn),
    ...target.events.map((event) => xmlText('Event', event)),
    target.prefix === null && target.suffix === null
      ? ''
      : xmlElement(
          'Filter',
          xmlElement(
            'S3Key',
            renderFilterRule('Prefix', target.prefix),
            renderFilterRule('Suffix', target.suffix),
          ),
        ),
  );

const renderFilterRule = (name: string, value: string | null): string =>
  value === null ? '' : xmlElement('FilterRule', xmlText('Name', name), xmlText('Value', value));

const covers = (pattern: string, event: string): boolean =>
  pattern === event || (pattern.endsWith(':*') && event.startsWith(pattern.slice(0, -1)));

const checkOverlap = (one: NotificationTarget, other: NotificationTarget): void => {
  const shared = one.events.find((a) => other.events.some((b) => covers(a, b) || covers(b, a)));
  if (shared === undefined) return;
  const [prefixA, prefixB] = [one.prefix ?? '', other.prefix ?? ''];
  const [suffixA, suffixB] = [one.suffix ?? '', other.suffix ?? ''];
  const prefixesOverlap = prefixA.startsWith(prefixB) || prefixB.startsWith(prefixA);
  const suffixesOverlap = suffixA.endsWith(suffixB) || suffixB.endsWith(suffixA);
  if (!prefixesOverlap || !suffixesOverlap) return;
  if (prefixA + prefixB + suffixA + suffixB === '')
    throw invalidArgument(
      'Configurations overlap. Configurations on the same bucket cannot share a common event type.',
      'Event',
      [...one.events, ...other.events].join(', '),
    );
  throw invalidArgument(
    'Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type.',
  );
};

const unknownEvent = (event: string): S3Error =>
  invalidArgument(`The event '${event}' is not supported for notifications`, 'Event', event);
