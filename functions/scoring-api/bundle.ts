/** The model bundle: its type, and the check of a document before anything is predicted with it. */
import schema from "../../pyspark/model-bundle.schema.json";
import { kindOf, parseDocument } from "./document";

export interface Amount {
  name: string;
  kind: "amount";
  slot: number;
  /** What null or a blank text stands for; without it neither is allowed. */
  blank?: number;
}

export interface Category {
  name: string;
  kind: "category";
  slot: number;
  categories: string[];
  /** Words of the source file, and the category that each is. */
  same_as: Record<string, string>;
  unseen: "no slot";
}

/** By node: a customer goes left if the slot `feature` is at most `threshold`; -1 marks a leaf. */
export interface Tree {
  feature: number[];
  threshold: number[];
  left: number[];
  right: number[];
  counts: [number, number][];
}

/** As pyspark/model-bundle.schema.json describes it. */
export interface Bundle {
  format: "sparklab-model-bundle";
  format_version: 1;
  model: { name: string; version: string; operation: string; pipeline_id: string; gcs_uri: string };
  classes: ["no", "yes"];
  inputs: (Amount | Category)[];
  slots: number;
  trees: Tree[];
}

const BUNDLE = kindOf<Bundle>("model bundle", "churn_export", schema, (bundle) => [
  ...slotProblems(bundle),
  ...bundle.trees.flatMap((tree, index) => treeProblems(tree, index, bundle.slots)),
]);

/**
 * Reads a bundle.
 * @param where Named in the message.
 * @throws DocumentError with the problems
 */
export const parseBundle = (text: string, where: string): Bundle => parseDocument(BUNDLE, text, where);

/** Inputs must fill the vector without gap or overlap. */
function slotProblems({ inputs, slots }: Bundle): string[] {
  let next = 0;
  const problems: string[] = [];
  for (const input of inputs) {
    if (input.slot !== next) problems.push(`/inputs/${input.name}: got slot ${input.slot}; expected ${next}`);
    next = input.slot + (input.kind === "category" ? input.categories.length : 1);
  }
  if (next !== slots) problems.push(`/slots: got ${slots}; expected ${next}, which the inputs fill`);
  if (new Set(inputs.map(({ name }) => name)).size < inputs.length) problems.push("/inputs: got a name twice");
  return problems;
}

/** Every walk must end: children lie behind their parent and inside the tree. */
function treeProblems({ feature, threshold, left, right, counts }: Tree, index: number, slots: number): string[] {
  const nodes = feature.length;
  if ([threshold, left, right, counts].some((list) => list.length !== nodes))
    return [`/trees/${index}: got lists of different lengths`];
  return feature.flatMap((slot, node) => {
    const [no, yes] = counts[node]!;
    if (slot === -1) return no + yes > 0 ? [] : [`/trees/${index}: leaf ${node} has no counts`];
    const inside = [left[node]!, right[node]!].every((child) => child > node && child < nodes);
    return slot < slots && inside ? [] : [`/trees/${index}: node ${node} points outside the tree or the vector`];
  });
}
