/**
 * One run of a program: each registration becomes a step, and what the program no longer registers is deleted at the
 * end. The decision about a resource is made without an await in it, so that concurrent registrations cannot interleave.
 */
import { isDeepStrictEqual } from "node:util";
import { withHashes } from "./assets";
import { Claims } from "./claims";
import { decide, type Decision } from "./decide";
import { condemnedSteps, dependentReplacements } from "./deletion";
import { allProblems, CancelledError, DeployError, InvokeError, messageOf } from "./errors";
import { inherit, type Goal, type Registered } from "./goal";
import type { PolicyPacks } from "./policy";
import { PolicyGate } from "./policy-gate";
import { isProviderType, packageOf, type Invoked, type Provider } from "./provider";
import { providerId, type Providers } from "./providers";
import type { Invocation } from "./requests";
import type { Entry } from "./snapshot";
import { Steps, type StepsOptions } from "./steps";
import { aliasUrns, makeUrn, STACK_TYPE, type Scope } from "./urn";
import { plain, type Properties } from "./values";

export interface DeploymentOptions extends StepsOptions {
  scope: Scope;
  /** Folder that relative paths of assets start at. */
  root: string;
  providers: Providers;
  policies?: PolicyPacks;
}

export class Deployment {
  readonly steps: Steps;
  /** First failure; nothing begins after it. */
  failure?: unknown;
  /** Aborted at the first failure of the engine itself. */
  readonly failing = new AbortController();
  /** Entries of this run by URN. */
  private readonly registered = new Map<string, Entry>();
  private readonly goals = new Map<string, Goal>();
  private readonly claims: Claims;
  /** Deletions that must be over before a dependent is made again. */
  private readonly condemned = new Map<number, Promise<void>>();
  private readonly replaced = new Set<string>();
  private readonly defaults = new Map<string, Promise<string>>();
  private readonly gate?: PolicyGate;

  constructor(private readonly options: DeploymentOptions) {
    const signal = AbortSignal.any([options.signal, this.failing.signal]);
    this.steps = new Steps({ ...options, signal });
    this.claims = new Claims(this.steps.snapshot);
    const { policies: packs, preview } = options;
    if (packs) this.gate = new PolicyGate({ packs, preview, registered: this.registered, goals: this.goals });
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
    const isChanged = !isDeepStrictEqual(entry.state.outputs ?? {}, hashed);
    entry.state = { ...entry.state, outputs: hashed };
    await this.options.store.record({ put: [entry] }, isChanged);
  }

  /**
   * @throws InvokeError where the function fails; anything else that goes wrong ends the run.
   * Source: resmon.Invoke in pkg/resource/deploy/source_eval.go.
   */
  async invoke({ token, args, provider, version }: Invocation): Promise<Invoked> {
    this.options.providers.checkToken(token);
    const called = this.provider(provider || (await this.defaultProvider(packageOf(token), version)));
    return called.invoke(token, plain(args)).catch((error: unknown) => {
      throw new InvokeError(`invocation of ${token} returned an error: ${messageOf(error)}`, { cause: error });
    });
  }

  /** After the program has ended well: deletes what it no longer declares, in reverse dependency order. */
  async finish(): Promise<void> {
    if (this.failure) return;
    try {
      await this.gate?.finish();
      await condemnedSteps(this.steps, this.options.providers.find, this.claims.keys);
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
    if (!(error instanceof CancelledError))
      this.options.emit({ type: "diagnostic", severity: "error", message: messageOf(error), ...(urn && { urn }) });
    this.failure ??= error;
    this.failing.abort();
    return error;
  }

  private async carryOut(goal: Goal, urn: string, providerRef: string | undefined): Promise<Entry> {
    const provider = providerRef ? this.provider(providerRef) : undefined;
    const aliases = aliasUrns(this.options.scope, goal, (used) => this.claims.usedAlias(used));
    const old = this.claims.claim([urn, ...aliases]);
    const question = { goal, urn, provider, providerRef, isReplaced: (other: string) => this.replaced.has(other) };
    await this.gate?.pass({ ...question, old });
    // A dependent of something replaced was or is being deleted: it is made anew once that is over.
    const pending = old && this.condemned.get(old.key);
    if (pending) await pending;
    if (this.failure) throw new CancelledError();
    const current = old && { key: old.key, state: this.steps.snapshot.resources.get(old.key) ?? old.state };
    const decision = decide({ ...question, old: current });
    if (decision.problems.length > 0) throw allProblems(urn, decision.problems);
    const deletions = decision.step === "replace" ? this.condemn(decision, current!) : undefined;
    const { step, state, changes } = decision;
    if (isProviderType(state.type)) {
      state.id ??= current?.state.id ?? providerId(state);
      this.options.providers.configure(state);
    }
    await deletions;
    if (step === "create" || step === "replace") return this.steps.create(provider, state, current, changes);
    if (step === "update") return this.steps.update(provider, current!, state, changes);
    return this.steps.same(current!, state);
  }

  /** Marks what must be deleted before the replacement is made, and begins to delete it: dependents first. */
  private condemn(decision: Decision, old: Entry): Promise<void> | undefined {
    this.replaced.add(old.state.urn);
    if (!decision.deleteBeforeReplace || old.state.pendingReplacement) return undefined;
    const { find } = this.options.providers;
    const doomed = dependentReplacements(this.steps.snapshot, old, this.claims.keys, find);
    const isProtected = doomed.filter(({ state }) => state.protect);
    if (isProtected.length > 0)
      throw allProblems(
        `${old.state.urn}: cannot be replaced`,
        isProtected.map(({ state }) => `${state.urn} depends on it and is protected`),
      );
    let done: Promise<void> = Promise.resolve();
    for (const entry of [...doomed.reverse(), old]) {
      const provider = entry.state.retainOnDelete ? undefined : find(entry.state.provider);
      done = done.then(() => this.steps.remove("delete-replaced", provider, entry, "pendingReplacement"));
      // Whoever waits for it sees its failure; nobody may be waiting.
      done.catch(() => undefined);
      this.condemned.set(entry.key, done);
      this.replaced.add(entry.state.urn);
    }
    return done;
  }

  private checkGoal(goal: Goal, urn: string): void {
    if (this.failure || this.options.signal.aborted) throw new CancelledError();
    if (this.goals.has(urn))
      throw new DeployError(`${urn}: two resources of this type have this name; expected one. Rename one of them.`);
    if (goal.parent && !this.goals.has(goal.parent))
      throw new DeployError(`${urn}: its parent ${goal.parent} was not registered`);
  }

  private provider(ref: string): Provider {
    const provider = this.options.providers.find(ref);
    if (!provider) throw new DeployError(`provider ${ref}: was not registered`);
    return provider;
  }

  private async providerFor(goal: Goal): Promise<string> {
    const name = packageOf(goal.type);
    this.options.providers.checkToken(goal.type);
    const inherited = goal.parent ? this.goals.get(goal.parent)?.providers?.[name] : undefined;
    return goal.provider || inherited || this.defaultProvider(name, goal.version);
  }

  private defaultProvider(name: string, version: string | undefined): Promise<string> {
    const goal = this.options.providers.defaultGoal(name, version);
    const key = `${name}:${goal.name}`;
    const ref = this.defaults.get(key) ?? this.register(goal).then(({ urn, id }) => `${urn}::${id}`);
    this.defaults.set(key, ref);
    return ref;
  }
}
