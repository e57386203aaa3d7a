/** The providers of one run, by reference `urn::id`: those that a program makes, and each package's default one. */
import { createHash } from "node:crypto";
import { allProblems, DeployError } from "./errors";
import type { Goal } from "./goal";
import { packageOf, PROVIDER_TYPE, type FindProvider, type Provider, type ProviderPackages } from "./provider";
import type { ResourceState, Snapshot } from "./snapshot";
import { plain, type Properties } from "./values";

export class Providers {
  private readonly configured = new Map<string, Provider>();

  constructor(
    private readonly packages: ProviderPackages,
    private readonly stackConfig: Readonly<Record<string, string>>,
    private readonly root: string,
    private readonly store: { snapshot: Snapshot },
  ) {}

  /** A provider that this run registered, or that the state holds for what is only to be deleted. */
  readonly find: FindProvider = (ref) => {
    if (!ref) return undefined;
    const known = this.configured.get(ref);
    if (known) return known;
    const state = [...this.store.snapshot.resources.values()].find(({ urn, id }) => `${urn}::${id}` === ref);
    return state && this.configure(state);
  };

  configure(state: ResourceState): Provider {
    const name = state.type.slice(PROVIDER_TYPE.length);
    const { version: _, __internal: __, ...config } = plain(state.inputs ?? {});
    const found = this.package(name, state.type);
    const problems = found.checkConfig(config);
    if (problems.length > 0)
      throw allProblems(
        `Provider ${state.urn}`,
        problems.map(({ property, reason }) => `${property}: ${reason}`),
      );
    const provider = found.configure(config, this.root);
    this.configured.set(`${state.urn}::${state.id}`, provider);
    return provider;
  }

  /**
   * The provider that a package has where the program makes none; `gcp:project` of the stack's configuration is its
   * `project`. Source: pkg/resource/deploy/default_providers.go.
   */
  defaultGoal(name: string, version: string | undefined): Goal {
    const prefix = `${name}:`;
    const config = Object.entries(this.stackConfig).filter(([key]) => key.startsWith(prefix));
    const properties: Properties = Object.fromEntries(config.map(([key, value]) => [key.slice(prefix.length), value]));
    return {
      type: `${PROVIDER_TYPE}${name}`,
      name: version ? `default_${version.replace(/[^\w]/g, "_")}` : "default",
      custom: true,
      properties: { ...properties, ...(version && { version }) },
    };
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

/** The engine draws a provider's id; here it follows from what the provider is, in the same form. */
export function providerId({ urn, inputs = {} }: ResourceState): string {
  const digest = createHash("sha256")
    .update(`${urn} ${JSON.stringify(inputs)}`)
    .digest("hex");
  return digest.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, "$1-$2-4$3-8$4-$5");
}
