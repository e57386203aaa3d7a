/** Where a scored customer, a model or a run comes from: from the row to the commit, as data. */

export interface Lineage {
  asked: { kind: "customer" | "model" | "run"; id: string };
  /** The newest prediction for the customer. */
  prediction?: { customer: string; prediction: number; probability: number; pipelineId: string; at: string };
  /** What the run has scored. */
  scored?: { rows: number; pipelineId: string };
  /** The batch that scored. */
  scoring?: BatchFact;
  /** The models by which the prediction was made, or which the run made. */
  models: ModelFact[];
}

export interface ModelFact {
  version: string;
  /** training or hyperparameter-tuning. */
  operation: string;
  uri: string;
  pipelineId: string;
  at: string;
  /** Resource name with the version's number, when it is in the model registry. */
  registered?: string;
  batch?: BatchFact;
  data: DataFact;
  /** Absent where batches were submitted one by one. */
  pipelineJob?: { name: string; state: string; createTime: string; serviceAccount?: string };
  stack: StackFact;
  commit: CommitFact;
}

export interface BatchFact {
  id: string;
  /** Absent when the batch has been deleted since. */
  state?: string;
  createTime?: string;
  runtime?: string;
  serviceAccount?: string;
}

/** The customers' file. */
export interface DataFact {
  uri: string;
  /** MD5 in hex of the file that was read; null for rows from before it was kept. */
  md5: string | null;
  /** The object as it is now. */
  now?: { md5: string; generation: string; created: string };
}

export interface StackFact {
  name: string | null;
  /** The stack's state as it is now: what tells it from every other, when it was written, what it holds. */
  now: { digest: string; writtenAt: string; resources: number; commit: string };
}

export interface CommitFact {
  /** Null for rows from before it was kept. */
  hash: string | null;
  /** Files that were deployed differed from the commit. */
  dirty: boolean;
  /** From this checkout; or why it does not tell it. */
  subject?: string;
  at?: string;
  untold?: string;
}

/** `0f0f-dirty` is the commit and what is said of it. */
export function commitOf(text: string | null): Pick<CommitFact, "hash" | "dirty"> {
  if (text === null || text === "unknown") return { hash: null, dirty: false };
  return { hash: text.replace(/-dirty$/, ""), dirty: text.endsWith("-dirty") };
}
