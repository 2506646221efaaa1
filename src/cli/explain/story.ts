/** Describes the state of one object at one destination: a sentence, the facts behind the sentence, and the commands to type. */
import type { Explanation, PlaceView } from '../../lib/inspect/explain.ts';
import { shellWord } from '../../lib/text/shell.ts';
import { destinationText, nextText, sourceText, timeText } from './facts.ts';
import { headlineOf } from './headline.ts';
import { lineText } from './line-text.ts';
import type { Told } from './told.ts';

export interface StoryLine {
  label: string;
  text: string;
}

export interface Story {
  rule: string | null;
  destination: string | null;
  headline: string;
  lines: StoryLine[];
}

export interface StorySetting {
  nowMs: number;
  /** Makes a command for this deployment. */
  command(words: string): string;
}

export const storyOf = (told: Told, { nowMs, command }: StorySetting): Story => {
  const { place, explanation } = told;
  const { headline, fix, command: words } = headlineOf(told, nowMs);
  return {
    rule: place.rule,
    destination: place.destination,
    headline,
    lines: [
      {
        label: 'source',
        text: `${sourceText(place.source)} · rule ${place.rule} of s3://${explanation.bucket}`,
      },
      { label: 'destination', text: placeText(place) },
      { label: '', text: destinationText(place) },
      ...versionLines(place),
      ...letterLines(told),
      ...waitLines(place),
      ...runLines(told),
      ...(place.announced === undefined
        ? []
        : [{ label: 'event', text: 'each proven replica is announced to EventBridge' }]),
      { label: 'next hint', text: nextText(place, fix === null ? null : told.letter) },
      ...(fix === null ? [] : [{ label: 'fix', text: fix }]),
      ...(words === null ? [] : [{ label: fix === null ? 'do' : 'then', text: command(words) }]),
      ...logLines(told),
      {
        label: 'seen',
        text: `both buckets as the replicate role${told.letter === null ? '' : ', the queue as you'}`,
      },
    ],
  };
};

const placeText = ({ destinationBucket, replicaKey, endpoint = null }: PlaceView): string =>
  `s3://${destinationBucket}/${replicaKey}${endpoint === null ? '' : ` at ${endpoint}`}`;

const runLines = ({ run }: Told): StoryLine[] => {
  if (run === null) return [];
  return [{ label: 'run', text: 'problem' in run ? `not read: ${run.problem}` : run.text }];
};

const logLines = ({ place: { rule, destination }, log }: Told): StoryLine[] =>
  'problem' in log
    ? [{ label: 'log', text: `not read: ${log.problem}` }]
    : log.lines
        .filter((line) => line.rule === rule && line.destination === destination)
        .slice(-SHOWN_LINES)
        .map((line, index) => ({
          label: index === 0 ? 'log' : '',
          text: lineText({ ...line, rule: null, key: null }),
        }));

/** How many lines of the log are shown. */
const SHOWN_LINES = 3;

/** Returns the story of a key that no rule includes. */
export const unwantedStory = ({ bucket, key, rules, sourceBuckets }: Explanation): Story => {
  const isKnown = rules.length > 0;
  const isChosen = rules.some(({ why }) => why === null);
  return {
    rule: null,
    destination: null,
    headline: isChosen
      ? 'No rule with this --rule and --destination wants the key.'
      : isKnown
        ? `Not replicated: no rule wants ${JSON.stringify(key)}.`
        : `Not replicated: no rule reads or writes the bucket ${bucket}.`,
    lines: isKnown
      ? rules.map(({ rule, why }) => ({ label: 'rule', text: `${rule}: ${why ?? 'wants the key'}` }))
      : [{ label: 'sources', text: sourceBuckets.join(', ') }],
  };
};

const versionLines = ({ version, source }: PlaceView): StoryLine[] => {
  if (version === null) return [];
  if (version.problem !== null)
    return [
      { label: 'version', text: `${version.id}: ${version.problem.reason}, ${version.problem.detail}` },
    ];
  if (version.state === null) return [{ label: 'version', text: `${version.id} is gone from the source` }];
  const isCurrent = source.current?.kind === 'object' && source.current.state.versionId === version.id;
  const at =
    version.replicaVersion === null
      ? 'none of the newest replicas is its'
      : `its replica is version ${version.replicaVersion}`;
  return [{ label: 'version', text: `${version.id} is ${isCurrent ? 'current' : 'not current'}; ${at}` }];
};

const letterLines = ({ letter }: Told): StoryLine[] => {
  if (letter === null) return [];
  if (letter.letter === null)
    return [
      { label: 'tried', text: 'a dead letter is on record, but was not found among those that were read' },
    ];
  const { firstSeen, deadSince, attempts, detail } = letter.letter;
  const times = attempts === null ? '' : `, ${attempts} ${attempts === 1 ? 'time' : 'times'}`;
  return [
    {
      label: 'tried',
      text: `since ${timeText(firstSeen)}${times} · dead letter since ${timeText(deadSince)}`,
    },
    ...(detail === null ? [] : [{ label: '', text: detail }]),
  ];
};

const waitLines = ({ avoided, brake, transfer, rule }: PlaceView): StoryLine[] => [
  ...(avoided === null
    ? []
    : [
        {
          label: 'circuit',
          text: `open since ${timeText(avoided.since)}: ${avoided.reason}, ${avoided.detail}`,
        },
      ]),
  ...(brake.closedSince === null
    ? []
    : [{ label: 'brake', text: `closed since ${timeText(brake.closedSince)}: ${brake.why ?? ''}` }]),
  ...(transfer === null
    ? []
    : [
        {
          label: 'transfer',
          text: `${Math.floor((100 * transfer.bytes) / Math.max(1, transfer.sizeBytes))} % since ${timeText(transfer.started)}${transfer.isCurrent ? '' : ', of another version'}${transfer.failure === null ? '' : `, waits for a person: ${transfer.failure.reason}, ${transfer.failure.detail}`} (transfers list, rule ${shellWord(rule)})`,
        },
      ]),
];
