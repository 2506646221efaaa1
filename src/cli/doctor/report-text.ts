/** The report for people. Each group is one block: a line for everything that is in order, and then each problem with its fix. */
import { countOf } from '../../lib/text/amounts.ts';
import type { Style } from '../terminal/style.ts';
import { pad, textWidth } from '../terminal/width.ts';
import { wrapParagraph } from '../terminal/wrap.ts';
import type { Finding, Group } from './finding.ts';
import { fixText } from './fix.ts';
import type { Report } from './report.ts';

interface Page {
  columns: number;
  style: Style;
  /** The account of the caller; null: there are no credentials. */
  account: string | null;
  /** The subject under which each fix was printed first. */
  printed: Map<string, string>;
}

export const reportText = (report: Report, terminal: Omit<Page, 'account' | 'printed'>): string => {
  const page = { ...terminal, account: report.account, printed: new Map<string, string>() };
  const groups = ORDER.flatMap((group) => {
    const findings = report.findings.filter((finding) => finding.group === group);
    return findings.length === 0 ? [] : groupLines(group, findings, page);
  });
  return `${[headerText(report, page), '', ...groups, '', ...summaryLines(report, page)].join('\n')}\n`;
};

const ORDER: readonly Group[] = ['here', 'stack', 'sources', 'destinations', 'rules', 'health', 'canary'];

const TITLES: Partial<Record<Group, string>> = {
  destinations: 'destinations (asked by the function itself)',
};

const headerText = (report: Report, { columns }: Page): string => {
  const deployed =
    report.deployedVersion === null
      ? ''
      : `\u00a0${report.deployedVersion === report.version ? '=' : '≠'}\u00a0deployed\u00a0${report.deployedVersion}`;
  const account =
    report.account === null ? 'no credentials' : `account ${report.account} (${report.caller ?? ''})`;
  return wrapParagraph(
    `${report.stack}, ${account}, ${report.region} · CLI\u00a0${report.version}${deployed}`,
    columns,
    2,
  );
};

/** The columns at which texts begin: in a group without subjects, and in a group with subjects. */
const INDENT = 14;
const SUBJECT_INDENT = 19;

const groupLines = (group: Group, findings: readonly Finding[], page: Page): string[] => {
  const title = TITLES[group] ?? group;
  const bySubject = [...Map.groupBy(findings, ({ subject }) => subject)];
  if (bySubject.length === 1 && bySubject[0]?.[0] === '')
    return beside(page.style('bold', pad(title, INDENT)), INDENT, findings, page);
  return [
    page.style('bold', title),
    ...bySubject.flatMap(([subject, ofSubject]) => beside(`  ${subject}`, SUBJECT_INDENT, ofSubject, page)),
  ];
};

/** Writes the findings beside a name, or below it if the name is too long. */
const beside = (name: string, indent: number, findings: readonly Finding[], page: Page): string[] => {
  const [first = '', ...rest] = findingLines(findings, indent, page);
  const isLong = textWidth(name) >= indent && !name.endsWith(' ');
  return isLong ? [name, ' '.repeat(indent) + first, ...rest] : [`${pad(name, indent)}${first}`, ...rest];
};

/** Returns the lines of the findings. All lines but the first are indented. */
const findingLines = (findings: readonly Finding[], indent: number, page: Page): string[] => {
  const of = (verdict: Finding['verdict']): Finding[] => findings.filter((one) => one.verdict === verdict);
  const wells = of('ok').map(({ text }) => `✔\u00a0${text}`);
  const skipped = [...new Set(of('not-checked').map(({ text }) => text))];
  const blocks = [
    ...(wells.length === 0 ? [] : [wrapped(wells.join(' '), indent, page, 'green')]),
    ...[...of('error'), ...of('warning')].flatMap((finding) => problemLines(finding, indent, page)),
    ...(skipped.length === 0 ? [] : [wrapped(`? not checked: ${skipped.join('; ')}`, indent, page, 'dim')]),
  ];
  return blocks.map((block, index) => (index === 0 ? block : ' '.repeat(indent) + block));
};

const problemLines = ({ verdict, text, subject, fix }: Finding, indent: number, page: Page): string[] => [
  wrapped(`${verdict === 'error' ? '✘' : '!'} ${text}`, indent, page, verdict === 'error' ? 'red' : 'yellow'),
  ...(fix === null
    ? []
    : [
        `  ${wrapParagraph(`fix: ${knownFix(fixText(fix, page.account), subject, page)}`, page.columns, indent + 7)}`,
      ]),
];

/** A fix that helps several destinations is printed once. */
const knownFix = (text: string, subject: string, { printed }: Page): string => {
  const first = printed.get(text);
  if (first !== undefined) return first === subject ? 'the same' : `the same as for ${first}`;
  printed.set(text, subject);
  return text;
};

/** Wraps a text and colours only its marks. */
const wrapped = (
  text: string,
  indent: number,
  { columns, style }: Page,
  colour: Parameters<Style>[0],
): string =>
  wrapParagraph(text, columns, indent + 2).replaceAll(/[✔✘!?](?=[ \u00a0])/g, (mark) => style(colour, mark));

const summaryLines = (report: Report, { columns, style }: Page): string[] => {
  const { errors, warnings, seconds, destinations } = report;
  const counts = `${countOf(errors, 'error')}, ${countOf(warnings, 'warning')} in ${seconds} s.`;
  const reached =
    destinations === 0
      ? ''
      : ` ${report.sound} of ${countOf(destinations, 'destination')} without an error in the way.`;
  const script =
    errors + warnings === 0 ? [] : ['All fixes as a script: npx s3-replicator doctor --fix-script'];
  return [style(errors > 0 ? 'red' : 'green', wrapParagraph(counts + reached, columns, 0)), ...script];
};
