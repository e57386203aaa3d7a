/** Where one run meets its policy packs: each resource before anything is done with it, and the whole stack at the end. */
import { decide, type Question } from "./decide";
import { DeployError } from "./errors";
import type { Goal } from "./goal";
import type { PolicyPacks } from "./policy";
import type { Entry, ResourceState } from "./snapshot";
import { providerUrn } from "./urn";

export interface PolicyGateOptions {
  packs: PolicyPacks;
  preview: boolean;
  /** What the run has registered so far. */
  registered: ReadonlyMap<string, Entry>;
  goals: ReadonlyMap<string, Goal>;
}

export class PolicyGate {
  private isViolated = false;

  constructor(private readonly options: PolicyGateOptions) {}

  /** A preview goes on after a violation, so that all are told; an update stops before the resource. */
  async pass(question: Question): Promise<void> {
    const { packs, preview } = this.options;
    const { state, problems } = decide(question);
    if (problems.length > 0) return;
    const provider = this.providerState(state.provider);
    if (!(await packs.analyze({ state, properties: state.inputs ?? {}, goal: question.goal, provider }))) return;
    this.isViolated = true;
    if (!preview) throw new DeployError(`${state.urn}: violates a mandatory policy`);
  }

  /** @throws DeployError where anything mandatory is violated by a resource or by the stack. */
  async finish(): Promise<void> {
    const { packs, registered, goals } = this.options;
    const resources = [...registered.values()].map(({ state }) => ({
      state,
      properties: state.outputs ?? {},
      goal: goals.get(state.urn),
      provider: this.providerState(state.provider),
    }));
    this.isViolated = (await packs.analyzeStack(resources)) || this.isViolated;
    if (this.isViolated)
      throw new DeployError("Mandatory policies are violated, see above. Change the program, then run up again.");
  }

  private providerState(ref: string | undefined): ResourceState | undefined {
    return ref === undefined ? undefined : this.options.registered.get(providerUrn(ref))?.state;
  }
}
