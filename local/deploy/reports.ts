/** What is told of each step, and the sums of it. */
import type { Emit, PropertyChange, StepEvent, StepKind, Summary } from "./events";
import { isProviderType } from "./provider";
import { needsOf, type ResourceState } from "./snapshot";
import { nameOf } from "./urn";

export interface Report {
  kind: StepKind;
  resource: ResourceState;
  state: "started" | "done" | "failed";
  changes: PropertyChange[];
  /** Milliseconds of this process's clock. */
  began?: number;
  ended?: number;
  /** Milliseconds for which it could have begun, but too many others were at it. */
  queued?: number;
  error?: string;
}

export interface ReportsOptions {
  preview: boolean;
  emit: Emit;
  /** Whether what a refresh finds is what the operation is about. */
  countsRefresh?: boolean;
}

export class Reports {
  readonly counts: Summary["counts"] = {};

  constructor(private readonly options: ReportsOptions) {}

  tell({ kind, resource, state, changes, began, ended, queued, error }: Report): void {
    const { urn, parent } = resource;
    if (!isTold(resource)) return;
    if (state === "done") this.count(kind);
    const event: StepEvent = {
      type: "step",
      state,
      kind,
      urn,
      ...(parent && { parent }),
      needs: needsOf(resource),
      preview: this.options.preview,
      changes,
      ...(began !== undefined && { began }),
      ...(queued !== undefined && { queued }),
      ...(began !== undefined && ended !== undefined && { ms: ended - began }),
      ...(error !== undefined && { error }),
    };
    this.options.emit(event);
  }

  /** What a refresh found; one that precedes an up is not counted. */
  countRefreshed(name: "same" | "update" | "delete"): void {
    if (this.options.countsRefresh) this.add(name);
  }

  private count(kind: StepKind): void {
    const name = countedAs(kind);
    if (name) this.add(name);
  }

  private add(name: keyof Summary["counts"]): void {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }
}

/** The engine keeps default providers to itself. */
export const isTold = ({ type, urn }: ResourceState) => !(isProviderType(type) && nameOf(urn).startsWith("default"));

/** A replacement counts once, when the new resource is made; the engine does not count what it only forgets. */
export const countedAs = (kind: StepKind) => COUNTED[kind];
const COUNTED: Partial<Record<StepKind, keyof Summary["counts"]>> = {
  same: "same",
  create: "create",
  update: "update",
  delete: "delete",
  "create-replacement": "replace",
};
