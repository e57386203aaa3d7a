/**
 * One run of a program: each registration becomes a step, and what the program no longer registers is deleted at the
 * end. The decision about a resource is made without an await in it, so that concurrent registrations cannot interleave.
 */
import { createHash } from "node:crypto";
import { withHashes } from "./assets";
import { condemnedSteps, dependentReplacements } from "./deletion";
import { decide, type Decision } from "./decide";
import { allProblems, DeployError, messageOf } from "./errors";
import type { Emit } from "./events";
import { inherit, stateOf, type Goal, type Registered } from "./goal";
import { isProviderType, packageOf, PROVIDER_TYPE, type Provider } from "./provider";
import type { Providers } from "./providers";
import type { ResourceState } from "./snapshot";
import { CancelledError, instanceOf, Steps, type Entry, type StepsOptions } from "./steps";
import { aliasUrns, makeUrn, STACK_TYPE, type Scope } from "./urn";
import { isObject, isUnknown, plain, text, type Properties } from "./values";

export interface DeploymentOptions extends StepsOptions {
  scope: Scope;
  /** Folder that relative paths of assets start at. */
  root: string;
  providers: Providers;
  emit: Emit;
}

export class Deployment {
  readonly steps: Steps;
  /** First failure; nothing begins after it. */
  failure?: unknown;
  /** Entries of this run by URN. */
  readonly registered = new Map<string, Entry>();
  private readonly goals = new Map<string, Goal>();
  private readonly oldKeys = new Map<string, number>();
  private readonly usedAliases = new Map<string, string>();
  /** Old keys that belong to a registration of this run. */
  private readonly claimed = new Set<number>();
  /** Deletions that must be over before a dependent is made again. */
  private readonly condemned = new Map<number, Promise<void>>();
  private readonly replaced = new Set<string>();
  private readonly defaults = new Map<string, Promise<string>>();

  constructor(readonly options: DeploymentOptions) {
    this.steps = new Steps(options);
    for (const [key, state] of this.steps.snapshot.resources) if (!state.delete) this.oldKeys.set(state.urn, key);
  }

  async register(given: Goal): Promise<Registered> {
    const goal = inherit(given, given.parent ? this.goals.get(given.parent) : undefined);
    const urn = makeUrn(this.options.scope, goal.type, goal.name, goal.parent);
    try {
      this.checkGoal(goal, urn);
      this.goals.set(urn, goal);
      const providerRef = goal.custom && !isProviderType(goal.type) ? await this.providerFor(goal) : undefined;
      const properties = (await withHashes(goal.properties, this.options.root)) as Properties;
      const entry = await this.carryOut({ ...goal, properties }, urn, providerRef);
      this.registered.set(urn, entry);
      return { urn, id: entry.state.id ?? "", outputs: goal.custom ? (entry.state.outputs ?? {}) : {} };
    } catch (error) {
      throw this.fail(error, urn);
    }
  }

  /** Outputs of a component or of the stack itself, which come after its children. */
  async registerOutputs(urn: string, outputs: Properties): Promise<void> {
    const entry = this.registered.get(urn);
    if (!entry) throw this.fail(new DeployError(`outputs of ${urn}: no such resource was registered`), urn);
    const hashed = (await withHashes(outputs, this.options.root)) as Properties;
    const isChanged = JSON.stringify(entry.state.outputs ?? {}) !== JSON.stringify(hashed);
    entry.state = { ...entry.state, outputs: hashed };
    await this.options.store.record({ put: [{ key: entry.key, resource: entry.state }] }, isChanged);
  }

