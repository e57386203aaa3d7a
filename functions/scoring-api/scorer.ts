/** Walks the trees of a bundle: the probability that Spark gives, in double precision and in Spark's order of sums. */
import type { Bundle } from "./bundle";

/** Scores a filled feature vector. */
export type Score = (vector: Float64Array) => number;

/** Lays the trees out in flat arrays, one walk per tree, no object on the way. */
export function scorerOf({ trees }: Bundle): Score {
  const nodes = trees.reduce((sum, { feature }) => sum + feature.length, 0);
  const feature = new Int32Array(nodes);
  const threshold = new Float64Array(nodes);
  const left = new Int32Array(nodes);
  const right = new Int32Array(nodes);
  const shares = [new Float64Array(nodes), new Float64Array(nodes)] as const;
  const roots = new Int32Array(trees.length);
  let offset = 0;
  for (const [index, tree] of trees.entries()) {
    roots[index] = offset;
    for (const [node, slot] of tree.feature.entries()) {
      const [no, yes] = tree.counts[node]!;
      const at = offset + node;
      feature[at] = slot;
      threshold[at] = tree.threshold[node]!;
      left[at] = offset + tree.left[node]!;
      right[at] = offset + tree.right[node]!;
      shares[0][at] = no / (no + yes);
      shares[1][at] = yes / (no + yes);
    }
    offset += tree.feature.length;
  }
  return (vector) => {
    let stay = 0;
    let leave = 0;
    for (let tree = 0; tree < roots.length; tree += 1) {
      let node = roots[tree]!;
      for (let slot = feature[node]!; slot >= 0; slot = feature[node]!) {
        node = vector[slot]! <= threshold[node]! ? left[node]! : right[node]!;
      }
      stay += shares[0][node]!;
      leave += shares[1][node]!;
    }
    return leave / (stay + leave);
  };
}
