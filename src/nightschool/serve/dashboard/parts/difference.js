// Which words two texts share: the longest common run of words in the same order.

/**
 * Compare two texts word by word. Each side comes back as [[text, isShared], ...] with its spaces.
 * Texts of more than `limit` words are not compared, and come back as shared.
 */
export function differences(left, right, limit = 1500) {
  const a = left.split(/(?<=\s)(?=\S)/);
  const b = right.split(/(?<=\s)(?=\S)/);
  if (a.length > limit || b.length > limit) return [[[left, true]], [[right, true]]];
  const word = (text) => text.trim();
  const best = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      best[i][j] = word(a[i]) === word(b[j]) ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
    }
  }
  const sides = [[], []];
  const put = (side, text, shared) => {
    const last = sides[side].at(-1);
    if (last && last[1] === shared) last[0] += text;
    else if (text) sides[side].push([text, shared]);
  };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && word(a[i]) === word(b[j])) {
      put(0, a[i++], true);
      put(1, b[j++], true);
    } else if (j >= b.length || (i < a.length && best[i + 1][j] >= best[i][j + 1])) put(0, a[i++], false);
    else put(1, b[j++], false);
  }
  return sides;
}