  /** A resource that another owns: read, kept in the state as external, never changed. */
  async read(goal: Goal, id: string): Promise<Registered> {
    const urn = makeUrn(this.options.scope, goal.type, goal.name, goal.parent);
    try {
      this.checkGoal(goal, urn);
      this.goals.set(urn, goal);
      const ref = await this.providerFor(goal);
      const old = this.claimOld([urn]);
      if (old && !old.state.external) throw new DeployError(`${urn}: is managed by this stack and cannot be read as another's. Rename the one that is read.`);
      const state: ResourceState = { ...stateOf(goal, urn, goal.properties, ref, undefined), id, external: true };
      const key = this.steps.snapshot.newKey();
      let outputs: Properties = {};
      await this.steps.perform("read", "reading", state, [], async (options) => {
        const found = isUnknown(id) ? undefined : await this.provider(ref).read(goal.type, instanceOf(state), options);
        if (!found && !isUnknown(id)) throw new DeployError(`${urn}: no ${goal.type} with id "${id}" exists`);
        outputs = found ? this.steps.sealOutputs(this.provider(ref), state, found.outputs) : {};
        return { put: [{ key, resource: { ...state, outputs } }], ...(old && { drop: [old.key] }) };
      });
      this.registered.set(urn, { key, state: { ...state, outputs } });
      return { urn, id, outputs };
    } catch (error) {
      throw this.fail(error, urn);
    }
  }

  async invoke(token: string, args: Properties, provider: string | undefined, version: string | undefined): Promise<Properties> {
    if (token === "pulumi:pulumi:getResource") {
      const found = this.registered.get(text(args.urn))?.state;
      if (!found) throw new DeployError(`getResource: unknown resource ${text(args.urn)}`);
      return { urn: found.urn, id: found.id ?? "", state: found.outputs ?? {} };
    }
    const ref = provider || (await this.defaultProvider(packageOf(token), version));
    return this.provider(ref).invoke(token, plain(args), {});
  }

