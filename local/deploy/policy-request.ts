/** A resource as a policy pack sees it. Source: proto/pulumi/analyzer.proto, Analyze in analyzer_plugin.go. */
import * as analyzer from "@pulumi/pulumi/proto/analyzer_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import type { Goal } from "./goal";
import type { ResourceState } from "./snapshot";
import { nameOf } from "./urn";
import { isObject, mapValue, type Properties } from "./values";

export interface Analyzed {
  state: ResourceState;
  /** Inputs before anything is done, outputs at the end. */
  properties: Properties;
  goal?: Goal;
  /** The provider's own resource. */
  provider?: ResourceState;
}

export function fillAnalyzed<T extends analyzer.AnalyzeRequest | analyzer.AnalyzerResource>(
  message: T,
  { state, properties, goal, provider }: Analyzed,
): T {
  message.setType(state.type);
  message.setUrn(state.urn);
  message.setName(nameOf(state.urn));
  message.setProperties(struct(properties));
  message.setOptions(optionsOf(state, goal));
  if (provider)
    message.setProvider(
      new analyzer.AnalyzerProviderResource()
        .setType(provider.type)
        .setUrn(provider.urn)
        .setName(nameOf(provider.urn))
        .setProperties(struct(provider.inputs ?? {})),
    );
  return message;
}

/** The same with what only policies of the whole stack see. */
export function analyzedOfStack(resource: Analyzed): analyzer.AnalyzerResource {
  const { parent, dependencies = [], propertyDependencies = {} } = resource.state;
  const message = fillAnalyzed(new analyzer.AnalyzerResource(), resource);
  message.setParent(parent ?? "").setDependenciesList(dependencies);
  for (const [key, urns] of Object.entries(propertyDependencies))
    message.getPropertydependenciesMap().set(key, new analyzer.AnalyzerPropertyDependencies().setUrnsList(urns));
  return message;
}

function optionsOf(state: ResourceState, goal: Goal | undefined): analyzer.AnalyzerResourceOptions {
  const options = new analyzer.AnalyzerResourceOptions();
  options.setProtect(state.protect === true).setParent(state.parent ?? "");
  options.setIgnorechangesList(state.ignoreChanges ?? []).setAliasesList(state.aliases ?? []);
  options.setAdditionalsecretoutputsList(state.additionalSecretOutputs ?? []);
  options.setDeletebeforereplace(goal?.deleteBeforeReplace === true);
  options.setDeletebeforereplacedefined(goal?.deleteBeforeReplace !== undefined);
  const { create = 0, update = 0, delete: remove = 0, read = 0 } = state.customTimeouts ?? {};
  const timeouts = new analyzer.AnalyzerResourceOptions.CustomTimeouts();
  return options.setCustomtimeouts(timeouts.setCreate(create).setUpdate(update).setDelete(remove).setRead(read));
}

/** Properties without what only providers and the engine know: names that begin with two underscores. */
function struct(properties: Properties): Struct {
  const visible = mapValue(properties, (value) =>
    isObject(value) ? Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith("__"))) : value,
  );
  return Struct.fromJavaScript(visible as Properties);
}
