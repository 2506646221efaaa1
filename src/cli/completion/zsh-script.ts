import { PROFILES } from './bash-script.ts';
import type { Completed, Group } from './completion-table.ts';

/** Writes the completion of Zsh, by its function \`_arguments\` (zshcompsys(1)). */
export const zshScript = (groups: readonly Group[]): string => `#compdef s3-replicator
# Completion of s3-replicator for Zsh: s3-replicator completion zsh
_s3_replicator() {
  local typed= i
  for ((i = 2; i < CURRENT; i++)); do
    [[ $words[i] == -* ]] && break
    [[ $words[i] == help && -z $typed ]] || typed+="\${typed:+ }$words[i]"
  done
  # _arguments takes the first word for the command, and the words after it for arguments.
  shift $((i - 2)) words
  ((CURRENT -= i - 2))
  case $typed in
${groups.map(pathCase).join('\n')}
  esac
}
if [[ $funcstack[1] == _s3-replicator ]]; then
  _s3_replicator "$@"
else
  compdef _s3_replicator s3-replicator
fi
`;

const pathCase = ({ path, words, options }: Group): string => {
  if (words.length === 0) {
    const specs = options.map((each) => `      ${quoted(spec(each))}`);
    return [`    ${quoted(path)}|${quoted(`${path} `)}*) _arguments \\`, `${specs.join(' \\\n')} ;;`].join(
      '\n',
    );
  }
  const entries = words.map(({ word, summary }) => quoted(`${word}:${summary}`));
  return `    ${quoted(path)}) local -a found=(${[...entries, ...options.map(optionEntry)].join(' ')}); _describe command found ;;`;
};

const optionEntry = ({ option, summary }: Completed): string => quoted(`${option}:${summary}`);

const spec = ({ option, summary, values }: Completed): string => {
  const meaning = summary.replace(/[[\]:]/g, String.raw`\$&`);
  if (values === null) return `*${option}[${meaning}]`;
  return `*${option}=[${meaning}]:value:${action(values)}`;
};

const action = (values: Exclude<Completed['values'], null>): string => {
  if (values === 'files') return '_files';
  if (values === 'profiles') return `($(${PROFILES}))`;
  return values.length === 0 ? ' ' : `(${values.join(' ')})`;
};

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