  /** After the program has ended well: deletes what it no longer declares, in reverse dependency order. */
  async finish(): Promise<void> {
    if (this.failure) return;
    try {
      await condemnedSteps(this.steps, (ref) => this.options.providers.get(ref, this.steps.snapshot), this.claimed);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Outputs of the stack as far as they are known. */
  stackOutputs(): Properties {
    return [...this.registered.values()].find(({ state }) => state.type === STACK_TYPE)?.state.outputs ?? {};
  }

  /** Notes and tells a failure; the first one ends the run. */
  fail(error: unknown, urn?: string): unknown {
    if (!(error instanceof CancelledError)) {
      const message = messageOf(error);
      this.options.emit({ type: "diagnostic", severity: "error", message, ...(urn && { urn }) });
    }
    this.failure ??= error;
    return error;
  }

  private async carryOut(goal: Goal, urn: string, providerRef: string | undefined): Promise<Entry> {
    const provider = providerRef ? this.provider(providerRef) : undefined;
    const aliases = aliasUrns(this.options.scope, { ...goal, type: goal.type }, (used) => this.usedAliases.get(used));
    const old = this.claimOld([urn, ...aliases]);
    if (old && old.state.urn !== urn) this.usedAliases.set(urn, old.state.urn);
    // A dependent of something replaced was or is being deleted: it is made anew once that is over.
    const pending = old && this.condemned.get(old.key);
    if (pending) await pending;
    if (this.failure) throw new CancelledError();
    const current = old && { key: old.key, state: this.steps.snapshot.resources.get(old.key) ?? old.state };
    const decision = decide({ goal, urn, old: current, provider, providerRef, isReplaced: (other) => this.replaced.has(other) });
    if (decision.problems.length > 0) throw allProblems(urn, decision.problems);
    const deletions = decision.step === "replace" ? this.condemn(decision, current!) : undefined;
    return this.execute(decision, current, provider, deletions);
  }

  private async execute(decision: Decision, old: Entry | undefined, provider: Provider | undefined, deletions: Promise<void> | undefined): Promise<Entry> {
    const { step, state, changes } = decision;
    if (isProviderType(state.type)) {
      state.id ??= old?.state.id ?? providerId(state);
      this.options.providers.configure(`${state.urn}::${state.id}`, state, this.options.root);
    }
    await deletions;
    if (step === "create" || step === "replace") return this.steps.create(provider, state, old, changes);
    if (step === "update") return this.steps.update(provider, old!, state, changes);
    return this.steps.same(old!, state);
  }

  /** Marks what must be deleted before the replacement is made, and begins to delete it: dependents first. */
  private condemn(decision: Decision, old: Entry): Promise<void> | undefined {
    this.replaced.add(old.state.urn);
    if (!decision.deleteBeforeReplace || old.state.pendingReplacement) return undefined;
    const doomed = dependentReplacements(this.steps.snapshot, old, this.claimed, (ref) => this.options.providers.get(ref, this.steps.snapshot));
    const isProtected = doomed.filter(({ state }) => state.protect);
    if (isProtected.length > 0)
      throw allProblems(`${old.state.urn}: cannot be replaced`, isProtected.map(({ state }) => `${state.urn} depends on it and is protected`));
    let done: Promise<void> = Promise.resolve();
    for (const entry of [...doomed.reverse(), old]) {
      const provider = this.options.providers.get(entry.state.provider, this.steps.snapshot);
      const called = entry.state.retainOnDelete ? undefined : provider;
      done = done.then(() => this.steps.remove("delete-replaced", called, entry, "pendingReplacement"));
      this.condemned.set(entry.key, done);
      this.replaced.add(entry.state.urn);
    }
    // Whoever waits for one of these sees its failure; nobody may be waiting for the others.
    for (const promise of this.condemned.values()) promise.catch(() => undefined);
    return done;
  }

  private claimOld(urns: readonly string[]): Entry | undefined {
    for (const urn of urns) {
      const key = this.oldKeys.get(urn);
      const state = key === undefined ? undefined : this.steps.snapshot.resources.get(key);
      if (key === undefined || !state) continue;
      if (this.claimed.has(key)) throw new DeployError(`${urns[0]}: alias ${urn} belongs to another resource of this program. Remove one of the two aliases.`);
      this.claimed.add(key);
      return { key, state };
    }
    return undefined;
  }

  private checkGoal(goal: Goal, urn: string): void {
    if (this.failure || this.options.signal.aborted) throw new CancelledError();
    if (this.goals.has(urn)) throw new DeployError(`${urn}: two resources of this type have this name; expected one. Rename one of them.`);
    if (goal.parent && !this.goals.has(goal.parent)) throw new DeployError(`${urn}: its parent ${goal.parent} was not registered`);
  }

  private provider(ref: string): Provider {
    const provider = this.options.providers.get(ref, this.steps.snapshot);
    if (!provider) throw new DeployError(`provider ${ref}: was not registered`);
    return provider;
  }

  private async providerFor(goal: Goal): Promise<string> {
    const name = packageOf(goal.type);
    this.options.providers.checkToken(goal.type);
    const inherited = goal.parent ? this.goals.get(goal.parent)?.providers[name] : undefined;
    return goal.provider || inherited || this.defaultProvider(name, goal.version);
  }

  private defaultProvider(name: string, version: string | undefined): Promise<string> {
    const label = version ? `default_${version.replace(/[^\w]/g, "_")}` : "default";
    const key = `${name}:${label}`;
    const known = this.defaults.get(key);
    if (known) return known;
    const made = this.registerDefault(name, label, version);
    this.defaults.set(key, made);
    return made;
  }

  private async registerDefault(name: string, label: string, version: string | undefined): Promise<string> {
    const properties = { ...this.options.providers.config(name), ...(version && { version }) };
    const goal = { ...EMPTY_GOAL, type: `${PROVIDER_TYPE}${name}`, name: label, properties };
    const { urn, id } = await this.register(goal);
    return `${urn}::${id}`;
  }
}

const EMPTY_GOAL: Omit<Goal, "type" | "name" | "properties"> = {
  custom: true,
  dependencies: [],
  propertyDependencies: {},
  providers: {},
  ignoreChanges: [],
  replaceOnChanges: [],
  additionalSecretOutputs: [],
  aliases: [],
  customTimeouts: {},
};

/** The engine draws a provider's id; here it follows from what the provider is, in the same form. */
function providerId(state: ResourceState): string {
  const digest = createHash("sha256").update(`${state.urn} ${JSON.stringify(isObject(state.inputs) ? state.inputs : {})}`).digest("hex");
  return digest.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, "$1-$2-4$3-8$4-$5");
}
