/**
 * Parses, checks and renders lifecycle rules. The local S3 rejects rules that move objects to another storage class.
 *
 * Sources: API_PutBucketLifecycleConfiguration.html, API_LifecycleRule.html; User Guide "Lifecycle configuration elements"
 * (intro-lifecycle-rules.html).
 */
import { randomBytes } from 'node:crypto';
import { DAY_MS } from './schedule.ts';
import { invalidArgument, S3Error } from '../errors.ts';
import { EVERYTHING, parseFilter, renderFilter } from './object-filter.ts';
import { parseInstant } from '../model/object-lock.ts';
import {
  childOf,
  childrenOf,
  textOf,
  xmlDocument,
  xmlElement,
  xmlText,
  type XmlNode,
} from '../protocol/xml.ts';
import type { LifecycleRule, Expiration, NoncurrentExpiration } from '../model/configuration.ts';

/** Reads a LifecycleConfiguration document. Throws MalformedXML, InvalidArgument, InvalidRequest or NotImplemented. */
export const parseLifecycle = (root: XmlNode): LifecycleRule[] => {
  const rules = childrenOf(root, 'Rule').map(parseLifecycleRule);
  checkRules(rules);
  return rules;
};

/** Throws MalformedXML, InvalidArgument or InvalidRequest if S3 would reject the rules. */
export const checkRules = (rules: LifecycleRule[]): void => {
  if (rules.length === 0 || rules.length > 1000) throw new S3Error('MalformedXML');
  const ids = new Set(rules.map((rule) => rule.id));
  if (ids.size < rules.length)
    throw invalidArgument('Rule ID must be unique. Found same ID for more than one rule');
  for (const rule of rules) checkRule(rule);
};

export const renderLifecycle = (rules: LifecycleRule[]): string =>
  xmlDocument('LifecycleConfiguration', ...rules.map(renderLifecycleRule));

export const newRuleId = (): string => randomBytes(24).toString('base64url');

export const refuseTransitions = (): S3Error =>
  new S3Error('NotImplemented', { message: 'The local S3 does not move objects to another storage class' });

const parseLifecycleRule = (node: XmlNode): LifecycleRule => {
  const status = textOf(node, 'Status')?.trim();
  const [filter, prefix] = [childOf(node, 'Filter'), textOf(node, 'Prefix')];
  if (status !== 'Enabled' && status !== 'Disabled') throw new S3Error('MalformedXML');
  if ((filter === undefined) === (prefix === undefined)) throw new S3Error('MalformedXML');
  for (const name of ['Transition', 'NoncurrentVersionTransition'])
    if (childOf(node, name) !== undefined) throw refuseTransitions();
  const id = textOf(node, 'ID') ?? '';
  const abort = childOf(node, 'AbortIncompleteMultipartUpload');
  return {
    id: id === '' ? newRuleId() : id,
    enabled: status === 'Enabled',
    filter: prefix === undefined ? parseFilter(filter) : { ...EVERYTHING, prefix },
    legacyPrefix: prefix !== undefined,
    expiration: parseExpiration(childOf(node, 'Expiration')),
    noncurrentExpiration: parseNoncurrent(childOf(node, 'NoncurrentVersionExpiration')),
    abortAfterDays: abort === undefined ? null : (integerOf(abort, 'DaysAfterInitiation') ?? malformed()),
  };
};

const parseExpiration = (node: XmlNode | undefined): Expiration | null => {
  if (node === undefined) return null;
  if (node.children.length !== 1) return malformed();
  const days = integerOf(node, 'Days');
  if (days !== null) return { kind: 'days', days };
  const date = textOf(node, 'Date')?.trim();
  if (date !== undefined) return { kind: 'date', atMs: parseInstant(date) ?? malformed() };
  const marker = textOf(node, 'ExpiredObjectDeleteMarker')?.trim();
  return marker === undefined ? malformed() : { kind: 'expired-delete-marker', remove: marker === 'true' };
};

const parseNoncurrent = (node: XmlNode | undefined): NoncurrentExpiration | null => {
  if (node === undefined) return null;
  const days = integerOf(node, 'NoncurrentDays');
  const newerVersions = integerOf(node, 'NewerNoncurrentVersions');
  if (days === null && newerVersions === null) return malformed();
  if (days !== null && days < 1)
    throw invalidArgument(
      "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer",
    );
  return { days: days ?? 0, newerVersions: newerVersions ?? 0 };
};

const integerOf = (node: XmlNode, name: string): number | null => {
  const text = textOf(node, name)?.trim();
  if (text === undefined) return null;
  return /^-?\d{1,9}$/.test(text) ? Number(text) : malformed();
};

const malformed = (): never => {
  throw new S3Error('MalformedXML');
};

const checkRule = (rule: LifecycleRule): void => {
  const { id, expiration, noncurrentExpiration, abortAfterDays, filter } = rule;
  if (id.length > 255) throw invalidArgument('ID length should not exceed allowed limit of 255');
  if (expiration === null && noncurrentExpiration === null && abortAfterDays === null)
    throw new S3Error('InvalidRequest', {
      message: 'At least one action needs to be specified in a rule',
    });
  if (expiration?.kind === 'days' && expiration.days < 1)
    throw invalidArgument("'Days' for Expiration action must be a positive integer");
  if (expiration?.kind === 'date' && expiration.atMs % DAY_MS !== 0)
    throw invalidArgument("'Date' must be at midnight GMT");
  if (noncurrentExpiration !== null && noncurrentExpiration.days < 0)
    throw invalidArgument(
      "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer",
    );
  if (abortAfterDays !== null && abortAfterDays < 1)
    throw invalidArgument(
      "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer",
    );
  if (filter.tags.length > 0 && abortAfterDays !== null)
    throw new S3Error('InvalidRequest', {
      message: 'AbortIncompleteMultipartUpload cannot be specified with Tags.',
    });
  if (filter.tags.length > 0 && expiration?.kind === 'expired-delete-marker')
    throw new S3Error('InvalidRequest', {
      message: 'ExpiredObjectDeleteMarker cannot be specified with Tags.',
    });
};

const renderLifecycleRule = (rule: LifecycleRule): string =>
  xmlElement(
    'Rule',
    xmlText('ID', rule.id),
    rule.legacyPrefix ? xmlText('Prefix', rule.filter.prefix) : renderFilter(rule.filter),
    xmlText('Status', rule.enabled ? 'Enabled' : 'Disabled'),
    rule.expiration === null ? '' : xmlElement('Expiration', renderExpiration(rule.expiration)),
    rule.noncurrentExpiration === null ? '' : renderNoncurrent(rule.noncurrentExpiration),
    rule.abortAfterDays === null
      ? ''
      : xmlElement('AbortIncompleteMultipartUpload', xmlText('DaysAfterInitiation', rule.abortAfterDays)),
  );

const renderExpiration = (expiration: Expiration): string => {
  switch (expiration.kind) {
    case 'days':
      return xmlText('Days', expiration.days);
    case 'date':
      return xmlText('Date', new Date(expiration.atMs).toISOString());
    case 'expired-delete-marker':
      return xmlText('ExpiredObjectDeleteMarker', expiration.remove);
  }
};

const renderNoncurrent = ({ days, newerVersions }: NoncurrentExpiration): string =>
  xmlElement(
    'NoncurrentVersionExpiration',
    days === 0 ? '' : xmlText('NoncurrentDays', days),
    newerVersions === 0 ? '' : xmlText('NewerNoncurrentVersions', newerVersions),
  );
