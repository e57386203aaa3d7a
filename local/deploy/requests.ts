/** Registrations as goals. A field that is set and not implemented is an error, never ignored. */
import type { Alias as AliasMessage } from "@pulumi/pulumi/proto/alias_pb";
import type { RegisterResourceRequest, ResourceInvokeRequest } from "@pulumi/pulumi/proto/resource_pb";
import { allProblems } from "./errors";
import { compact, type Goal } from "./goal";
import type { Alias } from "./urn";
import type { Properties } from "./values";

export function readGoal(request: RegisterResourceRequest): Goal {
  const what = `${request.getName()} [${request.getType()}]`;
  refuseUnimplemented(what, {
    "remote components": request.getRemote(),
    import: request.getImportid() !== "",
    transforms: request.getTransformsList().length > 0,
    replaceWith: request.getReplaceWithList().length > 0,
    replacementTrigger: request.hasReplacementTrigger(),
    "resource hooks":
      request.hasHooks() && Object.values(request.getHooks()?.toObject() ?? {}).some((list) => list.length > 0),
    hideDiffs: request.getHidediffsList().length > 0,
    envVarMappings: request.getEnvvarmappingsMap().getLength() > 0,
    "answers without secrets": !request.getAcceptsecrets(),
    "answers without partial values": request.getCustom() && !request.getSupportspartialvalues(),
    "aliases without their specification": !request.getAliasspecs() && request.getAliasesList().length > 0,
    ...commonlyRefused(request),
  });
  return {
    type: request.getType(),
    name: request.getName(),
    custom: request.getCustom(),
    properties: request.getObject()?.toJavaScript() ?? {},
    parent: request.getParent() || undefined,
    protect: request.hasProtect() ? request.getProtect() : undefined,
    dependencies: request.getDependenciesList().sort(),
    propertyDependencies: propertyDependencies(request),
    provider: request.getProvider() || undefined,
    providers: Object.fromEntries(request.getProvidersMap().toArray()),
    version: request.getVersion() || undefined,
    deleteBeforeReplace: request.getDeletebeforereplacedefined() ? request.getDeletebeforereplace() : undefined,
    ignoreChanges: request.getIgnorechangesList(),
    replaceOnChanges: request.getReplaceonchangesList(),
    additionalSecretOutputs: request.getAdditionalsecretoutputsList(),
    aliases: [...request.getAliasesList().map(readAlias), ...request.getAliasurnsList().map((urn) => ({ urn }))],
    customTimeouts: timeouts(request, what),
    retainOnDelete: request.hasRetainondelete() ? request.getRetainondelete() : undefined,
    deletedWith: request.getDeletedwith() || undefined,
  };
}

export interface Invocation {
  token: string;
  args: Properties;
  provider?: string;
  version?: string;
}

export function readInvocation(request: ResourceInvokeRequest): Invocation {
  refuseUnimplemented(request.getTok(), commonlyRefused(request));
  return {
    token: request.getTok(),
    args: request.getArgs()?.toJavaScript() ?? {},
    provider: request.getProvider() || undefined,
    version: request.getVersion() || undefined,
  };
}

/** There is one package manager here: npm; and no components of other languages, which hand out stack traces. */
const commonlyRefused = (request: RegisterResourceRequest | ResourceInvokeRequest) => ({
  pluginDownloadURL: request.getPlugindownloadurl() !== "",
  "plugin checksums": request.getPluginchecksumsMap().getLength() > 0,
  "parameterized packages": request.getPackageref() !== "",
  "handles of parents' stack traces": request.getParentstacktracehandle() !== "",
  "answers without resource references (PULUMI_DISABLE_RESOURCE_REFERENCES)": !request.getAcceptresources(),
});

function refuseUnimplemented(what: string, used: Record<string, boolean>): void {
  const problems = Object.keys(used).filter((name) => used[name]);
  if (problems.length > 0)
    throw allProblems(
      what,
      problems.map((name) => `${name}: cannot be used here`),
    );
}

/** The runtime sends an entry for every input, empty where it depends on nothing. */
function propertyDependencies(request: RegisterResourceRequest): Record<string, string[]> {
  const entries: [string, string[]][] = [];
  request.getPropertydependenciesMap().forEach((value, key) => entries.push([key, value.getUrnsList().sort()]));
  return Object.fromEntries(entries.filter(([, urns]) => urns.length > 0));
}

function readAlias(alias: AliasMessage): Alias {
  const spec = alias.getSpec();
  if (!spec) return { urn: alias.getUrn() };
  return {
    name: spec.getName() || undefined,
    type: spec.getType() || undefined,
    stack: spec.getStack() || undefined,
    project: spec.getProject() || undefined,
    parent: spec.getParenturn() || undefined,
    noParent: spec.getNoparent(),
  };
}

const UNITS: Readonly<Record<string, number>> = { ns: 1e-9, us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3600 };

/** Go's durations (`1h30m`) as seconds. */
function timeouts(request: RegisterResourceRequest, what: string): Goal["customTimeouts"] {
  const given = request.getCustomtimeouts();
  const seconds = (name: string, text: string | undefined): number | undefined => {
    if (!text) return undefined;
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)];
    if (parts.map(([part]) => part).join("") !== text)
      throw allProblems(what, [`customTimeouts.${name}: got "${text}"; expected a duration such as 10m or 1h30m`]);
    return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ""] ?? 0), 0);
  };
  return compact({
    create: seconds("create", given?.getCreate()),
    update: seconds("update", given?.getUpdate()),
    delete: seconds("delete", given?.getDelete()),
    read: seconds("read", given?.getRead()),
  });
}
