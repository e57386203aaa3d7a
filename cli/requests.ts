/** What a command line asks for, after parsing: one shape for each command. */

export type Verb = "preview" | "up" | "refresh" | "destroy";

/** The options of the verbs; their names and meaning are Pulumi's own, each verb has those that Pulumi's has. */
export interface DeploymentOptions {
  stack: string;
  json: boolean;
  /** Configuration that goes before the stack's own file, for this run. */
  config: Record<string, string>;
  /** Go without asking. */
  yes: boolean;
  diff: boolean;
  /** Read what is really there first. */
  refresh: boolean;
  /** A change is a failure. */
  expectNoChanges: boolean;
  skipPreview: boolean;
  /** URNs; nothing else is touched. */
  target: string[];
  parallel?: number;
  policyPack: string[];
  showSecrets: boolean;
  timings: boolean;
}

/** What a verb does when nothing is said. */
export const NO_OPTIONS: Omit<DeploymentOptions, "stack" | "json"> = {
  config: {},
  yes: false,
  diff: false,
  refresh: false,
  expectNoChanges: false,
  skipPreview: false,
  target: [],
  policyPack: [],
  showSecrets: false,
  timings: false,
};

export type DeploymentRequest = { command: Verb | "drift" } & DeploymentOptions;

export interface UndeployRequest {
  command: "undeploy";
  stack: string;
  /** Go without asking. */
  yes: boolean;
}

export type StateRequest = { command: "state"; stack: string } & (
  | { action: "list"; json: boolean }
  | { action: "show"; urn: string; showSecrets: boolean }
  | { action: "export"; file?: string; showSecrets: boolean }
  | { action: "import"; file: string; yes: boolean }
);

export type DagRequest = { command: "dag"; stack: string } & (
  | { action: "list"; json: boolean }
  | { action: "run"; dag: string; conf?: string; quiet: boolean }
  | { action: "logs"; dag: string; run?: string }
);

export type ImageRequest = {
  command: "image";
  stack: string;
  /** Of the stack's images; none means all. */
  names: string[];
};

export type Shell = "bash" | "zsh" | "fish";

export interface NotebookRequest {
  command: "notebook";
  stack: string;
  template?: string;
  execute: boolean;
  notebooks: string[];
}

export interface NotebookRunRequest {
  command: "notebook run";
  stack: string;
  notebook: string;
  /** `name=value` each. */
  parameter?: string[];
}

export interface PromoteRequest {
  command: "promote";
  notebook: string;
  force: boolean;
}

export type Request =
  | NotebookRequest
  | NotebookRunRequest
  | PromoteRequest
  | DeploymentRequest
  | StateRequest
  | UndeployRequest
  | { command: "graph"; stack: string; mermaid: boolean }
  | { command: "run"; stack: string; jobs: string[]; pipelineId?: string; modelVersion?: string; quiet: boolean }
  | { command: "train"; stack: string; again: boolean; scoring: "batch" | "dag" | "none" }
  | { command: "status"; stack: string; json: boolean }
  | { command: "logs"; stack: string; batch?: string }
  | { command: "lineage"; stack: string; id: string; json: boolean }
  | { command: "batch"; stack: string; job: string; pipelineId?: string; modelVersion?: string }
  | DagRequest
  | ImageRequest
  | { command: "env"; json: boolean }
  | { command: "exec"; words: string[] }
  | { command: "down" }
  | { command: "profiles"; json: boolean }
  | { command: "doctor"; json: boolean; fix: boolean }
  | { command: "completion"; shell: Shell }
  | { command: "reference" }
  | { command: "start"; data?: string; tune: boolean; again: boolean; scoring: "batch" | "dag" };
