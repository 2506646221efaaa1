/** True if the value matches an IAM pattern. `*` matches any characters, and `?` matches exactly one. The match is case-sensitive. */
export function matchesWildcard(pattern: string, value: string): boolean {
  let p = 0;
  let v = 0;
  let starAt = -1;
  let resumeAt = 0;
  while (v < value.length) {
    const wanted = pattern[p];
    if (wanted === '*') {
      starAt = p;
      resumeAt = v;
      p += 1;
    } else if (p < pattern.length && (wanted === '?' || wanted === value[v])) {
      p += 1;
      v += 1;
    } else if (starAt >= 0) {
      p = starAt + 1;
      resumeAt += 1;
      v = resumeAt;
    } else {
      return false;
    }
  }
  while (pattern[p] === '*') p += 1;
  return p === pattern.length;
}

/**
 * Converts the pattern of a Resource element to a regular expression. A wildcard does not match a colon, except in the last part of the
 * ARN, or as a `*` at the end of a part.
 *
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
 */
export function resourcePattern(pattern: string): RegExp {
  const parts = splitArn(pattern);
  const converted = parts.map((part, index) => {
    const isLast = index === parts.length - 1;
    const within = isLast ? '.' : '[^:]';
    return part.replaceAll(/[.+^${}()|[\]\\*?]/g, (character, at: number) => {
      if (character === '?') return within;
      if (character === '*') return isLast || at === part.length - 1 ? '.*' : '[^:]*';
      return `\\${character}`;
    });
  });
  return new RegExp(`^${converted.join(':')}$`, 's');
}

/**
 * True if an ARN matches a pattern of ArnLike. The six parts between colons are compared separately. Therefore a wildcard does not match
 * a colon, except in the last part.
 *
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN
 */
export function matchesArn(pattern: string, arn: string): boolean {
  const wanted = splitArn(pattern);
  const actual = splitArn(arn);
  return (
    wanted.length === actual.length &&
    wanted.every((part, index) => matchesWildcard(part, actual[index] ?? ''))
  );
}

function splitArn(arn: string): string[] {
  const parts = arn.split(':');
  return parts.length <= 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(':')];
}
