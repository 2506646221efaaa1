/** Returns the candidate that a mistyped word most likely means, or null if no candidate is similar enough. */
export function nearestWord(word: string, candidates: readonly string[]): string | null {
  const simplified = simplify(word);
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(simplified, simplify(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Makes different spellings equal: `role_arn`, `RoleARN` and `role-arn` all mean `roleArn`. */
const simplify = (word: string): string => word.toLowerCase().replace(/[^a-z0-9]/g, '');

/** Calculates the Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
