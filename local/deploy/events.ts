/** What a deployment tells while it runs, and what it has done at the end. */
import type { Properties, Value } from "./values";

export type Operation = "preview" | "up" | "refresh" | "destroy";

/** The engine's step names. Source: sdk/go/common/apitype/events.go (OpType). */
export type StepKind =
  "same" | "create" | "update" | "delete" | "replace" | "create-replacement" | "delete-replaced" | "refresh";

/** One changed property; secrets in `old` and `new` are masked. */
export interface PropertyChange {
  path: string;
  kind: "add" | "update" | "delete";
  old?: Value;
  new?: Value;
  /** The change cannot be made in place. */
  replaces: boolean;
}

export interface StepEvent {
  type: "step";
  state: "started" | "done" | "failed";
  kind: StepKind;
  urn: string;
  parent?: string;
  /** URNs of what must be there before it is. */
  needs: string[];
  preview: boolean;
  changes: PropertyChange[];
  /** Milliseconds of the host's clock. */
  began?: number;
  /** Milliseconds for which too many others were at it. */
  queued?: number;
  ms?: number;
  error?: string;
}

export interface PhaseEvent {
  type: "phase";
  /** A plan is the preview that an up begins with: its steps are those of the update that follows. */
  phase: "plan" | "preview" | "update" | "refresh" | "destroy";
  /** What it is about to do, where that is known. */
  planned?: Summary["counts"];
}

export type DeployEvent =
  | PhaseEvent
  | StepEvent
  | { type: "diagnostic"; severity: "info" | "warning" | "error"; message: string; urn?: string }
  /** Of the stack, whose URN it is. */
  | { type: "outputs"; urn: string; outputs: Properties };

export type Emit = (event: DeployEvent) => void;

export interface Summary {
  operation: Operation;
  result: "succeeded" | "failed" | "cancelled";
  /** Resources by what was (or, in a preview, would be) done; `replace` counts a replacement once. */
  counts: Partial<Record<"same" | "create" | "update" | "delete" | "replace", number>>;
  /** Stack outputs, secrets opened; what a preview cannot know is absent. */
  outputs: Properties;
  /** Names of outputs that are secret. */
  secretOutputs: string[];
  errors: string[];
  /** Milliseconds: whole, and of the program's own evaluation until its first resource. */
  durations: { total: number; preview?: number; update?: number; programStart?: number };
}

/** As what a step counts. A replacement counts once, when it is made; what is only forgotten or read does not. */
export const COUNTED: Partial<Record<StepKind, keyof Summary["counts"]>> = {
  same: "same",
  create: "create",
  update: "update",
  delete: "delete",
  "create-replacement": "replace",
};
