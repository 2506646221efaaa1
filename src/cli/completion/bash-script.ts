import type { Completed, Group } from './completion-table.ts';

/**
 * Writes the completion of Bash. Bash splits words at `=`, so that `--reason=kms` arrives as three words. The script needs nothing but Bash
 * 3.2, which macOS has.
 */
export const bashScript = (
  groups: readonly Group[],
): string => `# Completion of s3-replicator for Bash: s3-replicator completion bash
_s3_replicator() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD - 1]} path= list= i
  if [[ $current == = ]]; then
    current=
  elif [[ $previous == = ]]; then
    previous=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ \${COMP_WORDS[i]} == -* ]] && break
    [[ \${COMP_WORDS[i]} == help && -z $path ]] || path+="\${path:+ }\${COMP_WORDS[i]}"
  done
  COMPREPLY=()
  case "$path $previous" in
${groups.flatMap(valueCases).join('\n')}
  esac
  if [[ -z $list ]]; then
    case $path in
${groups.map(pathCase).join('\n')}
    esac
  fi
  COMPREPLY=($(compgen -W "$list" -- "$current"))
}
complete -F _s3_replicator s3-replicator
`;

const valueCases = ({ path, options }: Group): string[] =>
  options
    .filter(({ values }) => values !== null)
    .map(({ option, values }) => `    ${quoted(`${path} `)}*${quoted(option)}) ${completeValue(values)} ;;`);

const completeValue = (values: Completed['values']): string => {
  if (values === 'files') return 'COMPREPLY=($(compgen -f -- "$current")); return';
  if (values === 'profiles') return `list=$(${PROFILES})`;
  return values === null || values.length === 0 ? 'return' : `list=${quoted(values.join(' '))}`;
};

/** A command that prints the names of profiles. A file that does not exist adds no name. */
export const PROFILES = String.raw`sed -n 's/^\[\(profile \)*\([^] ]*\)\]$/\2/p' ~/.aws/config ~/.aws/credentials 2>/dev/null`;

const pathCase = ({ path, words, options }: Group): string => {
  const list = [...words.map(({ word }) => word), ...options.map(({ option }) => option)].join(' ');
  // A command is followed by its argument and options; a group only by its commands.
  const pattern = words.length === 0 ? `${quoted(path)}|${quoted(`${path} `)}*` : quoted(path);
  return `      ${pattern}) list=${quoted(list)} ;;`;
};

const quoted = (text: string): string => `'${text}'`;
