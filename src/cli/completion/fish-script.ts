import { PROFILES } from './bash-script.ts';
import type { Completed, Group } from './completion-table.ts';

/** Writes the completion of fish, one `complete` for each word and option. */
export const fishScript = (
  groups: readonly Group[],
): string => `# Completion of s3-replicator for fish: s3-replicator completion fish
function __s3_replicator_path
    set -l path
    for word in (commandline -opc)[2..]
        string match -q -- '-*' $word; and break
        test "$word" = help -a -z "$path"; or set -a path $word
    end
    string join ' ' -- $path
end
function __s3_replicator_at
    test (__s3_replicator_path | string collect -a) = "$argv[1]"
end
function __s3_replicator_in
    string match -q -- "$argv[1]*" (__s3_replicator_path | string collect -a)
end
complete -c s3-replicator -f
${groups.flatMap(completions).join('\n')}
`;

const completions = ({ path, words, options }: Group): string[] => {
  const place = `${words.length === 0 ? '__s3_replicator_in' : '__s3_replicator_at'} ${quoted(path)}`;
  const start = `complete -c s3-replicator -n ${quoted(place)}`;
  return [
    ...words.map(({ word, summary }) => `${start} -a ${word} -d ${quoted(summary)}`),
    ...options.map(
      ({ option, summary, values }) => `${start} -l ${option.slice(2)}${value(values)} -d ${quoted(summary)}`,
    ),
  ];
};

const value = (values: Completed['values']): string => {
  if (values === null) return '';
  if (values === 'files') return ' -rF';
  if (values === 'profiles') return ` -xa ${quoted(`(${PROFILES})`)}`;
  return values.length === 0 ? ' -x' : ` -xa ${quoted(values.join(' '))}`;
};

const quoted = (text: string): string => `'${text.replace(/[\\']/g, String.raw`\$&`)}'`;
