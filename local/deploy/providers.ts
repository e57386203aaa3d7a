/** The providers of one run, by reference `urn::id`. */
import { allProblems, DeployError } from "./errors";
import { packageOf, PROVIDER_TYPE, type Provider, type ProviderPackages } from "./provider";
import type { ResourceState, Snapshot } from "./snapshot";
import { plain, type Properties } from "./values";

export class Providers {
  private readonly configured = new Map<string, Provider>();

  constructor(
    private readonly packages: ProviderPackages,
    private readonly stackConfig: Readonly<Record<string, string>>,
    private readonly root: string,
  ) {}

  /** A provider that this run registered, or that the state holds for what is only to be deleted. */
  get(ref: string | undefined, snapshot: Snapshot): Provider | undefined {
    if (!ref) return undefined;
    const known = this.configured.get(ref);
    if (known) return known;
    const state = [...snapshot.resources.values()].find(({ urn, id }) => `${urn}::${id}` === ref);
    return state && this.configure(ref, state, this.root);
  }

  configure(ref: string, state: ResourceState, root: string): Provider {
    const name = state.type.slice(PROVIDER_TYPE.length);
    const { version: _, __internal: __, ...config } = plain(state.inputs ?? {});
    const found = this.package(name, state.type);
    const problems = found.checkConfig(config);
    if (problems.length > 0)
      throw allProblems(
        `Provider ${state.urn}`,
        problems.map(({ property, reason }) => `${property}: ${reason}`),
      );
    const provider = found.configure(config, root);
    this.configured.set(ref, provider);
    return provider;
  }

  /** `gcp:project` of the stack's configuration is `project` of the default provider. */
  config(name: string): Properties {
    const prefix = `${name}:`;
    const own = Object.entries(this.stackConfig).filter(([key]) => key.startsWith(prefix));
    return Object.fromEntries(own.map(([key, value]) => [key.slice(prefix.length), value]));
  }

  /** Refuses a resource type or function that cannot be deployed here. */
  checkToken(token: string): void {
    const { tokens } = this.package(packageOf(token), token);
    if (tokens.includes(token)) return;
    throw new DeployError(`${token}: cannot be deployed here; can be: ${[...tokens].sort().join(", ")}`);
  }

  private package(name: string, token: string) {
    const found = this.packages[name];
    if (found) return found;
    throw new DeployError(
      `${token}: package ${name} cannot be deployed here; can be: ${Object.keys(this.packages).sort().join(", ")}`,
    );
  }
}
