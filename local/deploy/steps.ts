/**
 * Carries out single steps: a pending operation is on disk before each provider call and the result after it, so that
 * a process that dies anywhere in between leaves a state from which the next run converges.
 */
import { CancelledError, messageOf, UncertainError } from "./errors";
import { COUNTED, type Emit, type PropertyChange, type StepEvent, type StepKind, type Summary } from "./events";
import { compact } from "./goal";
import { instanceOf, sameState, sealOutputs } from "./instance";
import { isManaged, isProviderType, type Provider } from "./provider";
import { needsOf, type Entry, type JournalRecord, type OperationType, type Snapshot } from "./snapshot";
import type { ResourceState } from "./snapshot";
import { Turns } from "./turns";
import { nameOf } from "./urn";
import { plain, type Properties } from "./values";

/** Where changes go: to disk, or for a preview only into memory. */
export interface Store {
  snapshot: Snapshot;
  record: (record: JournalRecord, durable?: boolean) => Promise<void>;
}

export interface StepsOptions {
  store: Store;
  preview: boolean;
  parallel: number;
  emit: Emit;
  /** Aborted: steps in flight finish, no other begins. */
  signal: AbortSignal;
}

export class Steps {
  readonly counts: Summary["counts"] = {};
  private readonly turns: Turns;

  constructor(private readonly options: StepsOptions) {
    this.turns = new Turns(options.parallel);
  }

  /** Resolves when no step is in flight. */
  whenIdle(): Promise<void> {
    return this.turns.whenIdle();
  }

  get snapshot(): Snapshot {
    return this.options.store.snapshot;
  }

  /** The resource stays as it is; only what the engine keeps about it may change. */
  async same(old: Entry, state: ResourceState): Promise<Entry> {
    const { id, outputs, created, modified } = old.state;
    const entry = { key: this.snapshot.newKey(), state: compact({ ...state, id, outputs, created, modified }) };
    await this.options.store.record({ put: [entry], drop: [old.key] }, !sameState(old.state, entry.state));
    this.tell("same", entry.state, "done");
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
    await this.perform(replaces ? "create-replacement" : "create", "creating", state, changes, async () => {
      const made = await this.call(provider, state);
      entry.state = { ...state, ...made, created: now(), modified: now() };
      if (!replaces || !old) return { put: [entry] };
      if (old.pendingReplacement) return { put: [entry], drop: [replaces.key] };
      return { put: [entry, { key: replaces.key, state: { ...old, delete: true } }] };
    });
    return entry;
  }

  async update(
    provider: Provider | undefined,
    old: Entry,
    state: ResourceState,
    changes: PropertyChange[],
  ): Promise<Entry> {
    const { id, outputs, created } = old.state;
    const entry = { key: this.snapshot.newKey(), state: compact({ ...state, id, outputs, created }) };
    await this.perform("update", "updating", entry.state, changes, async () => {
      entry.state = { ...entry.state, ...(await this.call(provider, state, old.state)), modified: now() };
      return { put: [entry], drop: [old.key] };
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
    { key, state }: Entry,
    then: "forget" | "pendingReplacement",
  ): Promise<void> {
    await this.perform(kind, provider ? "deleting" : undefined, state, [], async () => {
      const timeout = state.customTimeouts?.delete;
      if (!this.options.preview) await provider?.delete(state.type, instanceOf(state), { timeout });
      return then === "forget" ? { drop: [key] } : { put: [{ key, state: { ...state, pendingReplacement: true } }] };
    });
  }

  /** Runs one step: at most `parallel` at once, recorded before and after, told to whoever listens. */
  async perform(
    kind: StepKind,
    operation: OperationType | undefined,
    state: ResourceState,
    changes: PropertyChange[],
    work: () => Promise<JournalRecord>,
  ): Promise<void> {
    const { store, preview, signal } = this.options;
    const asked = performance.now();
    await this.turns.enter();
    const began = performance.now();
    const step = { changes, began, queued: began - asked };
    const took = () => ({ ...step, ms: performance.now() - began });
    const token = this.snapshot.newKey();
    const isCalled = operation !== undefined && !preview && isManaged(state);
    try {
      if (signal.aborted) throw new CancelledError();
      this.tell(kind, state, "started", step);
      if (isCalled) await store.record({ begin: { token, operation: { type: operation, resource: state } } });
      const record = await work();
      await store.record(isCalled ? { ...record, settle: [token] } : record);
      this.tell(kind, state, "done", took());
    } catch (error) {
      // An uncertain outcome keeps its pending operation: the next run looks whether it happened.
      const isUncertain = error instanceof UncertainError;
      if (this.snapshot.pending.has(token) && !isUncertain) await store.record({ settle: [token] });
      if (!(error instanceof CancelledError)) this.tell(kind, state, "failed", { ...took(), error: messageOf(error) });
      throw error;
    } finally {
      this.turns.leave();
    }
  }

  count(name: keyof Summary["counts"] | undefined): void {
    if (name) this.counts[name] = (this.counts[name] ?? 0) + 1;
  }

  /** What the provider makes of it, or what a preview foresees; without a provider it is as the program says. */
  private async call(
    provider: Provider | undefined,
    state: ResourceState,
    old?: ResourceState,
  ): Promise<{ id?: string; outputs: Properties }> {
    if (!provider) return { outputs: state.custom ? (state.inputs ?? {}) : (old?.outputs ?? {}) };
    const { type, customTimeouts: timeouts } = state;
    const inputs = plain(state.inputs ?? {});
    const before = old && instanceOf(old);
    const seal = (outputs: Properties) => sealOutputs(provider, state, outputs);
    if (this.options.preview) {
      const outputs = seal(provider.preview(type, inputs, before));
      return old ? { outputs } : { id: "", outputs };
    }
    if (before)
      return { outputs: seal((await provider.update(type, before, inputs, { timeout: timeouts?.update })).outputs) };
    const { id, outputs } = await provider.create(type, inputs, { timeout: timeouts?.create });
    return { id, outputs: seal(outputs) };
  }

  private tell(
    kind: StepKind,
    resource: ResourceState,
    state: StepEvent["state"],
    more: Partial<StepEvent> = {},
  ): void {
    if (!isTold(resource)) return;
    if (state === "done") this.count(COUNTED[kind]);
    const { urn, parent } = resource;
    const known = { needs: needsOf(resource), preview: this.options.preview, changes: [] };
    this.options.emit({ type: "step", state, kind, urn, ...(parent && { parent }), ...known, ...more });
  }
}

/** The engine keeps default providers to itself. */
export const isTold = ({ type, urn }: ResourceState) => !(isProviderType(type) && nameOf(urn).startsWith("default"));

const now = () => new Date().toISOString();
