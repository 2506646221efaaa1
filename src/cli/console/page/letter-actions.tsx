/** Checks, redrives and discards the letters of a group. */
import type { Acted } from '../api.ts';
import { ActionDialog } from './action-dialog.tsx';
import { post } from './server-data.ts';

export interface LetterAction {
  kind: keyof typeof ACTIONS;
  /** The filter that names the letters. */
  fields: Record<string, string>;
  name: string;
}

export const ACTIONS = {
  check: {
    title: 'Check',
    verb: 'Check',
    means:
      'Tries what each message would do, without doing it. Before a write it asks S3 whether the upload may begin. No message is sent or deleted.',
  },
  redrive: {
    title: 'Redrive',
    verb: 'Send them back',
    means: 'Replaying a message that was replicated meanwhile does nothing.',
  },
  discard: {
    title: 'Discard',
    verb: 'Delete them permanently',
    means:
      'The messages are written to a file on this machine and then deleted. Their objects stay unreplicated until the next backfill finds them.',
  },
} as const;

/** Maximum number of letters that are checked at once. */
const CHECKED = 1_000;

export const LetterDialog = (given: {
  action: LetterAction;
  onDone: (said: string) => void;
  onClose: (isDone: boolean) => void;
}) => {
  const { kind, fields, name } = given.action;
  const { title, verb, means } = ACTIONS[kind];
  return (
    <ActionDialog
      title={`${title} ${name}`}
      verb={verb}
      isDangerous={kind === 'discard'}
      {...(kind === 'check' ? {} : { preview: kind === 'redrive' ? { 'dry-run': true } : {} })}
      first={kind === 'check' ? { ...fields, limit: CHECKED } : fields}
      send={async (answers) => {
        const { said, notes } = await post<Acted>(`/api/letters/${kind}`, answers);
        given.onDone(said);
        return [said.trim(), ...notes].join('\n');
      }}
      onClose={given.onClose}
    >
      <p>{means}</p>
    </ActionDialog>
  );
};
