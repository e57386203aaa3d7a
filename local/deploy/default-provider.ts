/** The provider that a package has where the program makes none. Source: pkg/resource/deploy/default_providers.go. */
import { createHash } from "node:crypto";
import type { Goal } from "./goal";
import { PROVIDER_TYPE } from "./provider";
import type { ResourceState } from "./snapshot";
import { isObject, type Properties } from "./values";

export const defaultProviderLabel = (version: string | undefined) =>
  version ? `default_${version.replace(/[^\w]/g, "_")}` : "default";

export function defaultProviderGoal(
  name: string,
  label: string,
  version: string | undefined,
  config: Properties,
): Goal {
  return {
    ...EMPTY_GOAL,
    type: `${PROVIDER_TYPE}${name}`,
    name: label,
    properties: { ...config, ...(version && { version }) },
  };
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
export function providerId(state: ResourceState): string {
  const digest = createHash("sha256")
    .update(`${state.urn} ${JSON.stringify(isObject(state.inputs) ? state.inputs : {})}`)
    .digest("hex");
  return digest.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, "$1-$2-4$3-8$4-$5");
}
