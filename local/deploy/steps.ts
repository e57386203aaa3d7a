/**
 * Carries out single steps: a pending operation is on disk before each provider call and the result after it, so that
 * a process that dies anywhere in between leaves a state from which the next run converges.
 */
import { CancelledError, messageOf, UncertainError } from "./errors";
import { instanceOf, sameState, sealOutputs } from "./instance";
import type { Emit, PropertyChange, StepKind, Summary } from "./events";
import { compact } from "./goal";
import { isProviderType, type CallOptions, type Provider } from "./provider";
import type { JournalRecord, OperationType, ResourceState, Snapshot } from "./snapshot";
import { Reports } from "./reports";
import { Turns } from "./turns";
import { plain, type Properties } from "./values";

/** Where changes go: to disk, or for a preview only into memory. */
export interface Store {
  snapshot: Snapshot;
  record: (record: JournalRecord, durable?: boolean) => Promise<void>;
}

export interface Entry {
  key: number;
  state: ResourceState;
}

export interface StepsOptions {
  store: Store;
  preview: boolean;
  parallel: number;
  emit: Emit;
  /** Aborted: steps in flight finish, no other begins. */
  signal: AbortSignal;
  now: () => Date;
  /** Whether what a refresh finds is what the operation is about. */
  countsRefresh?: boolean;
}

export class Steps {
  readonly reports: Reports;
  private readonly turns: Turns;

  constructor(private readonly options: StepsOptions) {
    this.turns = new Turns(options.parallel);
    this.reports = new Reports(options);
  }

  get counts(): Summary["counts"] {
    return this.reports.counts;
  }

  /** Resolves when no step is in flight. */
  whenIdle(): Promise<void> {
    return this.turns.whenIdle();
  }

  get preview(): boolean {
    return this.options.preview;
  }

  get snapshot(): Snapshot {
    return this.options.store.snapshot;
  }

  /** The resource stays as it is; only what the engine keeps about it may change. */
  async same(old: Entry, state: ResourceState): Promise<Entry> {
    const next = compact({
      ...state,
      id: old.state.id,
      outputs: old.state.outputs,
      created: old.state.created,
      modified: old.state.modified,
    });
    const entry = { key: this.snapshot.newKey(), state: next };
    await this.options.store.record(
      { put: [{ key: entry.key, resource: next }], drop: [old.key] },
      !sameState(old.state, next),
    );
    this.reports.tell({ kind: "same", resource: next, state: "done", changes: [] });
    return entry;
  }

  /** @param replaces the old resource: dropped if it is gone already, else kept for deletion at the end. */
  async create(
    provider: Provider | undefined,
    state: ResourceState,
    replaces?: Entry,
    changes: PropertyChange[] = [],
  ): Promise<Entry> {
    const entry = { key: this.snapshot.newKey(), state };
    const old = replaces && this.snapshot.resources.get(replaces.key);
    await this.perform(replaces ? "create-replacement" : "create", "creating", state, changes, async (options) => {
      const made = await this.make(provider, state, options);
      const time = this.options.now().toISOString();
      entry.state = { ...state, ...made, created: time, modified: time };
      const put = [{ key: entry.key, resource: entry.state }];
      if (!replaces || !old) return { put };
      return old.pendingReplacement
        ? { put, drop: [replaces.key] }
        : { put: [...put, { key: replaces.key, resource: { ...old, delete: true } }] };
    });
    return entry;
  }

  async update(
    provider: Provider | undefined,
    old: Entry,
    state: ResourceState,
    changes: PropertyChange[],
  ): Promise<Entry> {
    const entry = { key: this.snapshot.newKey(), state };
    const before = { ...state, id: old.state.id, outputs: old.state.outputs };
    await this.perform("update", "updating", before, changes, async (options) => {
      const outputs = await this.change(provider, old.state, state, options);
      entry.state = compact({
        ...before,
        outputs,
        created: old.state.created,
        modified: this.options.now().toISOString(),
      });
      return { put: [{ key: entry.key, resource: entry.state }], drop: [old.key] };
    });
    return entry;
  }

  /**
   * Deletes a resource, or only forgets it where nothing is to be called.
   * @param then what to keep: nothing, or a mark that its replacement is still to come.
   */
  async remove(
    kind: "delete" | "delete-replaced",
    provider: Provider | undefined,
    old: Entry,
    then: "forget" | "pendingReplacement",
  ): Promise<void> {
    await this.perform(kind, provider ? "deleting" : undefined, old.state, [], async (options) => {
      if (provider && !this.preview)
        await provider.delete(old.state.type, instanceOf(old.state), {
          ...options,
          timeout: old.state.customTimeouts?.delete,
        });
      if (then === "forget") return { drop: [old.key] };
      return { put: [{ key: old.key, resource: { ...old.state, pendingReplacement: true } }] };
    });
  }

  /** Runs one step: at most `parallel` at once, recorded before and after, told to whoever listens. */
  async perform(
    kind: StepKind,
    operation: OperationType | undefined,
    state: ResourceState,
    changes: PropertyChange[],
    work: (options: CallOptions) => Promise<JournalRecord>,
  ): Promise<void> {
    const asked = performance.now();
    await this.turns.enter();
    const began = performance.now();
    const step = { kind, resource: state, changes, began, queued: began - asked };
    const token = this.snapshot.newKey();
    const isCalled = operation !== undefined && !this.preview && state.custom && !isProviderType(state.type);
    try {
      if (this.options.signal.aborted) throw new CancelledError();
      this.reports.tell({ ...step, state: "started" });
      if (isCalled)
        await this.options.store.record({ begin: { token, operation: { type: operation, resource: state } } });
      const record = await work({});
      await this.options.store.record(isCalled ? { ...record, settle: [token] } : record);
      this.reports.tell({ ...step, state: "done", ended: performance.now() });
    } catch (error) {
      // An uncertain outcome keeps its pending operation: the next run looks whether it happened.
      const isUncertain = error instanceof UncertainError;
      if (this.snapshot.pending.has(token) && !isUncertain) await this.options.store.record({ settle: [token] });
      if (!(error instanceof CancelledError))
        this.reports.tell({ ...step, state: "failed", ended: performance.now(), error: messageOf(error) });
      throw error;
    } finally {
      this.turns.leave();
    }
  }

  private async make(
    provider: Provider | undefined,
    state: ResourceState,
    options: CallOptions,
  ): Promise<{ id?: string; outputs: Properties }> {
    if (!provider) return { ...(state.id && { id: state.id }), outputs: state.custom ? (state.inputs ?? {}) : {} };
    const inputs = plain(state.inputs ?? {});
    if (this.preview) return { id: "", outputs: sealOutputs(provider, state, provider.preview(state.type, inputs)) };
    const { id, outputs } = await provider.create(state.type, inputs, {
      ...options,
      timeout: state.customTimeouts?.create,
    });
    return { id, outputs: sealOutputs(provider, state, outputs) };
  }

  private async change(
    provider: Provider | undefined,
    old: ResourceState,
    state: ResourceState,
    options: CallOptions,
  ): Promise<Properties> {
    if (!provider) return state.custom ? (state.inputs ?? {}) : (old.outputs ?? {});
    const inputs = plain(state.inputs ?? {});
    if (this.preview) return sealOutputs(provider, state, provider.preview(state.type, inputs, instanceOf(old)));
    const { outputs } = await provider.update(state.type, instanceOf(old), inputs, {
      ...options,
      timeout: state.customTimeouts?.update,
    });
    return sealOutputs(provider, state, outputs);
  }
}
