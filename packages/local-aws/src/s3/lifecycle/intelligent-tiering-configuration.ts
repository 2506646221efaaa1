/**
 * The configurations of S3 Intelligent-Tiering. Each contains the number of days without a read after which an object is archived.
 *
 * Source: API_PutBucketIntelligentTieringConfiguration.html.
 */
import { authorize } from '../access/access.ts';
import { S3Error } from '../errors.ts';
import type { TieringConfiguration } from '../model/configuration.ts';
import type { ArchiveTier } from '../model/object.ts';
import { parseFilter, renderFilter } from './object-filter.ts';
import { receiveText } from '../protocol/receive.ts';
import type { Answer, BucketContext } from '../protocol/request.ts';
import { scheduleMidnight } from './schedule.ts';
import { xmlAnswer } from '../protocol/xml-answer.ts';
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

export const getIntelligentTiering = (context: BucketContext): Answer => {
  authorize(context, 's3:GetIntelligentTieringConfiguration');
  const id = context.request.query.get('id');
  const all = context.bucket.intelligentTiering;
  if (id === undefined)
    return xmlAnswer(
      xmlDocument(
        'ListBucketIntelligentTieringConfigurationsOutput',
        xmlText('IsTruncated', false),
        ...[...all.values()].map((one) => xmlElement('IntelligentTieringConfiguration', ...elementsOf(one))),
      ),
    );
  const found = all.get(id);
  if (found === undefined) throw new S3Error('NoSuchConfiguration');
  return xmlAnswer(xmlDocument('IntelligentTieringConfiguration', ...elementsOf(found)));
};

export const putIntelligentTiering = async (context: BucketContext): Promise<Answer> => {
  const { state, request, bucket } = context;
  const body = await receiveText(request);
  authorize(context, 's3:PutIntelligentTieringConfiguration');
  const configuration = parseConfiguration(parseXml(body, 'IntelligentTieringConfiguration'));
  if (configuration.id !== request.query.get('id')) throw new S3Error('MalformedXML');
  bucket.intelligentTiering.set(configuration.id, configuration);
  scheduleMidnight(state.pending, state.clock.now());
  return { status: 200 };
};

export const deleteIntelligentTiering = (context: BucketContext): Answer => {
  authorize(context, 's3:PutIntelligentTieringConfiguration');
  if (!context.bucket.intelligentTiering.delete(context.request.query.get('id') ?? ''))
    throw new S3Error('NoSuchConfiguration');
  return { status: 204 };
};

const LEAST_DAYS: Record<ArchiveTier, number> = { ARCHIVE_ACCESS: 90, DEEP_ARCHIVE_ACCESS: 180 };
const MOST_DAYS = 730;

const parseConfiguration = (root: XmlNode): TieringConfiguration => {
  const id = textOf(root, 'Id');
  const status = textOf(root, 'Status')?.trim();
  const tierings = childrenOf(root, 'Tiering').map(parseTiering);
  if (id === undefined || tierings.length === 0) throw new S3Error('MalformedXML');
  if (status !== 'Enabled' && status !== 'Disabled') throw new S3Error('MalformedXML');
  return { id, enabled: status === 'Enabled', filter: parseFilter(childOf(root, 'Filter')), tierings };
};

const parseTiering = (node: XmlNode): TieringConfiguration['tierings'][number] => {
  const tier = textOf(node, 'AccessTier')?.trim();
  const days = Number(textOf(node, 'Days')?.trim());
  if (tier !== 'ARCHIVE_ACCESS' && tier !== 'DEEP_ARCHIVE_ACCESS') throw new S3Error('MalformedXML');
  if (!(days >= LEAST_DAYS[tier] && days <= MOST_DAYS))
    throw new S3Error('InvalidArgument', {
      message: `'Days' for ${tier} must be between ${LEAST_DAYS[tier]} and ${MOST_DAYS}`,
      elements: { ArgumentName: 'Days' },
    });
  return { tier, days };
};

const elementsOf = (configuration: TieringConfiguration): string[] => [
  xmlText('Id', configuration.id),
  renderFilter(configuration.filter),
  xmlText('Status', configuration.enabled ? 'Enabled' : 'Disabled'),
  ...configuration.tierings.map(({ tier, days }) =>
    xmlElement('Tiering', xmlText('Days', days), xmlText('AccessTier', tier)),
  ),
];
