/** Checks, redrives and discards the letters of a group. */
import { useEffect, useState } from 'preact/hooks';
import { countOf, countText } from '../../../lib/text/amounts.ts';
import type { Checked, Discarded, Redriven } from '../api.ts';
import { ActionDialog } from './action-dialog.tsx';
import { Key } from './parts.tsx';
import { post, problemIn } from './server-data.ts';

export interface LetterAction {
  kind: 'check' | 'redrive' | 'discard';
  /** The filter that names the letters. */
  fields: Record<string, string>;
  name: string;
}

interface Given {
  action: LetterAction;
  onChecked: (checked: Checked) => void;
  onClose: (isDone: boolean) => void;
}

export const LetterDialog = ({ action, onChecked, onClose }: Given) => {
  const { kind, fields, name } = action;
  if (kind === 'check')
    return (
      <ActionDialog
        title={`Check ${name}`}
        verb="Check"
        onClose={onClose}
        send={async () => {
          const checked = await post<Checked>('/api/letters/check', { ...fields, limit: 1_000 });
          onChecked(checked);
          return checkText(checked);
        }}
      >
        <p>
          Tries what each message would do, without doing it. Before a write it asks S3 whether the upload may
          begin. No message is sent or deleted.
        </p>
      </ActionDialog>
    );
  if (kind === 'redrive')
    return (
      <ActionDialog
        title={`Redrive ${name}`}
        verb="Send them back"
        onClose={onClose}
        send={async (answers) =>
          redriveText(await post<Redriven>('/api/letters/redrive', { ...fields, ...answers }))
        }
      >
        <DryRun fields={fields} />
      </ActionDialog>
    );
  return (
    <ActionDialog
      title={`Discard ${name}`}
      verb="Delete them permanently"
      isDangerous
      asksAtOnce
      onClose={onClose}
      send={async (answers) =>
        discardText(await post<Discarded>('/api/letters/discard', { ...fields, ...answers }))
      }
    >
      <p>
        The messages are written to a file on this machine and then deleted. Their objects stay unreplicated
        until the next backfill finds them.
      </p>
    </ActionDialog>
  );
};

const DryRun = ({ fields }: { fields: LetterAction['fields'] }) => {
  const [text, setText] = useState('Counting the messages…');
  useEffect(() => {
    void post<Redriven>('/api/letters/redrive', { ...fields, 'dry-run': true })
      .then(({ groups, queue, liveQueue }) => {
        const count = (groups ?? []).reduce((sum, { letters }) => sum + letters, 0);
        return `${countOf(count, 'message')} would be sent from ${queue} to ${liveQueue}.`;
      })
      .catch((error: unknown) => problemIn(error).message)
      .then(setText);
  }, []);
  return <p aria-live="polite">{text} Replaying a message that was replicated meanwhile does nothing.</p>;
};

const checkText = ({ checked, fails, acts, ends, unclear }: Checked): string =>
  checked === 0
    ? 'There is no message to check.'
    : `${countOf(checked, 'message')} checked: ${[
        fails === 0 ? 'none would fail again' : `${countText(fails)} would fail again`,
        ...(acts === 0 ? [] : [`${countText(acts)} would succeed`]),
        ...(ends === 0 ? [] : [`${countText(ends)} have nothing left to do`]),
        ...(unclear === 0 ? [] : [`${countText(unclear)} are unclear`]),
      ].join(', ')}.`;

const redriveText = ({ moved, notMoved, problem, notes, liveQueue }: Redriven): string =>
  [
    moved === 0 && notMoved === 0
      ? 'There was nothing to send.'
      : `${countOf(moved, 'message')} sent to ${liveQueue}.`,
    ...(notMoved === 0 ? [] : [`${countOf(notMoved, 'message')} stayed.`]),
    ...(problem === null ? [] : [problem]),
    ...notes,
  ].join(' ');

const discardText = ({ matching, deleted, export: path, problem }: Discarded): string =>
  matching === 0
    ? 'There was nothing to discard.'
    : [
        `${countText(deleted)} of ${countOf(matching, 'message')} deleted.`,
        ...(path === null ? [] : [`They are in ${path}.`]),
        ...(problem === null ? [] : [problem]),
      ].join(' ');

const VERDICTS = {
  fails: 'would fail',
  unclear: 'unclear',
  acts: 'would succeed',
  ends: 'nothing to do',
} as const;

/** What a check found, one line for each kind of finding. */
export const CheckResult = ({ checked }: { checked: Checked }) => {
  const groups = [
    ...Map.groupBy(checked.letters, ({ verdict, what, detail }) =>
      JSON.stringify([verdict, what, detail]),
    ).values(),
  ];
  if (checked.checked === 0) return null;
  return (
    <section class={`verdict ${checked.fails > 0 ? 'bad' : 'good'}`} aria-label="Result of the check">
      <p>{checkText(checked)}</p>
      <ul>
        {groups.map(([first, ...others]) =>
          first === undefined ? null : (
            <li key={first.id}>
              <strong>{VERDICTS[first.verdict]}</strong> <code>{first.what}</code> ×{' '}
              {countText(1 + others.length)}
              {first.detail === null ? '' : `: ${first.detail}`} e.g. <Key name={first.key} />
            </li>
          ),
        )}
      </ul>
    </section>
  );
};
